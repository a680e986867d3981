//! [`ChainFault`]: what is wrong with the certificates, in words that say whose fault it is.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Circumstances;
use super::algorithm::{Key, is_weak_signature};
use super::certificate::Certificate;
use super::name::covers;
use super::path::top;
use crate::verdict_id::VerdictId;
use crate::words::Certainty;

/// One thing that is wrong with the certificates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChainFault {
    /// One of them is past its time by this machine's clock.
    Expired {
        /// Whose.
        subject: String,
        /// Its last second.
        #[serde(with = "crate::serial::text")]
        not_after: Timestamp,
    },
    /// The host's own is accepted, and not for long.
    Expiring {
        /// Its last second.
        #[serde(with = "crate::serial::text")]
        not_after: Timestamp,
        /// Whole days until then.
        days: i64,
    },
    /// The server did not send the certificate of an intermediate issuer.
    IncompleteChain {
        /// The issuer that is missing.
        issuer: String,
        /// Where the certificate says that it can be fetched.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
    },
    /// The host's own lists what it is for, and serving TLS is not on the list.
    InvalidPurpose,
    /// None of its names is the host.
    NameMismatch {
        /// The names that it has, in its order; without any it is for nobody (RFC 9525 §6.2).
        names: Vec<String>,
    },
    /// One of them is not valid yet by this machine's clock.
    NotYetValid {
        /// Whose.
        subject: String,
        /// Its first second.
        #[serde(with = "crate::serial::text")]
        not_before: Timestamp,
    },
    /// The host's own is its own issuer.
    SelfSigned {
        /// Whose.
        subject: String,
    },
    /// The path leads to an issuer that is not trusted here.
    UnknownIssuer {
        /// The last issuer on the path.
        issuer: String,
        /// Whether that issuer's own certificate was sent, and is a root: then nothing is missing.
        root_sent: bool,
    },
    /// A key that is too short or of a kind that verifiers refuse.
    WeakKey {
        /// Whose.
        subject: String,
        /// The key.
        key: Key,
    },
    /// A signature with MD5 or SHA-1.
    WeakSignature {
        /// Whose.
        subject: String,
        /// The algorithm.
        signature: String,
    },
}

// === impl ChainFault ===

impl ChainFault {
    /// The id of the verdict that it is. What no verifier accepts, whatever the reason, has one id; the
    /// sentence says the reason.
    pub const fn id(&self) -> VerdictId {
        match self {
            Self::Expired { .. } => VerdictId::CertExpired,
            Self::Expiring { .. } => VerdictId::CertExpiring,
            Self::IncompleteChain { .. } => VerdictId::CertIncompleteChain,
            Self::InvalidPurpose | Self::WeakKey { .. } | Self::WeakSignature { .. } => {
                VerdictId::CertInvalid
            }
            Self::NameMismatch { .. } => VerdictId::CertNameMismatch,
            Self::NotYetValid { .. } => VerdictId::CertNotYetValid,
            Self::SelfSigned { .. } => VerdictId::CertSelfSigned,
            Self::UnknownIssuer { .. } => VerdictId::CertUnknownIssuer,
        }
    }

    /// How sure it is that this, and nothing else, is what the certificates show.
    ///
    /// An issuer that was not sent may be a root that nobody sends or an intermediate that was
    /// forgotten; both are likely at most. Everything else is there to be read.
    pub const fn certainty(&self) -> Certainty {
        match self {
            Self::IncompleteChain { .. }
            | Self::UnknownIssuer {
                root_sent: false, ..
            } => Certainty::Likely,
            _ => Certainty::Proved,
        }
    }
}

/// One sentence without a full stop.
impl fmt::Display for ChainFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired { subject, not_after } => {
                write!(f, "the certificate of {subject} expired at {not_after}")
            }
            Self::Expiring { days, .. } => write!(f, "the certificate expires in {days} days"),
            Self::IncompleteChain { issuer, .. } => {
                write!(
                    f,
                    "the server did not send the intermediate certificate of {issuer}"
                )
            }
            Self::InvalidPurpose => f.write_str("the certificate is not for TLS servers"),
            Self::NameMismatch { names } => mismatch(f, names),
            Self::NotYetValid {
                subject,
                not_before,
            } => {
                write!(
                    f,
                    "the certificate of {subject} is not valid before {not_before}"
                )
            }
            Self::SelfSigned { subject } => {
                write!(f, "the certificate of {subject} is signed by itself")
            }
            Self::UnknownIssuer { issuer, root_sent } => {
                let doubt = if *root_sent {
                    ""
                } else {
                    ", or the server left out who signed that"
                };
                write!(f, "the issuer {issuer} is not trusted here{doubt}")
            }
            Self::WeakKey { subject, key } => {
                write!(f, "the key of {subject} is too weak: {key}")
            }
            Self::WeakSignature { subject, signature } => {
                write!(
                    f,
                    "the certificate of {subject} has a weak signature: {signature}"
                )
            }
        }
    }
}

