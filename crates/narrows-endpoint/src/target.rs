//! [`Target`]: what a client asks for, in authority form.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use crate::host::{Host, HostError};

/// A host and port that a client asks for, in canonical form.
///
/// The one type for a target: server, matcher, dialler and log use it, so what was judged is what is
/// dialled and what is logged. It reads the authority form of RFC 9110 §9.3.6, `host ":" port`, and
/// nothing else.
///
/// - `example.com:443`, `EXAMPLE.com.:443` and `[::1]:443` are targets.
/// - `example.com`, `example.com:`, `:443`, `example.com:0`, `example.com:+443`, `example.com:0443`,
///   `user@example.com:443`, `https://example.com:443` and `example.com:443/` are refused.
///
/// # Examples
///
/// ```
/// use narrows_endpoint::Target;
///
/// let target: Target = "Management.Azure.com:443".parse()?;
/// assert_eq!(target.to_string(), "management.azure.com:443");
/// assert!("management.azure.com:0443".parse::<Target>().is_err());
/// # Ok::<(), narrows_endpoint::TargetError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    host: Host,
    port: NonZeroU16,
}

/// Why a text is not a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The host part is refused.
    #[error(transparent)]
    Host(#[from] HostError),
    /// There is no `:port`.
    #[error("the port is missing: write host:port")]
    MissingPort,
    /// There is an `@`: a user, perhaps a password, before the host.
    #[error("a user or password before the host is not allowed: write host:port")]
    Userinfo,
    /// The port is not a plain decimal number from 1 to 65535.
    #[error("the port must be a plain decimal number from 1 to 65535")]
    Port,
}

// === impl Target ===

impl Target {
    /// Joins a host and a port.
    pub const fn new(host: Host, port: NonZeroU16) -> Self {
        Self { host, port }
    }

    /// Reads an authority whose port may be missing, as in `http://` URIs.
    ///
    /// # Errors
    ///
    /// As [`FromStr`], but never [`TargetError::MissingPort`]. An empty port (`example.com:`) is still
    /// refused.
    pub fn with_default_port(authority: &str, port: NonZeroU16) -> Result<Self, TargetError> {
        refuse_userinfo(authority)?;
        match split(authority) {
            (host, None) => Ok(Self::new(host.parse()?, port)),
            (_, Some(_)) => authority.parse(),
        }
    }

    /// The host.
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The host, for keeping.
    pub fn into_host(self) -> Host {
        self.host
    }

    /// The port, 1 to 65535.
    pub const fn port(&self) -> u16 {
        self.port.get()
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(authority: &str) -> Result<Self, TargetError> {
        refuse_userinfo(authority)?;
        let (host, port) = split(authority);
        // A host that could never be one is the more useful thing to say, so it is checked first.
        let host = host.parse()?;
        let port = parse_port(port.ok_or(TargetError::MissingPort)?)?;
        Ok(Self { host, port })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

fn refuse_userinfo(authority: &str) -> Result<(), TargetError> {
    if authority.contains('@') {
        return Err(TargetError::Userinfo);
    }
    Ok(())
}

/// Cuts at the last colon outside brackets; the parts are not checked.
fn split(authority: &str) -> (&str, Option<&str>) {
    match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => {
            (&authority[..colon], Some(&authority[colon + 1..]))
        }
        _ => (authority, None),
    }
}

/// Plain decimal without sign or leading zero, so that one port has one spelling.
pub(crate) fn parse_port(text: &str) -> Result<NonZeroU16, TargetError> {
    if text.starts_with('0') || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TargetError::Port);
    }
    text.parse().map_err(|_| TargetError::Port)
}

#[cfg(test)]
mod tests;
