//! A stream in memory that misbehaves as told.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use narrows_tunnel::Transport;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a scripted stream gives to its reader, step by step.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Bytes(Vec<u8>),
    /// Not ready once.
    Wait,
    Reset,
}

/// What was done to a scripted stream.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) written: Vec<u8>,
    pub(crate) shut_down: bool,
    pub(crate) reset: bool,
}

/// A stream that reads a script to its end of file and takes writes in pieces.
#[derive(Debug)]
pub(crate) struct Scripted {
    script: VecDeque<Step>,
    /// How much each write takes; 0 is not ready once. Repeats; empty takes everything.
    takes: Vec<usize>,
    writes: usize,
    seen: Arc<Mutex<Seen>>,
}

impl Scripted {
    pub(crate) fn new(script: Vec<Step>, takes: Vec<usize>) -> (Self, Arc<Mutex<Seen>>) {
        let seen = Arc::<Mutex<Seen>>::default();
        let stream = Self {
            script: script.into(),
            takes,
            writes: 0,
            seen: Arc::clone(&seen),
        };
        (stream, seen)
    }
}

impl AsyncRead for Scripted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.script.pop_front() {
            Some(Step::Bytes(mut bytes)) => {
                let rest = bytes.split_off(bytes.len().min(buffer.remaining()));
                buffer.put_slice(&bytes);
                if !rest.is_empty() {
                    self.script.push_front(Step::Bytes(rest));
                }
                Poll::Ready(Ok(()))
            }
            Some(Step::Wait) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Step::Reset) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Scripted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let takes = if self.takes.is_empty() {
            bytes.len()
        } else {
            self.takes[self.writes % self.takes.len()]
        };
        self.writes += 1;
        if takes == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let taken = takes.min(bytes.len());
        let mut seen = self.seen.lock().unwrap();
        assert!(!seen.shut_down, "written to after its end");
        seen.written.extend_from_slice(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.seen.lock().unwrap().shut_down = true;
        Poll::Ready(Ok(()))
    }
}

impl Transport for Scripted {
    fn reset_on_drop(&mut self) {
        self.seen.lock().unwrap().reset = true;
    }
}
