//! [`ProxyUrl`]: where an upstream proxy is, and the credentials that belong to it.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use narrows_connect::Credentials;
use narrows_endpoint::{Target, TargetError};

/// The URL of an upstream proxy: `http://[user:password@]host[:port]`, or `https` or `socks5` instead.
///
/// Neither `Display` nor `Debug` shows the credentials. Nothing is resolved or contacted here.
///
/// - `http://proxy.example:3128`, `HTTP://[::1]:3128/` and `http://proxy.example` (port 80) are read.
/// - `https://proxy.example` is a proxy inside TLS (port 443), `socks5://proxy.example` speaks SOCKS5
///   (port 1080); `socks5h://` means the same, as names are always left to the proxy.
/// - `http://user:p%40ss@proxy.example:3128` carries the password `p@ss`.
/// - `proxy.example:3128` (no scheme), `socks4://…` and anything after the port but a single `/` are
///   refused.
///
/// # Examples
///
/// ```
/// use narrows_upstream::ProxyUrl;
///
/// let url: ProxyUrl = "http://agent:secret@proxy.example:3128".parse()?;
/// assert_eq!(url.to_string(), "http://***@proxy.example:3128");
/// # Ok::<(), narrows_upstream::ProxyUrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl {
    scheme: ProxyScheme,
    endpoint: Target,
    credentials: Option<Credentials>,
}

/// What is spoken with a proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyScheme {
    /// HTTP/1.1, in clear.
    #[default]
    Http,
    /// HTTP/1.1 inside TLS.
    Https,
    /// SOCKS5 (RFC 1928), in clear.
    Socks5,
}

/// Why a text is not the URL of a proxy. Never shows credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyUrlError {
    /// The user or password cannot be sent in a header.
    #[error("the user or password holds a character that cannot be sent: {0}")]
    Credentials(String),
    /// The host or port is refused.
    #[error("the proxy's address is wrong: {0}")]
    Endpoint(#[from] TargetError),
    /// There is no `http://` in front.
    #[error("the scheme is missing: write http://host:port")]
    MissingScheme,
    /// Something stands after the port.
    #[error("nothing may follow host:port in a proxy URL")]
    Path,
    /// `%` without two hexadecimal digits, or octets that are not UTF-8.
    #[error("the user or password has a wrong percent-encoding (write % as %25)")]
    PercentEncoding,
    /// A `/`, `?` or `#` stands before an `@`.
    #[error("write '/', '?' and '#' in a user or password as %2F, %3F and %23")]
    RawDelimiter,
    /// A scheme that is not spoken.
    #[error("proxies by {0}:// are not supported: use http://, https:// or socks5://")]
    Scheme(String),
}

// === impl ProxyUrl ===

impl ProxyUrl {
    /// Joins the host and port of an `http` proxy with the credentials that belong to it.
    pub const fn new(endpoint: Target, credentials: Option<Credentials>) -> Self {
        Self {
            scheme: ProxyScheme::Http,
            endpoint,
            credentials,
        }
    }

    /// The same proxy with these credentials.
    #[must_use]
    pub fn with_credentials(self, credentials: Credentials) -> Self {
        Self {
            credentials: Some(credentials),
            ..self
        }
    }

    /// What is spoken with it.
    pub const fn scheme(&self) -> ProxyScheme {
        self.scheme
    }

    /// The proxy's host and port.
    pub const fn endpoint(&self) -> &Target {
        &self.endpoint
    }

    /// The credentials that the URL carried.
    pub const fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }
}

impl FromStr for ProxyUrl {
    type Err = ProxyUrlError;

    fn from_str(text: &str) -> Result<Self, ProxyUrlError> {
        let (scheme, rest) = split_scheme(text)?;
        let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if tail.contains('@') {
            return Err(ProxyUrlError::RawDelimiter);
        }
        if !matches!(tail, "" | "/") {
            return Err(ProxyUrlError::Path);
        }
        // A host never holds an `@`, so the last one ends the userinfo even if it was not encoded.
        let (userinfo, address) = match authority.rsplit_once('@') {
            Some((userinfo, address)) => (Some(userinfo), address),
            None => (None, authority),
        };
        Ok(Self {
            scheme,
            endpoint: Target::with_default_port(address, scheme.port())?,
            credentials: userinfo.map(read_userinfo).transpose()?,
        })
    }
}

impl ProxyScheme {
    /// As it stands in URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
        }
    }

    /// The port of a proxy whose URL names none: of `http` and `https` as `azcmagent` and RFC 9110 §4.2
    /// have it, of SOCKS as IANA has it.
    const fn port(self) -> NonZeroU16 {
        const HTTP: NonZeroU16 = NonZeroU16::new(80).unwrap();
        const HTTPS: NonZeroU16 = NonZeroU16::new(443).unwrap();
        const SOCKS: NonZeroU16 = NonZeroU16::new(1080).unwrap();
        match self {
            Self::Http => HTTP,
            Self::Https => HTTPS,
            Self::Socks5 => SOCKS,
        }
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = if self.credentials.is_some() {
            "***@"
        } else {
            ""
        };
        write!(f, "{}://{hidden}{}", self.scheme.as_str(), self.endpoint)
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyUrl({self})")
    }
}

fn split_scheme(text: &str) -> Result<(ProxyScheme, &str), ProxyUrlError> {
    let (scheme, rest) = text.split_once("://").ok_or(ProxyUrlError::MissingScheme)?;
    match &*scheme.to_ascii_lowercase() {
        "http" => return Ok((ProxyScheme::Http, rest)),
        "https" => return Ok((ProxyScheme::Https, rest)),
        "socks5" | "socks5h" => return Ok((ProxyScheme::Socks5, rest)),
        _ => {}
    }
    // What stands before `://` may be anything, a password too; only a real scheme is repeated.
    let is_scheme = !scheme.is_empty()
        && scheme.len() <= 16
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_scheme {
        Err(ProxyUrlError::Scheme(scheme.to_ascii_lowercase()))
    } else {
        Err(ProxyUrlError::MissingScheme)
    }
}

fn read_userinfo(userinfo: &str) -> Result<Credentials, ProxyUrlError> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    Credentials::new(percent_decode(user)?, percent_decode(password)?)
        .map_err(|error| ProxyUrlError::Credentials(error.to_string()))
}

fn percent_decode(text: &str) -> Result<String, ProxyUrlError> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        octets.push(match byte {
            b'%' => hex(rest.next())? << 4 | hex(rest.next())?,
            plain => plain,
        });
    }
    String::from_utf8(octets).map_err(|_| ProxyUrlError::PercentEncoding)
}

fn hex(digit: Option<u8>) -> Result<u8, ProxyUrlError> {
    match digit {
        Some(c @ b'0'..=b'9') => Ok(c - b'0'),
        Some(c @ b'a'..=b'f') => Ok(c - b'a' + 10),
        Some(c @ b'A'..=b'F') => Ok(c - b'A' + 10),
        _ => Err(ProxyUrlError::PercentEncoding),
    }
}

#[cfg(test)]
mod tests;
