//! Reading one CONNECT request, and answering it exactly once.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use narrows_connect::{ESTABLISHED, Limits, Refusal, Request, RequestError, RequestParser, Status};
use narrows_endpoint::Target;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest};
use tokio::time::{Instant, timeout, timeout_at};

use crate::leg::{Leg, Transport};

/// How long a refused client is given to read the refusal and close.
///
/// A socket that is closed while the client's bytes lie unread in it sends RST, which may overtake the
/// refusal. So what still arrives is thrown away for this long.
const LINGER: Duration = Duration::from_millis(500);

/// How much of what a refused client still sends is thrown away before the connection is cut.
const LINGER_OCTETS: u64 = 1024 * 1024;

/// Reads a CONNECT request head from `io`, of which `buffer` holds what has been read already.
///
/// It answers nothing: [`Pending`], [`Rejected`] and [`refuse`] do.
///
/// # Errors
///
/// - [`AcceptError::Closed`] when the client closes before the head is complete.
/// - [`AcceptError::Io`] when the stream fails.
/// - [`AcceptError::TimedOut`] at the deadline; it still holds the stream.
/// - [`AcceptError::Rejected`] when the head is not a CONNECT that may be served; it still holds the
///   stream, so that the client can be told.
///
/// # Cancel safety
///
/// Not cancel safe: a cancelled call has closed the stream and lost what was read.
pub async fn accept<S>(
    mut io: S,
    mut buffer: BytesMut,
    limits: &Limits,
    deadline: Instant,
) -> Result<Pending<S>, AcceptError<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut parser = RequestParser::new(*limits);
    loop {
        match parser.parse(&buffer) {
            Ok(Status::Complete(request)) => {
                let early = buffer.split_off(request.len).freeze();
                return Ok(Pending {
                    leg: Leg::new(io, early),
                    request,
                });
            }
            Ok(Status::Partial) => {}
            Err(error) => return Err(AcceptError::Rejected(Rejected { io, error })),
        }
        match timeout_at(deadline, io.read_buf(&mut buffer)).await {
            Ok(Ok(0)) => {
                return Err(AcceptError::Closed {
                    received: buffer.len(),
                });
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(AcceptError::Io(error)),
            Err(_) => return Err(AcceptError::TimedOut { io }),
        }
    }
}

/// A CONNECT request that waits for its answer.
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub struct Pending<S> {
    leg: Leg<S>,
    request: Request,
}

/// A request that cannot be served, and the stream to say so on.
#[derive(Debug)]
pub struct Rejected<S> {
    io: S,
    error: RequestError,
}

/// Why no CONNECT was accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError<S> {
    /// The client closed before its head was complete.
    #[error("the client closed after {received} octets of a request head")]
    Closed {
        /// Octets of the head that had arrived.
        received: usize,
    },
    /// The stream failed.
    #[error("cannot read the request head")]
    Io(#[source] io::Error),
    /// The head is malformed or asks for something that CONNECT may not ask for.
    #[error("the request head is refused")]
    Rejected(Rejected<S>),
    /// The head was not complete at the deadline.
    #[error("the request head was not complete in time")]
    TimedOut {
        /// The stream, to say so on.
        io: S,
    },
}

// === impl Pending ===

impl<S: AsyncRead + AsyncWrite + Unpin> Pending<S> {
    /// What the client asks for.
    pub const fn target(&self) -> &Target {
        &self.request.target
    }

    /// The whole request head.
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Answers 200, which opens the tunnel, and gives the client's leg with its early data.
    ///
    /// # Errors
    ///
    /// What writing the answer failed with; the stream is closed then.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: the answer may have been written in part.
    pub async fn establish(mut self) -> io::Result<Leg<S>> {
        self.leg.io.write_all(ESTABLISHED).await?;
        self.leg.io.flush().await?;
        Ok(self.leg)
    }

    /// Answers with a refusal and closes. Early data and whatever follows is thrown away unparsed
    /// (RFC 9931 §5).
    ///
    /// # Errors
    ///
    /// What writing the answer failed with; the stream is closed all the same.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: the answer may have been written in part.
    pub async fn refuse(self, refusal: &Refusal, server: &str) -> io::Result<()> {
        refuse(self.leg.io, refusal, server).await
    }
}

impl<S: Transport> Pending<S> {
    /// Completes when the client has reset its connection; for ever pending where that cannot be seen.
    ///
    /// An end of file is none: a client that half-closes still waits for its answer, and cannot be told from
    /// one that has closed. What it sent is not touched.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub fn client_resets(&self) -> impl Future<Output = ()> + use<'_, S> {
        let connection = self.leg.io.connection();
        async move {
            match connection {
                // What cannot be waited for is broken as well.
                Some(connection) => drop(connection.ready(Interest::ERROR).await),
                None => std::future::pending().await,
            }
        }
    }
}

// === impl Rejected ===

impl<S> Rejected<S> {
    /// What is wrong with the request.
    pub const fn error(&self) -> &RequestError {
        &self.error
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Rejected<S> {
    /// Answers with a refusal and closes, as [`Pending::refuse`] does.
    ///
    /// # Errors
    ///
    /// What writing the answer failed with; the stream is closed all the same.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: the answer may have been written in part.
    pub async fn refuse(self, refusal: &Refusal, server: &str) -> io::Result<()> {
        refuse(self.io, refusal, server).await
    }
}

/// Writes a refusal and closes so that the client can read it, whatever it is still sending.
///
/// # Errors
///
/// What writing the answer failed with; the stream is closed all the same.
///
/// # Cancel safety
///
/// Not cancel safe: the answer may have been written in part.
pub async fn refuse<S>(mut io: S, refusal: &Refusal, server: &str) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    io.write_all(&refusal.encode(server)).await?;
    io.shutdown().await?;
    let mut rest = io.take(LINGER_OCTETS);
    // Whether the client closes, resets, floods or stalls, the connection is over.
    let _ = timeout(LINGER, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    Ok(())
}
