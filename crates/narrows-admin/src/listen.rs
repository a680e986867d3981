//! [`Listener`]: the socket of an admin listener, which nobody can reach who should not.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

use crate::address::Address;

#[cfg(unix)]
mod unix;

/// The socket of an admin listener. A Unix socket's file is removed when it is dropped.
#[derive(Debug)]
pub struct Listener {
    address: Address,
    socket: Socket,
}

/// Who may open a Unix socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SocketMode {
    /// Its owner and its group: 0660.
    Group,
    /// Its owner alone: 0600.
    #[default]
    Owner,
}

/// Why an admin listener cannot be opened. The message has its cause.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the admin listener {address}: {error}")]
pub struct BindError {
    /// Where.
    pub address: Address,
    /// What the system said.
    pub error: io::Error,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(unix::UnixSocket),
}

/// A connection that was accepted.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

// === impl Listener ===

impl Listener {
    /// Opens it. A Unix socket has its mode before anybody can see it; a file of an earlier process that
    /// nobody listens on is replaced.
    ///
    /// # Errors
    ///
    /// What the system says; for a Unix socket also that somebody listens there already.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: there is one await, after which nothing can be lost.
    pub async fn bind(address: &Address, mode: SocketMode) -> Result<Self, BindError> {
        let opened = match address {
            Address::Tcp(tcp) => bind_tcp(*tcp).await,
            #[cfg(unix)]
            Address::Unix(path) => unix::UnixSocket::bind(path, mode).map(|socket| Self {
                address: address.clone(),
                socket: Socket::Unix(socket),
            }),
            #[cfg(not(unix))]
            Address::Unix(_) => {
                let _ = mode;
                Err(io::ErrorKind::Unsupported.into())
            }
        };
        opened.map_err(|error| BindError {
            address: address.clone(),
            error,
        })
    }

    /// Where it is; a free port that was taken is named.
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> io::Result<Box<dyn Io>> {
        match &self.socket {
            Socket::Tcp(listener) => Ok(Box::new(listener.accept().await?.0)),
            #[cfg(unix)]
            Socket::Unix(socket) => Ok(Box::new(socket.accept().await?)),
        }
    }
}

async fn bind_tcp(address: std::net::SocketAddr) -> io::Result<Listener> {
    let listener = TcpListener::bind(address).await?;
    Ok(Listener {
        address: Address::Tcp(listener.local_addr()?),
        socket: Socket::Tcp(listener),
    })
}

// === impl BindError ===

impl BindError {
    /// What to do about it, if that can be known.
    pub fn hint(&self) -> Option<&'static str> {
        match (self.error.kind(), &self.address) {
            (io::ErrorKind::AddrInUse, _) => {
                Some("another process listens there: choose another place with admin.listen")
            }
            (io::ErrorKind::NotFound, Address::Unix(_)) => {
                Some("make the directory of the socket first")
            }
            (io::ErrorKind::PermissionDenied, Address::Unix(_)) => {
                Some("the directory of the socket must be writable for this user")
            }
            _ => None,
        }
    }
}
