//! [`Pipe`]: a connection in memory that a seed makes slow and uneven. It ends and breaks as TCP does.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use narrows_tunnel::Transport;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::seeds::Dice;

/// One end of a connection.
pub(super) struct Pipe {
    dice: Dice,
    /// 0 or 1; what it sends is under that number.
    end: usize,
    resets: bool,
    shared: Arc<Mutex<Shared>>,
    waits: [Option<Pin<Box<Sleep>>>; 2],
}

#[derive(Default)]
struct Shared {
    lanes: [Lane; 2],
    capacity: usize,
    reset: bool,
}

/// One direction.
#[derive(Default)]
struct Lane {
    octets: VecDeque<u8>,
    finished: bool,
    /// Nobody reads it any more.
    deaf: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

pub(super) fn pipe(dice: &mut Dice, capacity: Option<usize>) -> (Pipe, Pipe) {
    let shared = Arc::new(Mutex::new(Shared {
        capacity: capacity.unwrap_or(64 * 1024),
        ..Shared::default()
    }));
    let mut end = |end| Pipe {
        dice: Dice::new(dice.between(0, u64::MAX - 1)),
        end,
        resets: false,
        shared: Arc::clone(&shared),
        waits: [None, None],
    };
    (end(0), end(1))
}

// === impl Lane ===

impl Lane {
    fn wake(&mut self) {
        let wakers = [self.reader.take(), self.writer.take()];
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

// === impl Pipe ===

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much the next call moves at most, now and then after a while.
    fn stall(&mut self, cx: &mut Context<'_>, call: usize) -> Poll<usize> {
        if self.waits[call].is_none() && self.dice.chance(10) {
            let while_ = Duration::from_millis(self.dice.between(0, 50));
            self.waits[call] = Some(Box::pin(sleep(while_)));
        }
        if let Some(wait) = &mut self.waits[call] {
            ready!(wait.as_mut().poll(cx));
            self.waits[call] = None;
        }
        Poll::Ready(match self.dice.between(0, 3) {
            0 => self.dice.size(1, 100),
            1 => self.dice.size(1, 5000),
            _ => usize::MAX,
        })
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = ready!(self.stall(cx, 0));
        let mut shared = self.lock();
        if shared.reset {
            return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
        }
        let lane = &mut shared.lanes[1 - self.end];
        let some = most.min(buffer.remaining()).min(lane.octets.len());
        if some == 0 && !lane.finished {
            lane.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let octets: Vec<u8> = lane.octets.drain(..some).collect();
        buffer.put_slice(&octets);
        lane.wake();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let most = ready!(self.stall(cx, 1));
        let mut shared = self.lock();
        let capacity = shared.capacity;
        if shared.reset {
            return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
        }
        let lane = &mut shared.lanes[self.end];
        if lane.deaf || lane.finished {
            // What is sent to a socket that was closed is answered with a reset.
            shared.reset = true;
            shared.lanes.iter_mut().for_each(Lane::wake);
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let some = most.min(bytes.len()).min(capacity - lane.octets.len());
        if some == 0 {
            lane.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        lane.octets.extend(&bytes[..some]);
        lane.wake();
        Poll::Ready(Ok(some))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut shared = self.lock();
        if shared.reset {
            return Poll::Ready(Err(ErrorKind::NotConnected.into()));
        }
        shared.lanes[self.end].finished = true;
        shared.lanes[self.end].wake();
        Poll::Ready(Ok(()))
    }
}

impl Transport for Pipe {
    fn reset_on_drop(&mut self) {
        self.resets = true;
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let mut shared = self.lock();
        // As TCP does when a socket is closed with octets in it that nobody will read.
        shared.reset |= self.resets || !shared.lanes[1 - self.end].octets.is_empty();
        shared.lanes[self.end].finished = true;
        shared.lanes[1 - self.end].deaf = true;
        shared.lanes.iter_mut().for_each(Lane::wake);
    }
}
