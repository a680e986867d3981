//! [`TlsFault`]: how a TLS handshake with a gateway failed, and what that means.

use std::fmt;
use std::io;

use narrows_connect::printable;
use rustls::{AlertDescription, CertificateError};

/// How a TLS handshake failed.
///
/// `Display` is the end of a sentence whose subject is the gateway, with what to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsFault {
    /// The gateway ended the handshake with an alert.
    Alert {
        /// The alert's number (RFC 8446 §6).
        code: u8,
        /// Its name, such as `handshake_failure`.
        name: String,
    },
    /// The gateway's certificate is not good.
    Certificate(CertificateFault),
    /// The connection ended in the middle of the handshake.
    Closed {
        /// How many octets had come.
        received: u64,
        /// Whether by RST.
        reset: bool,
    },
    /// The connection ended after ClientHello, and not one octet had come back.
    ClosedAfterHello {
        /// Whether by RST.
        reset: bool,
    },
    /// No application protocol in common.
    NoProtocol,
    /// What answers is not TLS.
    NotTls {
        /// Its first octets, escaped.
        excerpt: String,
    },
    /// The handshake broke in another way.
    Protocol(String),
    /// The handshake was not complete in time.
    Silent {
        /// How many octets had come.
        received: u64,
    },
}

/// What is wrong with a gateway's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateFault {
    /// Its time is over.
    Expired {
        /// Since how many days, if known.
        days: Option<u64>,
    },
    /// Its time has not come.
    NotYetValid {
        /// In how many days it will, rounded up, if known.
        days: Option<u64>,
    },
    /// Anything else.
    Other(String),
    /// It was revoked.
    Revoked,
    /// Nobody that this machine trusts signed it.
    UntrustedIssuer {
        /// Who signed it, such as `CN=Example CA, O=Example`, if that could be read.
        issuer: Option<String>,
    },
    /// It is for other names.
    WrongName {
        /// The name that it should bear.
        expected: String,
        /// The names that it bears, the first few.
        presented: Vec<String>,
    },
}

// === impl TlsFault ===

impl TlsFault {
    /// What a handshake's error means, given the `first` octets out of `received`, and the `issuer` of the
    /// certificate that was refused in it.
    pub(crate) fn new(
        error: &io::Error,
        first: &[u8],
        received: u64,
        issuer: Option<String>,
    ) -> Self {
        if !is_tls(first) {
            let excerpt = first.escape_ascii().to_string();
            return Self::NotTls { excerpt };
        }
        let reset = match error.kind() {
            io::ErrorKind::UnexpectedEof => false,
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => true,
            _ => return Self::from_rustls(error, issuer),
        };
        match received {
            0 => Self::ClosedAfterHello { reset },
            received => Self::Closed { received, reset },
        }
    }

    /// The alert in an error that a stream gave after the handshake: TLS 1.3 judges client certificates
    /// only then.
    pub(crate) fn late_alert(error: &io::Error) -> Option<Self> {
        match inner(error) {
            Some(rustls::Error::AlertReceived(alert)) => Some(Self::alert(*alert)),
            _ => None,
        }
    }

    fn from_rustls(error: &io::Error, issuer: Option<String>) -> Self {
        match inner(error) {
            Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)) => {
                Self::NoProtocol
            }
            Some(rustls::Error::AlertReceived(alert)) => Self::alert(*alert),
            Some(rustls::Error::InvalidCertificate(error)) => {
                Self::Certificate(CertificateFault::new(error, issuer))
            }
            _ => Self::Protocol(printable(&error.to_string())),
        }
    }

    fn alert(alert: AlertDescription) -> Self {
        Self::Alert {
            code: u8::from(alert),
            name: match (alert, alert.as_str()) {
                // RFC 6066 spells it so.
                (AlertDescription::UnrecognisedName, _) => "unrecognized_name".to_owned(),
                (_, Some(name)) => snake(name),
                (_, None) => "unknown".to_owned(),
            },
        }
    }
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alert { code, name } => {
                write!(f, "ended the TLS handshake with alert {code} {name}{}", hint(*code))
            }
            Self::Certificate(fault) => write!(f, "showed a certificate that {fault}"),
            Self::Closed { received, reset } => write!(
                f,
                "{} the connection in the middle of the TLS handshake, after {received} octets",
                closed(*reset)
            ),
            Self::ClosedAfterHello { reset } => write!(
                f,
                "{} the connection after ClientHello without a word (a firewall between filters by \
                 name? it must let this name through)",
                closed(*reset)
            ),
            Self::NoProtocol => f.write_str(
                "has no application protocol in common with this side (is the protocol setting right, \
                 and is it an HTTPS proxy?)",
            ),
            Self::NotTls { excerpt } => write!(
                f,
                "does not speak TLS but begins with \"{excerpt}\" (a block page, or a wrong port?)"
            ),
            Self::Protocol(what) => write!(f, "broke the TLS handshake: {what}"),
            Self::Silent { received: 0 } => f.write_str(
                "was silent after ClientHello (a firewall between drops what it does not let through?)",
            ),
            Self::Silent { received } => write!(
                f,
                "fell silent in the TLS handshake after {received} octets (a path that loses large \
                 packets?)"
            ),
        }
    }
}

