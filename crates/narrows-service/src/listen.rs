//! [`listen`]: sockets on every address, or on none.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

/// Why an address cannot be listened on. The message has its cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Two addresses to listen on exclude each other.
    #[error("cannot listen on {address}: it overlaps with {other}, which is listened on already")]
    Overlap {
        /// The later address.
        address: SocketAddr,
        /// The address that is listened on already.
        other: SocketAddr,
    },
    /// A descriptor that the service manager passed is no listening TCP socket.
    #[error("cannot listen on socket {index} of those that the service manager passed: {error}")]
    Passed {
        /// Which, from 0.
        index: usize,
        /// What is wrong with it.
        error: io::Error,
    },
    /// The system refuses.
    #[error("cannot listen on {address}: {error}")]
    System {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
}

impl ListenError {
    /// What to do about it, if that can be known.
    pub fn hint(&self) -> Option<&'static str> {
        let error = match self {
            Self::Overlap { .. } => return Some("leave one of them out"),
            Self::Passed { .. } => {
                return Some(
                    "the .socket unit needs ListenStream= with address and port, and Accept=no",
                );
            }
            Self::System { error, .. } => error,
        };
        match error.kind() {
            io::ErrorKind::AddrInUse => Some(
                "another program listens there: end it, or choose another address with --listen",
            ),
            io::ErrorKind::AddrNotAvailable => Some("this machine does not have that address"),
            io::ErrorKind::PermissionDenied => Some(
                "ports below 1024 need a privilege (CAP_NET_BIND_SERVICE): choose a higher one with --listen",
            ),
            _ => None,
        }
    }
}

/// Listens on every address, or on none; the listeners, and the addresses that they came to (port 0
/// becomes a free one).
///
/// # Errors
///
/// The first address that cannot be listened on.
///
/// # Cancel safety
///
/// Cancel safe: what was bound is closed.
pub async fn listen(
    addresses: &[SocketAddr],
) -> Result<(Vec<TcpListener>, Vec<SocketAddr>), ListenError> {
    let mut listeners = Vec::new();
    let mut own = Vec::new();
    for &address in addresses {
        let fail = |error| ListenError::System { address, error };
        let listener = TcpListener::bind(address).await.map_err(|error| {
            let taken = error.kind() == io::ErrorKind::AddrInUse;
            match own.iter().find(|other| taken && overlap(address, **other)) {
                Some(&other) => ListenError::Overlap { address, other },
                None => fail(error),
            }
        })?;
        own.push(listener.local_addr().map_err(fail)?);
        listeners.push(listener);
    }
    Ok((listeners, own))
}

/// Whether one is every address of this machine, at the port of the other.
const fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port() && (one.ip().is_unspecified() || other.ip().is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn says_which_address_is_taken_and_by_whom() {
        let free = "127.0.0.1:0".parse().unwrap();
        let (_held, own) = listen(&[free]).await.unwrap();
        let error = listen(&[own[0]]).await.unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with(&format!("cannot listen on {}: ", own[0]))
        );
        assert!(error.hint().unwrap().starts_with("another program"));
    }

    #[tokio::test]
    async fn says_which_two_exclude_each_other() {
        let (held, own) = listen(&["127.0.0.1:0".parse().unwrap()]).await.unwrap();
        drop(held);
        let every = SocketAddr::new([0, 0, 0, 0].into(), own[0].port());
        let error = listen(&[own[0], every]).await.unwrap_err();
        assert!(matches!(error, ListenError::Overlap { .. }), "{error}");
    }
}
