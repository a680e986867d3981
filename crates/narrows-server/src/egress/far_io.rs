//! [`FarIo`]: the stream to the next hop.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use narrows_tunnel::Transport;
use narrows_upstream::{GatewayStream, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The stream to the next hop: a plain socket, or one inside TLS with a gateway or an `https` proxy.
#[derive(Debug)]
pub(crate) enum FarIo {
    Gateway(GatewayStream),
    Tcp(TcpStream),
}

impl From<Stream> for FarIo {
    fn from(io: Stream) -> Self {
        match io {
            Stream::Tcp(io) => Self::Tcp(io),
            Stream::Tls(io) => Self::Gateway(io),
        }
    }
}

impl Transport for FarIo {
    fn reset_on_drop(&mut self) {
        match self {
            Self::Gateway(io) => io.reset_on_drop(),
            Self::Tcp(io) => io.reset_on_drop(),
        }
    }

    fn socket(&self) -> Option<&TcpStream> {
        match self {
            Self::Gateway(_) => None,
            Self::Tcp(io) => Some(io),
        }
    }
}

impl AsyncRead for FarIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Gateway(io) => Pin::new(io).poll_read(cx, buffer),
            Self::Tcp(io) => Pin::new(io).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for FarIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Gateway(io) => Pin::new(io).poll_write(cx, bytes),
            Self::Tcp(io) => Pin::new(io).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Gateway(io) => Pin::new(io).poll_write_vectored(cx, bytes),
            Self::Tcp(io) => Pin::new(io).poll_write_vectored(cx, bytes),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Gateway(io) => io.is_write_vectored(),
            Self::Tcp(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Gateway(io) => Pin::new(io).poll_flush(cx),
            Self::Tcp(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Gateway(io) => Pin::new(io).poll_shutdown(cx),
            Self::Tcp(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}
