//! Bytes that go from socket to socket through a pipe of the kernel, by splice(2), and are never copied.
//!
//! # Signals
//!
//! splice(2) to a socket whose peer is gone raises SIGPIPE and cannot be asked not to. Rust's runtime
//! ignores that signal before `main`; a program that starts elsewhere must do the same.

use std::io;
use std::os::fd::AsFd;
use std::task::{Context, Poll, ready};

use rustix::io::{Errno, retry_on_intr};
use rustix::pipe::{SpliceFlags, splice};
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::counts::Count;
use pipe::Pipe;

mod pipe;

/// The most octets that one turn moves: half of what the widest pipe holds.
const TURN: usize = 512 * 1024;

/// Bytes that have left one socket and not yet reached the other.
///
/// Dropping it loses them.
#[derive(Debug)]
pub(super) struct Load {
    held: usize,
    pipe: Pipe,
}

/// What taking bytes from a socket came to.
pub(super) enum Fill {
    Load(Load),
    /// Nothing is there, as far as splice(2) can tell, or the end of file is.
    ///
    /// It stops short of an urgent octet (RFC 9293 §3.8.5), and then says the same of a socket that has
    /// more. So reading has the last word, and the socket still counts as readable.
    Nothing,
    /// There is no pipe to be had, or this kernel or sandbox does not splice. Nothing was taken.
    Refused,
}

impl Load {
    pub(super) const fn len(&self) -> usize {
        self.held
    }

    /// Delivers all of it. Ready when the pipe is empty.
    pub(super) fn deliver(
        &mut self,
        cx: &mut Context<'_>,
        to: &TcpStream,
        count: Count<'_>,
    ) -> Poll<io::Result<()>> {
        while self.held > 0 {
            ready!(to.poll_write_ready(cx))?;
            // The pipe is not empty, so it is the socket that would block.
            let moved = to.try_io(Interest::WRITABLE, || {
                Ok(transfer(&self.pipe.read, to, self.held)?)
            });
            match moved {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(octets) => {
                    count.spliced(octets);
                    self.held -= octets;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Gives the pipe back; it is of use to others only when it is empty.
    pub(super) fn finish(self) {
        if self.held == 0 {
            self.pipe.give_back();
        }
    }
}

/// Takes what a socket has into a pipe, up to [`TURN`].
pub(super) fn fill(cx: &mut Context<'_>, from: &TcpStream) -> Poll<io::Result<Fill>> {
    ready!(from.poll_read_ready(cx))?;
    let Some(pipe) = Pipe::take() else {
        return Poll::Ready(Ok(Fill::Refused));
    };
    // The pipe is empty, so it is the socket that would block.
    let fill = match transfer(from, &pipe.write, TURN) {
        Ok(0) | Err(Errno::AGAIN) => Fill::Nothing,
        Ok(held) => return Poll::Ready(Ok(Fill::Load(Load { held, pipe }))),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => Fill::Refused,
        Err(error) => return Poll::Ready(Err(error.into())),
    };
    pipe.give_back();
    Poll::Ready(Ok(fill))
}

/// Without SPLICE_F_MORE, which would hold the last bytes of a message back for 200 ms.
fn transfer(from: impl AsFd, to: impl AsFd, octets: usize) -> Result<usize, Errno> {
    let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
    retry_on_intr(|| splice(&from, None, &to, None, octets, flags))
}
