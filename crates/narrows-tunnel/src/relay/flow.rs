//! One direction of a relay.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncWrite, ReadBuf};

use super::counts::Count;
use super::pace::Pace;
use super::splice::{Fill, Load, fill};
use crate::leg::Transport;

/// One direction: what is still to be delivered, and how far it has come.
#[derive(Debug)]
pub(super) struct Flow {
    pace: Pace,
    stage: Stage,
    undelivered: Undelivered,
    /// Whether the writer may hold bytes back that it was given.
    unflushed: bool,
}

/// Read and not yet delivered. A pipe is held for as long as there are bytes in it, and no longer.
#[derive(Debug)]
enum Undelivered {
    /// Early data at first, later what a full receiver did not take.
    Bytes(Bytes),
    Nothing,
    Pipe(Load),
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

/// What one read came to.
enum Read {
    /// So many octets are at the start of the buffer.
    Copied(usize),
    End,
    Piped(Load),
}

impl Flow {
    /// A direction that delivers `early` first; `splices` when both of its ends are sockets that may be
    /// spliced.
    pub(super) const fn new(early: Bytes, splices: bool) -> Self {
        Self {
            pace: Pace::new(splices),
            stage: Stage::Open,
            undelivered: Undelivered::Bytes(early),
            unflushed: false,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    pub(super) const fn carries_bulk(&self) -> bool {
        self.pace.is_bulk()
    }

    /// One turn: delivers what waits, then at most one read. Ready when something moved, so another
    /// turn is worth while; pending when it waits for either side or has ended.
    pub(super) fn turn<R: Transport, W: Transport>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        buffer: &mut [u8],
        count: Count<'_>,
    ) -> Poll<Result<(), Broken>> {
        if self.stage == Stage::Done {
            return Poll::Pending;
        }
        ready!(self.deliver(cx, to, count)).map_err(Broken::Write)?;
        if self.stage == Stage::Open {
            match self.read(cx, from, buffer).map_err(Broken::Read)? {
                Poll::Pending => {
                    ready!(self.flush(cx, to)).map_err(Broken::Write)?;
                    return Poll::Pending;
                }
                Poll::Ready(Read::End) => self.stage = Stage::Ending,
                Poll::Ready(read) => {
                    self.hand_on(cx, to, read, buffer, count)
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
    fn deliver<W: Transport>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
        count: Count<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.undelivered {
            Undelivered::Nothing => return Poll::Ready(Ok(())),
            Undelivered::Bytes(bytes) => {
                while !bytes.is_empty() {
                    let written = ready!(write_some(cx, to, bytes, count))?;
                    self.unflushed = true;
                    bytes.advance(written);
                }
            }
            Undelivered::Pipe(load) => match to.socket() {
                Some(socket) => ready!(load.deliver(cx, socket, count))?,
                // Only a socket gets a load, and what is a socket stays one.
                None => return Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
            },
        }
        // Nothing is kept of what was delivered: neither the buffer that an empty `Bytes` was cut from,
        // nor the pipe.
        if let Undelivered::Pipe(load) =
            std::mem::replace(&mut self.undelivered, Undelivered::Nothing)
        {
            load.finish();
        }
        Poll::Ready(Ok(()))
    }

    /// Reads once: into a pipe while the direction carries bulk, else into the shared buffer.
    fn read<R: Transport>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        buffer: &mut [u8],
    ) -> Poll<io::Result<Read>> {
        if self.pace.splices()
            && let Some(socket) = from.socket()
        {
            match ready!(fill(cx, socket))? {
                Fill::Load(load) => {
                    self.pace.note(load.len());
                    return Poll::Ready(Ok(Read::Piped(load)));
                }
                Fill::Nothing => {}
                Fill::Refused => self.pace.refused(),
            }
        }
        let mut read = ReadBuf::new(buffer);
        ready!(Pin::new(from).poll_read(cx, &mut read))?;
        Poll::Ready(Ok(match read.filled().len() {
            0 => Read::End,
            octets => {
                self.pace.note(octets);
                Read::Copied(octets)
            }
        }))
    }

    /// Writes what was just read, straight from the shared buffer or the pipe. Only what the writer does
    /// not take is put aside, so a direction holds memory only while its receiver is slow.
    fn hand_on<W: Transport>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
        read: Read,
        buffer: &[u8],
        count: Count<'_>,
    ) -> io::Result<()> {
        match read {
            Read::End => Ok(()),
            Read::Copied(octets) => self.write(cx, to, &buffer[..octets], count),
            Read::Piped(load) => {
                self.undelivered = Undelivered::Pipe(load);
                match self.deliver(cx, to, count) {
                    Poll::Ready(delivered) => delivered,
                    Poll::Pending => Ok(()),
                }
            }
        }
    }

    fn write<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
        mut bytes: &[u8],
        count: Count<'_>,
    ) -> io::Result<()> {
        self.unflushed = true;
        while !bytes.is_empty() {
            match write_some(cx, to, bytes, count) {
                Poll::Ready(written) => bytes = &bytes[written?..],
                Poll::Pending => {
                    self.undelivered = Undelivered::Bytes(Bytes::copy_from_slice(bytes));
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
    count: Count<'_>,
) -> Poll<io::Result<usize>> {
    let written = ready!(Pin::new(to).poll_write(cx, bytes))?;
    if written == 0 {
        return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
    }
    count.copied(written);
    Poll::Ready(Ok(written))
}