/// All that the certificates show, in the order in which it matters: who signed, what with, for what,
/// for whom, and when.
pub(super) fn all(
    leaf: &Certificate,
    chain: &[Certificate],
    known: &Circumstances<'_>,
) -> Vec<ChainFault> {
    let mut faults = Vec::from_iter(path(leaf, chain, known));
    faults.extend(weak(chain));
    faults.extend((!leaf.serves).then_some(ChainFault::InvalidPurpose));
    if !covers(&leaf.names, known.host) {
        let names = leaf.names.clone();
        faults.push(ChainFault::NameMismatch { names });
    }
    faults.extend(
        chain
            .iter()
            .find_map(|certificate| time(certificate, known.now)),
    );
    faults
}

/// Whether an accepted certificate is near its end.
pub(super) fn expiring(leaf: &Certificate, known: &Circumstances<'_>) -> Option<ChainFault> {
    let left = leaf.not_after.duration_since(known.now);
    let limit = known.expiring_within.as_secs();
    let near = u64::try_from(left.as_secs()).is_ok_and(|left| left < limit);
    near.then(|| ChainFault::Expiring {
        not_after: leaf.not_after,
        days: left.as_hours() / 24,
    })
}

fn path(
    leaf: &Certificate,
    chain: &[Certificate],
    known: &Circumstances<'_>,
) -> Option<ChainFault> {
    if known.anchored == Some(true) {
        return None;
    }
    if leaf.is_self_issued() {
        let subject = leaf.subject.to_string();
        return Some(ChainFault::SelfSigned { subject });
    }
    // Who the verifier has not asked may be trusted.
    known.anchored?;
    let top = top(leaf, chain);
    // A root is in nobody's store by a URL: who gives one expects an intermediate to be fetched.
    if top.issuer_url.is_some() && !top.is_self_issued() {
        return Some(ChainFault::IncompleteChain {
            issuer: top.issuer.to_string(),
            url: top.issuer_url.clone(),
        });
    }
    Some(ChainFault::UnknownIssuer {
        issuer: top.issuer.to_string(),
        root_sent: top.is_self_issued(),
    })
}

fn weak(chain: &[Certificate]) -> impl Iterator<Item = ChainFault> {
    let key = chain.iter().find(|certificate| certificate.key.is_weak());
    let key = key.map(|certificate| ChainFault::WeakKey {
        subject: certificate.subject.to_string(),
        key: certificate.key.clone(),
    });
    // A root is trusted for being there, not for the signature that it gave itself.
    let mut signed = chain
        .iter()
        .filter(|certificate| !certificate.is_self_issued());
    let signature = signed.find(|certificate| is_weak_signature(&certificate.signature));
    let signature = signature.map(|certificate| ChainFault::WeakSignature {
        subject: certificate.subject.to_string(),
        signature: certificate.signature.clone(),
    });
    key.into_iter().chain(signature)
}

fn time(certificate: &Certificate, now: Timestamp) -> Option<ChainFault> {
    let subject = certificate.subject.to_string();
    if now > certificate.not_after {
        let not_after = certificate.not_after;
        return Some(ChainFault::Expired { subject, not_after });
    }
    let not_before = certificate.not_before;
    (now < not_before).then_some(ChainFault::NotYetValid {
        subject,
        not_before,
    })
}

fn mismatch(f: &mut fmt::Formatter<'_>, names: &[String]) -> fmt::Result {
    match names {
        [] => f.write_str("the certificate has no names; its common name does not count"),
        [only] => write!(f, "the certificate is for {only}"),
        [first, second] => write!(f, "the certificate is for {first} and {second}"),
        [first, second, rest @ ..] => {
            write!(
                f,
                "the certificate is for {first}, {second} and {} more",
                rest.len()
            )
        }
    }
}
