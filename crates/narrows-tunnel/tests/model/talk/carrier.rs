//! What a leg is made of: a pipe or a socket, and TLS around it.

use std::cell::LazyCell;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::task::{Context, Poll};

use narrows_tunnel::Transport;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::pipe::pipe;
use super::plan::PeerPlan;
use super::tls;
use crate::seeds::Dice;

/// Any stream: the peer's end of a leg, or the relay's.
pub(super) struct Carrier(Box<dyn Transport + Send>);

impl Carrier {
    pub(super) fn new(io: impl Transport + Send + 'static) -> Self {
        Self(Box::new(io))
    }
}

thread_local! {
    /// One for all seeds of a thread: the machine has fewer ports than there are seeds.
    static LISTENER: LazyCell<TcpListener> = LazyCell::new(|| TcpListener::bind("127.0.0.1:0").unwrap());
}

/// Both ends of a leg in memory: the peer's and the relay's.
pub(super) async fn in_memory(dice: &mut Dice, plan: &PeerPlan) -> (Carrier, Carrier) {
    let (peers, relays) = pipe(dice, plan.buffers);
    match plan.tls {
        None => (Carrier::new(peers), Carrier::new(relays)),
        Some(how) => tls::around(how, peers, relays).await,
    }
}

/// The same over loopback.
pub(super) async fn on_sockets(plan: &PeerPlan) -> (Carrier, Carrier) {
    let (peers, relays) = LISTENER.with(|listener| {
        let peers = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (peers, listener.accept().unwrap().0)
    });
    let [peers, relays] = [peers, relays].map(|socket| {
        if let Some(octets) = plan.buffers {
            // Not what it receives into: below one segment of loopback, the kernel waits for its timers.
            SockRef::from(&socket).set_send_buffer_size(octets).unwrap();
        }
        socket.set_nodelay(true).unwrap();
        socket.set_nonblocking(true).unwrap();
        tokio::net::TcpStream::from_std(socket).unwrap()
    });
    match plan.tls {
        None => (Carrier::new(peers), Carrier::new(relays)),
        Some(how) => tls::around(how, peers, relays).await,
    }
}

impl AsyncRead for Carrier {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Carrier {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl Transport for Carrier {
    fn reset_on_drop(&mut self) {
        self.0.reset_on_drop();
    }

    fn socket(&self) -> Option<&tokio::net::TcpStream> {
        self.0.socket()
    }
}
