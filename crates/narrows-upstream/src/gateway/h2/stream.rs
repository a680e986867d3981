//! [`H2Stream`]: one tunnel on a shared session.

use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::{Reason, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::unanswered::Incoming;
use super::{Slot, State};
use crate::gateway::lock;
use crate::window::{self, Meter};

/// The most that one write takes, in octets: one frame, so that tunnels take turns.
const MAX_WRITE: usize = window::FRAME as usize;

/// A tunnel as a stream (RFC 9113 §8.5): END_STREAM is end of file, RST_STREAM is a reset.
#[derive(Debug)]
pub(in crate::gateway) struct H2Stream {
    send: SendStream<Bytes>,
    receive: Incoming,
    /// Received and not yet read.
    chunk: Bytes,
    meter: Meter,
    finished: bool,
    slot: Slot,
}

// === impl H2Stream ===

impl H2Stream {
    pub(super) fn new(send: SendStream<Bytes>, receive: Incoming, slot: Slot) -> Self {
        Self {
            send,
            receive,
            chunk: Bytes::new(),
            meter: Meter::new(),
            finished: false,
            slot,
        }
    }

    /// Resets the stream now, with CONNECT_ERROR.
    pub(in crate::gateway) fn reset(&mut self) {
        self.send.send_reset(Reason::CONNECT_ERROR);
    }

    /// Asks for a larger window if this one is the limit.
    fn measure(&mut self) {
        let state = &*self.slot.session.state;
        let mut load = lock(&state.load);
        if self
            .meter
            .is_limited(self.chunk.len(), load.window, load.rtt)
        {
            load.hungry = true;
            state.resize.notify_one();
        }
    }

    fn state(&self) -> &State {
        &self.slot.session.state
    }

    /// Why nothing can be sent any more.
    fn why_closed(&mut self, cx: &mut Context<'_>) -> io::Error {
        if let Poll::Ready(Err(refused)) = self.receive.poll_open(cx) {
            return refused;
        }
        match self.send.poll_reset(cx) {
            // The gateway wants no more, and says so without a fault.
            Poll::Ready(Ok(Reason::NO_ERROR)) | Poll::Pending => io::ErrorKind::BrokenPipe.into(),
            Poll::Ready(Ok(reason)) => reset(&format!("{reason:?}")),
            Poll::Ready(Err(error)) => self.state().ended(&error),
        }
    }
}

impl AsyncRead for H2Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.chunk.is_empty() {
            let receive = ready!(this.receive.poll_open(cx))?;
            match ready!(receive.poll_data(cx)) {
                None => return Poll::Ready(Ok(())),
                Some(Ok(chunk)) => this.chunk = chunk,
                Some(Err(error)) => return Poll::Ready(Err(this.state().ended(&error))),
            }
            this.measure();
        }
        let taken = this.chunk.len().min(buf.remaining());
        buf.put_slice(&this.chunk[..taken]);
        this.chunk.advance(taken);
        if this.chunk.is_empty() {
            // An empty `Bytes` may still own the buffer that it was cut from.
            this.chunk = Bytes::new();
        }
        // Only what was read is given back, so what is not read stays within the window. It fails only
        // for more than was received.
        if let Incoming::Open(receive) = &mut this.receive {
            let _ = receive.flow_control().release_capacity(taken);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for H2Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let wanted = buf.len().min(MAX_WRITE);
        self.send.reserve_capacity(wanted);
        let mut room = self.send.capacity();
        while room == 0 {
            match ready!(self.send.poll_capacity(cx)) {
                Some(Ok(capacity)) => room = capacity,
                Some(Err(_)) | None => return Poll::Ready(Err(self.why_closed(cx))),
            }
        }
        let taken = room.min(wanted);
        match self
            .send
            .send_data(Bytes::copy_from_slice(&buf[..taken]), false)
        {
            Ok(()) => Poll::Ready(Ok(taken)),
            Err(_) => Poll::Ready(Err(self.why_closed(cx))),
        }
    }

    /// The session's task sends what was written; there is nothing to wait for.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.finished {
            return Poll::Ready(Ok(()));
        }
        self.finished = true;
        match self.send.send_data(Bytes::new(), true) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(_) => Poll::Ready(Err(self.why_closed(cx))),
        }
    }
}

// === impl State ===

impl State {
    /// What the end of a stream or of its session is to a tunnel.
    fn ended(&self, error: &h2::Error) -> io::Error {
        if self.is_silent() {
            return io::Error::new(io::ErrorKind::TimedOut, "the gateway stopped answering");
        }
        match error.reason() {
            Some(reason) => reset(&format!("{reason:?}")),
            None => reset("the gateway's connection broke"),
        }
    }

    pub(super) fn is_silent(&self) -> bool {
        self.silent.load(Ordering::Acquire)
    }
}

fn reset(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, why)
}
