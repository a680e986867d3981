//! One direction of a relay.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// One direction: what is still to be delivered, and how far it has come.
#[derive(Debug)]
pub(super) struct Flow {
    /// Read and not yet delivered: early data at first, later what a full receiver did not take.
    undelivered: Bytes,
    stage: Stage,
    /// Whether the writer may hold bytes back that it was given.
    unflushed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// The reader ended; the writer must be told.
    Ending,
    Done,
}

/// Which end of a direction broke.
#[derive(Debug)]
pub(super) enum Broken {
    Read(io::Error),
    Write(io::Error),
}

impl Flow {
    pub(super) const fn new(early: Bytes) -> Self {
        Self {
            undelivered: early,
            stage: Stage::Open,
            unflushed: false,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// One turn: delivers what waits, then at most one read. Ready when something moved, so another
    /// turn is worth while; pending when it waits for either side or has ended.
    pub(super) fn turn<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        buffer: &mut [u8],
        count: &AtomicU64,
    ) -> Poll<Result<(), Broken>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        if self.stage == Stage::Done {
            return Poll::Pending;
        }
        ready!(self.deliver(cx, to, count)).map_err(Broken::Write)?;
        if self.stage == Stage::Open {
            let mut read = ReadBuf::new(buffer);
            match Pin::new(&mut *from).poll_read(cx, &mut read) {
                Poll::Pending => {
                    ready!(self.flush(cx, to)).map_err(Broken::Write)?;
                    return Poll::Pending;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Broken::Read(error))),
                Poll::Ready(Ok(())) if read.filled().is_empty() => self.stage = Stage::Ending,
                Poll::Ready(Ok(())) => {
                    self.hand_on(cx, to, read.filled(), count)
                        .map_err(Broken::Write)?;
                }
            }
        }
        if self.stage == Stage::Ending {
            ready!(self.end(cx, to)).map_err(Broken::Write)?;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes what the last turns left over.
    fn deliver<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
        count: &AtomicU64,
    ) -> Poll<io::Result<()>> {
        while !self.undelivered.is_empty() {
            let written = ready!(write_some(cx, to, &self.undelivered, count))?;
            self.unflushed = true;
            self.undelivered.advance(written);
        }
        // An empty `Bytes` may still own the buffer that it was cut from.
        self.undelivered = Bytes::new();
        Poll::Ready(Ok(()))
    }

    /// Writes what was just read, straight from the shared buffer. Only what the writer does not take
    /// is copied aside, so a direction holds memory only while its receiver is slow.
    fn hand_on<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
        mut bytes: &[u8],
        count: &AtomicU64,
    ) -> io::Result<()> {
        self.unflushed = true;
        while !bytes.is_empty() {
            match write_some(cx, to, bytes, count) {
                Poll::Ready(written) => bytes = &bytes[written?..],
                Poll::Pending => {
                    self.undelivered = Bytes::copy_from_slice(bytes);
                    break;
                }
            }
        }
        Ok(())
    }

    fn flush<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
    ) -> Poll<io::Result<()>> {
        if self.unflushed {
            ready!(Pin::new(to).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn end<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
    ) -> Poll<io::Result<()>> {
        match ready!(Pin::new(to).poll_shutdown(cx)) {
            // The receiver has gone after everything was delivered to it. If it owed an answer, the
            // other direction reads the reset; if not, nothing is amiss.
            Err(error) if error.kind() != io::ErrorKind::NotConnected => Poll::Ready(Err(error)),
            _ => {
                self.stage = Stage::Done;
                Poll::Ready(Ok(()))
            }
        }
    }
}

/// One write; a writer that takes nothing is broken, and what it takes is counted at once, so that the
/// count is right however the tunnel ends.
fn write_some<W: AsyncWrite + Unpin>(
    cx: &mut Context<'_>,
    to: &mut W,
    bytes: &[u8],
    count: &AtomicU64,
) -> Poll<io::Result<usize>> {
    let written = ready!(Pin::new(to).poll_write(cx, bytes))?;
    if written == 0 {
        return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
    }
    // One task writes, others only look: a plain store would do, and this costs the same.
    count.fetch_add(written as u64, Ordering::Relaxed);
    Poll::Ready(Ok(written))
}