// === impl CertificateFault ===

impl CertificateFault {
    fn new(error: &CertificateError, issuer: Option<String>) -> Self {
        use CertificateError as Error;
        let days = |from: u64, to: u64| Some(to.saturating_sub(from) / DAY);
        match error {
            Error::Expired => Self::Expired { days: None },
            Error::ExpiredContext { time, not_after } => Self::Expired {
                days: days(not_after.as_secs(), time.as_secs()),
            },
            Error::NotValidYet => Self::NotYetValid { days: None },
            Error::NotValidYetContext { time, not_before } => Self::NotYetValid {
                days: days(time.as_secs(), not_before.as_secs() + DAY - 1),
            },
            Error::Revoked => Self::Revoked,
            Error::UnknownIssuer => Self::UntrustedIssuer { issuer },
            Error::NotValidForName => Self::Other("is for another name".to_owned()),
            Error::NotValidForNameContext {
                expected,
                presented,
            } => Self::WrongName {
                expected: expected.to_str().into_owned(),
                presented: presented
                    .iter()
                    .take(MAX_NAMES)
                    .map(|name| bare(name))
                    .collect(),
            },
            error => Self::Other(format!("cannot be used: {}", printable(&error.to_string()))),
        }
    }
}

/// The end of "a certificate that …".
impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired { days: Some(days) } => {
                write!(
                    f,
                    "expired {days} days ago (is this machine's clock right?)"
                )
            }
            Self::Expired { days: None } => f.write_str("has expired"),
            Self::NotYetValid { days: Some(days) } => write!(
                f,
                "is not valid before {days} days from now (is this machine's clock right?)"
            ),
            Self::NotYetValid { days: None } => f.write_str("is not valid yet"),
            Self::Other(what) => f.write_str(what),
            Self::Revoked => f.write_str("was revoked"),
            Self::UntrustedIssuer { issuer } => {
                let issuer = issuer.as_deref().unwrap_or("an issuer without a name");
                write!(
                    f,
                    "this machine does not trust; its issuer is {issuer} (if that is the gateway's own \
                     CA, add its file; if it is an inspecting firewall, exempt the gateway's name)"
                )
            }
            Self::WrongName {
                expected,
                presented,
            } if presented.is_empty() => {
                write!(f, "is not for {expected}; it bears no names")
            }
            Self::WrongName {
                expected,
                presented,
            } => {
                write!(f, "is not for {expected} but for {}", presented.join(", "))
            }
        }
    }
}

fn inner(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// Whether octets may begin a TLS record: a content type, and the major version that all records bear.
fn is_tls(first: &[u8]) -> bool {
    matches!(first, [] | [0x14..=0x17] | [0x14..=0x17, 0x03, ..])
}

const fn closed(reset: bool) -> &'static str {
    if reset { "reset" } else { "closed" }
}

/// What to look at when this alert came.
const fn hint(code: u8) -> &'static str {
    match code {
        40 | 70 => " (do both sides allow the same TLS versions and ciphers?)",
        42..=46 | 48 | 49 => " (it does not accept this machine's client certificate)",
        112 => " (it serves no such name: is the gateway's address right?)",
        116 => " (it wants a client certificate: configure one)",
        _ => "",
    }
}

/// `HandshakeFailure` becomes `handshake_failure`, as the RFC writes it.
fn snake(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// The verifier writes names as `DnsName("a.example")`; people write them without.
fn bare(name: &str) -> String {
    let quoted = name
        .split_once('(')
        .map_or(name, |(_, rest)| rest.trim_end_matches(')'));
    printable(quoted.trim_matches('"'))
}

/// One day in seconds.
const DAY: u64 = 24 * 60 * 60;
/// The most names of a certificate that are told.
const MAX_NAMES: usize = 4;
