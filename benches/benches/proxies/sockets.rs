//! Sockets as this bench wants them, and waiting for many of them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use socket2::{Domain, SockRef, Socket, Type};

/// More than ever wait at once.
const BACKLOG: i32 = 4096;

/// A listener on a free port, which does not block; what it accepts has its congestion control.
pub(crate) fn listen(address: Ipv4Addr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    prefer_reno(&socket);
    socket.bind(&SocketAddrV4::new(address, 0).into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// A connection that does not block, and may still be on its way.
pub(crate) fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    prefer_reno(&socket);
    match socket.connect(&to.into()) {
        Err(error)
            if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) =>
        {
            Err(error)
        }
        _ => Ok(socket.into()),
    }
}

/// Reno: bbr paces by what it believes of a path that loopback has not.
fn prefer_reno(socket: &Socket) {
    // A kernel without reno keeps what it has.
    let _ = socket.set_tcp_congestion(b"reno");
}

/// Lets nothing wait for more, on a socket that was accepted.
pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)
}

/// Makes closing this connection a reset.
pub(crate) fn reset_on_close(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}

/// Nothing when it would have to wait, which a connection does that is still on its way.
pub(crate) fn unless_waiting<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    use io::ErrorKind::{NotConnected, WouldBlock};
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), NotConnected | WouldBlock) => Ok(None),
        Err(error) => Err(error),
    }
}

// === impl Epoll ===

/// The sockets that are waited for, each with a key.
pub(crate) struct Epoll {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

impl Epoll {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(512),
        })
    }

    /// Watches a socket until it is closed.
    pub(crate) fn add(
        &self,
        socket: impl AsFd,
        key: usize,
        flags: epoll::EventFlags,
    ) -> io::Result<()> {
        let key = epoll::EventData::new_u64(key as u64);
        Ok(epoll::add(&self.epoll, socket, key, flags)?)
    }

    /// Waits, and hands out what happened.
    pub(crate) fn wait(
        &mut self,
        at_most: Duration,
    ) -> io::Result<impl Iterator<Item = (usize, epoll::EventFlags)> + use<>> {
        self.events.clear();
        let at_most = Timespec::try_from(at_most).map_err(io::Error::other)?;
        match epoll::wait(
            &self.epoll,
            spare_capacity(&mut self.events),
            Some(&at_most),
        ) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let events: Vec<_> = self
            .events
            .iter()
            .map(|event| {
                let (data, flags) = (event.data, event.flags);
                (usize::try_from(data.u64()).unwrap_or(usize::MAX), flags)
            })
            .collect();
        Ok(events.into_iter())
    }
}
