//! [`GatewayStream`]: a tunnel through a gateway, whichever protocol carries it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;

use super::h2::H2Stream;
use super::socket::Socket;

/// An open tunnel through a gateway.
///
/// It ends as a TCP connection ends (RFC 9113 §8.5). End of file and shutdown are `close_notify` or
/// END_STREAM, and each direction has its own. RST_STREAM, RST, and a connection that ends without
/// `close_notify` are [`ConnectionReset`](io::ErrorKind::ConnectionReset), so that a tunnel that was cut
/// never looks complete; a gateway that stopped answering is [`TimedOut`](io::ErrorKind::TimedOut).
///
/// What is written is held back only within a fixed bound: TLS buffers up to 64 KiB, and a shared session
/// 256 KiB for each tunnel. A tunnel that is dropped before both directions have ended is cancelled
/// (RST_STREAM with CANCEL) or closed.
#[derive(Debug)]
pub struct GatewayStream(Kind);

#[derive(Debug)]
enum Kind {
    H1(Box<TlsStream<Socket>>),
    H2(Box<H2Stream>),
}

// === impl GatewayStream ===

impl GatewayStream {
    pub(crate) fn h1(io: Box<TlsStream<Socket>>) -> Self {
        Self(Kind::H1(io))
    }

    pub(super) fn h2(stream: H2Stream) -> Self {
        Self(Kind::H2(Box::new(stream)))
    }

    /// Makes the coming drop end the tunnel as a reset instead of a clean close: RST, or RST_STREAM with
    /// CONNECT_ERROR. The stream is of no other use afterwards.
    pub fn reset_on_drop(&mut self) {
        match &mut self.0 {
            Kind::H1(io) => io.get_mut().0.reset_on_drop(),
            Kind::H2(stream) => stream.reset(),
        }
    }
}

impl AsyncRead for GatewayStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Kind::H1(io) => Pin::new(io).poll_read(cx, buf).map_err(cut),
            Kind::H2(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for GatewayStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Kind::H1(io) => Pin::new(io).poll_write(cx, buf),
            Kind::H2(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Kind::H1(io) => Pin::new(io).poll_flush(cx),
            Kind::H2(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Kind::H1(io) => Pin::new(io).poll_shutdown(cx),
            Kind::H2(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// A connection that ends without `close_notify` was cut, whoever did it.
fn cut(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => io::Error::new(
            io::ErrorKind::ConnectionReset,
            "the connection ended without close_notify",
        ),
        _ => error,
    }
}
