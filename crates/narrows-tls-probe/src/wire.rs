//! [`Wire`]: a stream that writes down what passes over it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::evidence::MAX_FIRST;
use crate::words::Ending;

/// Any stream.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Io for S {}

/// A stream whose kind does not matter: a socket, or TLS over one.
pub(crate) type BoxedIo<'a> = Box<dyn Io + 'a>;

/// A stream below a protocol that is being watched. What is noted stays readable on its [`Tape`], also
/// when the stream is gone.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    io: S,
    /// What came glued to the answer of the hop before; read before `io`.
    early: Bytes,
    tape: Tape,
}

/// What passed over a [`Wire`]. Clones are the same tape.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tape(Arc<Mutex<Notes>>);

/// What is noted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    /// Octets sent.
    pub(crate) sent: u64,
    /// Octets received.
    pub(crate) received: u64,
    /// The first octets received, at most [`MAX_FIRST`].
    pub(crate) first: Vec<u8>,
    /// When the last octet was sent before the first came.
    pub(crate) asked: Option<Instant>,
    /// When the first octet came.
    pub(crate) heard: Option<Instant>,
    /// When the last octet came.
    pub(crate) last: Option<Instant>,
    /// How the other side ended it, and when.
    pub(crate) ended: Option<(Ending, Instant)>,
    /// Whether an error came while sending.
    pub(crate) cut: bool,
}

// === impl Wire ===

impl<S> Wire<S> {
    pub(crate) fn new(io: S, early: Bytes) -> Self {
        let tape = Tape::default();
        Self { io, early, tape }
    }

    pub(crate) fn tape(&self) -> &Tape {
        &self.tape
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if self.early.is_empty() {
            let read = ready!(Pin::new(&mut self.io).poll_read(cx, buf));
            if let Err(error) = &read {
                self.tape.lock().fail(error);
            }
            read?;
        } else {
            let taken = self.early.len().min(buf.remaining());
            buf.put_slice(&self.early[..taken]);
            self.early.advance(taken);
        }
        let room = buf.capacity() > before;
        self.tape.lock().hear(&buf.filled()[before..], room);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, buf));
        let mut notes = self.tape.lock();
        match &written {
            Ok(octets) => notes.send(*octets),
            Err(error) => {
                notes.fail(error);
                notes.cut = true;
            }
        }
        drop(notes);
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

// === impl Tape ===

impl Tape {
    /// What was noted so far.
    pub(crate) fn notes(&self) -> Notes {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Notes ===

impl Notes {
    fn send(&mut self, octets: usize) {
        self.sent += octets as u64;
        if self.heard.is_none() {
            self.asked = Some(Instant::now());
        }
    }

    /// No octet where there was room for one is the end of the stream.
    fn hear(&mut self, octets: &[u8], room: bool) {
        let now = Instant::now();
        if octets.is_empty() {
            if room {
                self.ended.get_or_insert((Ending::Closed, now));
            }
            return;
        }
        self.received += octets.len() as u64;
        self.heard.get_or_insert(now);
        self.last = Some(now);
        let kept = octets.len().min(MAX_FIRST - self.first.len());
        self.first.extend_from_slice(&octets[..kept]);
    }

    fn fail(&mut self, error: &io::Error) {
        let ended = || (ending(error), Instant::now());
        self.ended.get_or_insert_with(ended);
    }
}

/// What an error of a stream says about how it ended.
pub(crate) fn ending(error: &io::Error) -> Ending {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Ending::Closed,
        io::ErrorKind::TimedOut => Ending::Silent,
        _ => Ending::Reset,
    }
}
