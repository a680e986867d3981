//! [`H2Tunnel`]: one stream of a client's connection as a transport.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::{Reason, RecvStream, SendStream};
use narrows_tunnel::Transport;
use narrows_upstream::window;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::windows::Share;

/// The most that one write takes, in octets: one frame, so that tunnels take turns.
const MAX_WRITE: usize = window::FRAME as usize;

/// A tunnel as a stream: END_STREAM is end of file, RST_STREAM is a reset, and the other way round.
pub(super) struct H2Tunnel {
    /// Received and not yet read.
    chunk: Bytes,
    finished: bool,
    receive: RecvStream,
    send: SendStream<Bytes>,
    share: Share,
}

impl H2Tunnel {
    pub(super) const fn new(send: SendStream<Bytes>, receive: RecvStream, share: Share) -> Self {
        Self {
            chunk: Bytes::new(),
            finished: false,
            receive,
            send,
            share,
        }
    }
}

impl Transport for H2Tunnel {
    fn reset_on_drop(&mut self) {
        self.send.send_reset(Reason::CONNECT_ERROR);
    }
}

impl AsyncRead for H2Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.chunk.is_empty() {
            match ready!(this.receive.poll_data(cx)) {
                None => return Poll::Ready(Ok(())),
                Some(Ok(chunk)) => this.chunk = chunk,
                Some(Err(error)) => return Poll::Ready(Err(reset(&error.to_string()))),
            }
            this.share.received(this.chunk.len());
        }
        let taken = this.chunk.len().min(buffer.remaining());
        buffer.put_slice(&this.chunk[..taken]);
        this.chunk.advance(taken);
        if this.chunk.is_empty() {
            // An empty `Bytes` may still own the buffer that it was cut from.
            this.chunk = Bytes::new();
        }
        // Only what was read is given back, so a slow target holds its client to the window. It fails
        // only for more than was received.
        let _ = this.receive.flow_control().release_capacity(taken);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for H2Tunnel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wanted = bytes.len().min(MAX_WRITE);
        if wanted == 0 {
            return Poll::Ready(Ok(0));
        }
        self.send.reserve_capacity(wanted);
        let mut room = self.send.capacity();
        while room == 0 {
            match ready!(self.send.poll_capacity(cx)) {
                Some(Ok(capacity)) => room = capacity,
                Some(Err(error)) => return Poll::Ready(Err(reset(&error.to_string()))),
                None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            }
        }
        let taken = room.min(wanted);
        match self
            .send
            .send_data(Bytes::copy_from_slice(&bytes[..taken]), false)
        {
            Ok(()) => Poll::Ready(Ok(taken)),
            Err(error) => Poll::Ready(Err(reset(&error.to_string()))),
        }
    }

    /// The connection's task sends what was written; there is nothing to wait for.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.finished {
            return Poll::Ready(Ok(()));
        }
        self.finished = true;
        match self.send.send_data(Bytes::new(), true) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(_) => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

fn reset(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, why)
}
