//! [`Door`]: the client's connection as hyper sees it, and how far the client has come.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use narrows_connect::{ProxyError, Refusal};
use narrows_tunnel::Leg;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::prefixed::Prefixed;

/// Where a client is between two requests; shared by its connection and its session.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress(Arc<AtomicU8>);

/// Nothing has come since the last answer.
const IDLE: u8 = 0;
/// Part of a request head has come.
const HEAD: u8 = 1;
/// A request is being served.
const BUSY: u8 = 2;

/// A client's connection: knows whether a request has begun, and gives a reason where hyper gives none.
///
/// hyper answers what it cannot parse by itself, with a bare status. That is all it ever writes while a
/// head is still coming, so it is replaced here by an answer that says why.
pub(super) struct Door<S> {
    inner: Prefixed<S>,
    /// The name under which refusals are signed.
    name: String,
    progress: Progress,
    /// The rest of an answer that stands for hyper's.
    refusal: Bytes,
}

impl Progress {
    /// A request is complete as far as its head.
    pub(super) fn begin(&self) {
        self.0.store(BUSY, Ordering::Relaxed);
    }

    /// The last request has been answered.
    pub(super) fn finish(&self) {
        self.0.store(IDLE, Ordering::Relaxed);
    }

    /// Whether a request head has begun and is not complete.
    pub(super) fn in_head(&self) -> bool {
        self.0.load(Ordering::Relaxed) == HEAD
    }

    fn heard(&self) {
        // Bytes of a body, or of the next head behind it, belong to the request that is being served.
        let _ = self
            .0
            .compare_exchange(IDLE, HEAD, Ordering::Relaxed, Ordering::Relaxed);
    }
}

impl<S> Door<S> {
    pub(super) fn new(leg: Leg<S>, name: String, progress: Progress) -> Self {
        Self {
            inner: Prefixed::new(leg),
            name,
            progress,
            refusal: Bytes::new(),
        }
    }

    /// The stream, and what has not been read of the early data.
    pub(super) fn into_leg(self) -> Leg<S> {
        self.inner.into_leg()
    }

    /// The answer in place of hyper's.
    fn replace(&self, answer: &[u8]) -> Bytes {
        let (status, why) = match answer.get(9..12) {
            Some(b"431") => (431, "the request head is too large"),
            Some(b"414") => (414, "the request's URI is too long"),
            _ => (
                400,
                "the request head is malformed, or its framing is ambiguous",
            ),
        };
        let refusal = Refusal {
            error: Some(ProxyError::HttpRequestError),
            ..Refusal::new(status, why)
        };
        refusal.encode(&self.name).into()
    }
}

impl<S: AsyncWrite + Unpin> Door<S> {
    fn poll_refuse(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.refusal.is_empty() {
            let written = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.refusal))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.refusal.advance(written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Door<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.inner).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.progress.heard();
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Door<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.progress.in_head() {
            self.refusal = self.replace(bytes);
            self.progress.begin();
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(self.poll_refuse(cx))?;
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.progress.in_head() {
            let first = bytes.iter().find(|part| !part.is_empty());
            return self.poll_write(cx, first.map_or(&[], |part| part));
        }
        ready!(self.poll_refuse(cx))?;
        Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_refuse(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_refuse(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
