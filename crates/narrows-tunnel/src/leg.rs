//! [`Leg`]: the connection to a hop, with the bytes that came early; [`Transport`]: what carries it.

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// The connection to one hop, and what has already been read from it.
///
/// `early` holds the bytes that arrived together with a request or response head. They belong to the
/// tunnel and are delivered once, in order, before anything that is read from `io`.
#[derive(Debug)]
pub struct Leg<S> {
    /// The stream.
    pub io: S,
    /// Tunnel bytes that were read from `io` before the relay began.
    pub early: Bytes,
}

impl<S> Leg<S> {
    /// A leg with early data.
    pub const fn new(io: S, early: Bytes) -> Self {
        Self { io, early }
    }
}

impl<S> From<S> for Leg<S> {
    fn from(io: S) -> Self {
        Self::new(io, Bytes::new())
    }
}

/// A stream that can end badly on purpose, and may be a plain socket underneath.
pub trait Transport: AsyncRead + AsyncWrite + Unpin {
    /// Makes the coming drop end the stream as a reset instead of a clean close, where the transport
    /// can say so: RST on TCP.
    ///
    /// The relay calls it on one side when the other side was reset, so that a reset never looks like
    /// a complete answer.
    fn reset_on_drop(&mut self);

    /// The socket whose bytes are this stream's own, as they are: neither encrypted nor framed.
    ///
    /// The relay may move bytes between two such sockets within the kernel. A stream that holds bytes
    /// back, in either direction, has none. The answer stays the same for the life of the stream.
    fn socket(&self) -> Option<&TcpStream> {
        None
    }

    /// The connection underneath, whatever lies between: it is looked at, never read or written. A stream
    /// that shares its connection with others has none.
    fn connection(&self) -> Option<&TcpStream> {
        self.socket()
    }
}

impl Transport for TcpStream {
    fn reset_on_drop(&mut self) {
        // A socket that no longer takes the option is gone already, which is what was asked for.
        let _ = self.set_zero_linger();
    }

    fn socket(&self) -> Option<&TcpStream> {
        Some(self)
    }
}
