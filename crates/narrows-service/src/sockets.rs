//! [`Sockets`]: what a service listens on: sockets that its service manager passed to it, or addresses.

use std::io;
use std::net::SocketAddr;

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;
use tokio::net::TcpListener;

use crate::listen::{ListenError, listen};
use crate::say::say;

/// What a service listens on.
///
/// A service manager that holds the sockets (systemd's socket activation) lets a service be restarted
/// without refusing anyone: connections wait in the socket until the next process accepts them.
#[derive(Debug)]
pub struct Sockets(Kind);

#[derive(Debug)]
enum Kind {
    /// Listening already, in the order in which they were passed.
    Passed(Vec<(std::net::TcpListener, SocketAddr)>),
    /// To be listened on.
    Own(Vec<SocketAddr>),
}

impl Sockets {
    /// The sockets that the service manager passed (`LISTEN_FDS`), all of them, or else `addresses`.
    ///
    /// Takes the variables out of the environment, so call it once, and before there are other threads.
    /// Sockets that were meant for another process (`LISTEN_PID`) are left alone.
    ///
    /// # Errors
    ///
    /// [`ListenError::Passed`] for a descriptor that is no listening TCP socket.
    pub fn passed_or(addresses: &[SocketAddr]) -> Result<Self, ListenError> {
        let mut descriptors = ListenFd::from_env();
        if descriptors.len() == 0 {
            return Ok(Self(Kind::Own(addresses.to_vec())));
        }
        let passed: Result<Vec<_>, ListenError> = (0..descriptors.len())
            .map(|index| {
                let fail = |error| ListenError::Passed { index, error };
                let socket = descriptors.take_tcp_listener(index).map_err(fail)?;
                let socket = socket.ok_or_else(|| fail(io::ErrorKind::NotFound.into()))?;
                let address = check(&socket).map_err(fail)?;
                Ok((socket, address))
            })
            .collect();
        Ok(Self(Kind::Passed(passed?)))
    }

    /// The addresses of passed sockets, or those that will be listened on, where port 0 is still open.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        match &self.0 {
            Kind::Passed(sockets) => sockets.iter().map(|(_, address)| *address).collect(),
            Kind::Own(addresses) => addresses.clone(),
        }
    }

    /// Whether only this machine can connect.
    pub fn are_local(&self) -> bool {
        self.addresses()
            .iter()
            .all(|address| address.ip().is_loopback())
    }

    /// Whether the service manager passed them.
    pub const fn are_passed(&self) -> bool {
        matches!(self.0, Kind::Passed(_))
    }

    /// Listens on all of them, or on none; the listeners, and the addresses that they came to. Passed sockets
    /// are said on standard error, since they make a setting void.
    ///
    /// # Errors
    ///
    /// The first that cannot be listened on.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was bound is closed.
    pub async fn listen(self) -> Result<(Vec<TcpListener>, Vec<SocketAddr>), ListenError> {
        let sockets = match self.0 {
            Kind::Own(addresses) => return listen(&addresses).await,
            Kind::Passed(sockets) => sockets,
        };
        say(format_args!(
            "sockets are passed by the service manager, whose .socket unit says where; `listen` is not used"
        ));
        let listeners = sockets.into_iter().enumerate();
        let listeners = listeners.map(|(index, (socket, address))| {
            let fail = |error| ListenError::Passed { index, error };
            socket.set_nonblocking(true).map_err(fail)?;
            Ok((TcpListener::from_std(socket).map_err(fail)?, address))
        });
        listeners.collect()
    }
}

/// The address of a socket that listens.
fn check(socket: &std::net::TcpListener) -> io::Result<SocketAddr> {
    if socket_acceptconn(socket)? {
        socket.local_addr()
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it does not listen",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Passed sockets need a process of their own: narrows-proxy's tests start one.

    #[tokio::test]
    async fn without_a_service_manager_addresses_are_listened_on() {
        let address = "127.0.0.1:0".parse().unwrap();
        let sockets = Sockets::passed_or(&[address]).unwrap();
        assert!(!sockets.are_passed());
        assert_eq!(sockets.addresses(), [address]);
        assert!(sockets.are_local());
        let (_listeners, own) = sockets.listen().await.unwrap();
        assert_ne!(own[0].port(), 0);
    }
}
