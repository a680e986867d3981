//! [`Incoming`]: the receiving side of a stream, whose answer may still be on its way.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use h2::RecvStream;
use h2::client::ResponseFuture;
use http::header::HeaderValue;
use narrows_connect::Via;
use tokio::time::{Sleep, sleep};

use super::connect::{kind, refused, request};
use super::{H2Stream, Slot};
use crate::error::DialErrorKind;
use crate::gateway::ahead::Hearing;

/// The receiving side of a stream.
#[derive(Debug)]
pub(super) enum Incoming {
    /// The gateway has opened the tunnel.
    Open(RecvStream),
    /// It has not, and the hearing knows why.
    Refused,
    /// It has not answered yet. Boxed, since that is soon over.
    Unanswered(Box<Unanswered>),
}

/// An answer that is awaited.
#[derive(Debug)]
pub(super) struct Unanswered {
    answer: ResponseFuture,
    deadline: Pin<Box<Sleep>>,
    hearing: Hearing,
}

// === impl Slot ===

impl Slot {
    /// Sends the CONNECT and gives the stream without waiting for the answer; `None` if the gateway is not
    /// known to take this tunnel now.
    pub(in crate::gateway) fn ahead(
        self,
        hearing: Hearing,
        via: &Via,
        authorization: Option<&HeaderValue>,
        patience: Duration,
    ) -> Option<H2Stream> {
        let settled = self.session.state.settled.is_closed();
        if !settled || self.place >= self.session.requests.current_max_send_streams() {
            return None;
        }
        let request = request(hearing.target(), via, authorization);
        let mut requests = self.session.requests.clone();
        let (answer, send) = requests.send_request(request, false).ok()?;
        let unanswered = Box::new(Unanswered {
            answer,
            deadline: Box::pin(sleep(patience)),
            hearing,
        });
        Some(H2Stream::new(send, Incoming::Unanswered(unanswered), self))
    }
}

// === impl Incoming ===

impl Incoming {
    /// The stream, once the gateway has opened the tunnel.
    pub(super) fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&mut RecvStream>> {
        if let Self::Unanswered(unanswered) = self {
            *self = match ready!(unanswered.poll(cx)) {
                Ok(stream) => Self::Open(stream),
                Err(kind) => {
                    unanswered.hearing.refused(kind);
                    Self::Refused
                }
            };
        }
        match self {
            Self::Open(stream) => Poll::Ready(Ok(stream)),
            Self::Refused | Self::Unanswered(_) => Poll::Ready(Err(no_tunnel())),
        }
    }
}

// === impl Unanswered ===

impl Unanswered {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<RecvStream, DialErrorKind>> {
        let answer = match Pin::new(&mut self.answer).poll(cx) {
            Poll::Ready(answer) => answer.map_err(kind)?,
            Poll::Pending => {
                ready!(self.deadline.as_mut().poll(cx));
                return Poll::Ready(Err(DialErrorKind::Silent));
            }
        };
        let (head, receive) = answer.into_parts();
        if head.status.is_success() {
            self.hearing.opened();
            return Poll::Ready(Ok(receive));
        }
        // The status and `Proxy-Status` say enough; its body would have to be waited for.
        let answer = refused(head.status, &head.headers, String::new());
        Poll::Ready(Err(DialErrorKind::Answered(Box::new(answer))))
    }
}

/// To its user, a tunnel that the gateway refused is one that was reset.
fn no_tunnel() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionReset,
        "the gateway opened no tunnel",
    )
}
