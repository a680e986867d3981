//! Sockets as this bench wants them.

use std::io;
use std::net::SocketAddr;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};

/// A listener on a free port of loopback, and its address.
pub(crate) async fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

pub(crate) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    prepare(&stream)?;
    Ok(stream)
}

/// No delay, and reno: bbr paces by what it believes of a path that loopback has not.
pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    // A kernel without reno keeps what it has.
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(stream).set_tcp_congestion(b"reno");
    Ok(())
}

/// Ends the sending direction.
pub(crate) fn finish(stream: &TcpStream) {
    // A socket that cannot be shut down has ended already.
    let _ = SockRef::from(stream).shutdown(std::net::Shutdown::Write);
}
