//! [`Socket`]: the TCP connection below TLS, which remembers what it heard.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Stream;

/// How many of the first octets are kept to tell what spoke if it was not TLS.
const FIRST_OCTETS: usize = 80;

/// A connection, perhaps inside a proxy's tunnel, that carries TLS.
///
/// Shutting it down sends nothing: TLS has said `close_notify` by then, and a FIN would let many proxies
/// cut the other direction too. The FIN goes out when it is dropped.
#[derive(Debug)]
pub(crate) struct Socket {
    io: Stream,
    /// What came glued to the proxy's answer; read before `io`.
    early: Bytes,
    first: Vec<u8>,
    heard: Arc<AtomicU64>,
}

// === impl Socket ===

impl Socket {
    pub(super) fn new(io: Stream, early: Bytes) -> Self {
        Self {
            io,
            early,
            first: Vec::new(),
            heard: Arc::default(),
        }
    }

    /// Octets received so far; it goes on counting.
    pub(super) fn heard(&self) -> &Arc<AtomicU64> {
        &self.heard
    }

    /// The first octets received, at most [`FIRST_OCTETS`].
    pub(super) fn first(&self) -> &[u8] {
        &self.first
    }

    /// Makes the coming drop send RST.
    pub(super) fn reset_on_drop(&mut self) {
        self.io.reset_on_drop();
    }

    fn note(&mut self, octets: &[u8]) {
        self.heard.fetch_add(octets.len() as u64, Ordering::Relaxed);
        let room = FIRST_OCTETS - self.first.len();
        if room > 0 {
            self.first
                .extend_from_slice(&octets[..octets.len().min(room)]);
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if self.early.is_empty() {
            ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        } else {
            let taken = self.early.len().min(buf.remaining());
            buf.put_slice(&self.early[..taken]);
            self.early.advance(taken);
        }
        self.note(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }
}
