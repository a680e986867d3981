//! [`ProxyUrl`]: where an upstream proxy is, and the credentials that belong to it.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use narrows_connect::Credentials;
use narrows_endpoint::{Target, TargetError};

/// The port of an `http://` proxy whose URL names none, as `azcmagent` and RFC 9110 §4.2.1 have it.
const DEFAULT_PORT: NonZeroU16 = NonZeroU16::new(80).unwrap();

/// The URL of an upstream proxy: `http://[user:password@]host[:port]`.
///
/// Neither `Display` nor `Debug` shows the credentials. Nothing is resolved or contacted here.
///
/// - `http://proxy.example:3128`, `HTTP://[::1]:3128/` and `http://proxy.example` (port 80) are read.
/// - `http://user:p%40ss@proxy.example:3128` carries the password `p@ss`.
/// - `proxy.example:3128` (no scheme), `https://…`, `socks5://…` and anything after the port but a
///   single `/` are refused.
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
    endpoint: Target,
    credentials: Option<Credentials>,
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
    #[error("proxies by {0}:// are not supported yet: use http://host:port")]
    Scheme(String),
}

// === impl ProxyUrl ===

impl ProxyUrl {
    /// Joins the proxy's host and port with the credentials that belong to it.
    pub const fn new(endpoint: Target, credentials: Option<Credentials>) -> Self {
        Self {
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
        let rest = after_scheme(text)?;
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
            endpoint: Target::with_default_port(address, DEFAULT_PORT)?,
            credentials: userinfo.map(read_userinfo).transpose()?,
        })
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = if self.credentials.is_some() {
            "***@"
        } else {
            ""
        };
        write!(f, "http://{hidden}{}", self.endpoint)
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyUrl({self})")
    }
}

fn after_scheme(text: &str) -> Result<&str, ProxyUrlError> {
    let (scheme, rest) = text.split_once("://").ok_or(ProxyUrlError::MissingScheme)?;
    if scheme.eq_ignore_ascii_case("http") {
        return Ok(rest);
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
