//! [`Address`]: where an admin listener is.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Where an admin listener is: `127.0.0.1:9090`, or `unix:/run/narrows/admin.sock`.
///
/// # Examples
///
/// ```
/// use narrows_admin::Address;
///
/// let address: Address = "/run/narrows/admin.sock".parse()?;
/// assert_eq!(address.to_string(), "unix:/run/narrows/admin.sock");
/// assert!("127.0.0.1:9090".parse::<Address>()?.is_local());
/// assert!("localhost:9090".parse::<Address>().is_err());
/// # Ok::<(), narrows_admin::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An address and port of this machine; port 0 takes a free one.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

/// Why a text is not an [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Neither an address with port nor a path.
    #[error("this is neither an address with port nor unix: and an absolute path")]
    Neither,
    /// A path that depends on where the process was started.
    #[error("the path of a socket must begin with /")]
    Relative,
    /// Longer than the system's addresses of sockets.
    #[error(
        "the path of a socket may have {MAX_PATH} octets at the most, and that of its directory {MAX_DIRECTORY}"
    )]
    TooLong,
}

/// What `sockaddr_un` holds on every system.
const MAX_PATH: usize = 103;
/// What is left for its directory beside the place where the socket is made: `/.01234567/s`.
const MAX_DIRECTORY: usize = MAX_PATH - 12;

// === impl Address ===

impl Address {
    /// Whether only this machine can reach it.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }

    /// The address and port, unless it is a Unix socket.
    pub const fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let path = match text.strip_prefix("unix:") {
            Some(path) => path,
            None if text.starts_with('/') => text,
            None => {
                let address = text.parse().map_err(|_| AddressError::Neither)?;
                return Ok(Self::Tcp(address));
            }
        };
        if !path.starts_with('/') {
            return Err(AddressError::Relative);
        }
        let directory = path.rfind('/').unwrap_or_default();
        if path.len() > MAX_PATH || directory > MAX_DIRECTORY {
            return Err(AddressError::TooLong);
        }
        Ok(Self::Unix(path.into()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong() {
        let long = format!("unix:/{}", "x".repeat(MAX_PATH));
        let deep = format!("unix:/{}/s", "x".repeat(MAX_DIRECTORY));
        for (text, error) in [
            ("", AddressError::Neither),
            ("9090", AddressError::Neither),
            ("localhost:9090", AddressError::Neither),
            ("unix:admin.sock", AddressError::Relative),
            ("unix:", AddressError::Relative),
            (&long, AddressError::TooLong),
            (&deep, AddressError::TooLong),
        ] {
            assert_eq!(text.parse::<Address>(), Err(error), "{text}");
        }
    }

    #[test]
    fn knows_what_others_can_reach() {
        for (text, local) in [
            ("127.0.0.1:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("/run/x", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("192.0.2.1:1", false),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().is_local(), local, "{text}");
        }
    }
}
