//! A stream that first gives back what was already read from it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use narrows_tunnel::Leg;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Gives the bytes of a leg's early data before those of its stream.
pub(super) struct Prefixed<S> {
    leg: Leg<S>,
}

impl<S> Prefixed<S> {
    pub(super) const fn new(leg: Leg<S>) -> Self {
        Self { leg }
    }

    /// The stream, and what has not been read of the early data.
    pub(super) fn into_leg(self) -> Leg<S> {
        self.leg
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Prefixed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let early = &mut self.leg.early;
        if early.is_empty() {
            return Pin::new(&mut self.leg.io).poll_read(cx, buffer);
        }
        let taken = early.len().min(buffer.remaining());
        buffer.put_slice(&early[..taken]);
        early.advance(taken);
        if early.is_empty() {
            *early = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prefixed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.leg.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.leg.io).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.leg.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.leg.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.leg.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn early_data_comes_first_and_once() {
        let io = tokio_test::io::Builder::new().read(b" world").build();
        let mut prefixed = Prefixed::new(Leg::new(io, Bytes::from_static(b"hello")));
        let mut two = [0; 2];
        prefixed.read_exact(&mut two).await.unwrap();
        assert_eq!(&two, b"he");
        assert_eq!(prefixed.leg.early, "llo");
        let mut rest = String::new();
        prefixed.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "llo world");
    }
}
