//! The body of a forwarded response, which writes the record when it ends.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use narrows_endpoint::Hop;
use narrows_log::Via;

use super::door::Progress;
use super::far::Meter;
use crate::egress::Fallback;
use crate::observe::{Asked, EndWord, Ended, Observe};
use crate::policy::{Policy, Terms};
use crate::server::Shared;
use crate::tunnel::CUT;

/// A response body on its way to the client.
pub(crate) struct Answer {
    body: Incoming,
    record: Record,
}

/// What the record of an exchange needs; writes it exactly once, when it is dropped.
pub(super) struct Record {
    pub(super) asked: Asked,
    /// Set when the far side broke off in the middle.
    pub(super) broken: Option<String>,
    pub(super) fallback: Option<Box<Fallback>>,
    /// The party at the far side.
    pub(super) hop: Hop,
    pub(super) meter: Arc<Meter>,
    pub(super) observer: Arc<dyn RecordEnd>,
    pub(super) peer: SocketAddr,
    /// Told when the client may go on to its next request.
    pub(super) progress: Progress,
    /// What the meter showed when the exchange began.
    pub(super) start: (u64, u64),
    pub(super) status: u16,
    /// Kept until the exchange has ended.
    pub(super) terms: Option<Box<Terms>>,
    pub(super) via: Via,
    /// Whether the client has the whole answer.
    pub(super) whole: bool,
}

/// Takes records; it hides the types of the server that does.
pub(super) trait RecordEnd: Send + Sync {
    fn record_end(&self, ended: &Ended<'_>);

    /// Whether tasks are being cut.
    fn is_cut(&self) -> bool;
}

impl<P: Policy, O: Observe> RecordEnd for Shared<P, O> {
    fn record_end(&self, ended: &Ended<'_>) {
        self.observer.ended(ended);
    }

    fn is_cut(&self) -> bool {
        self.live.is_cut()
    }
}

impl Answer {
    pub(super) fn new(body: Incoming, mut record: Record) -> Self {
        record.whole = body.is_end_stream();
        Self { body, record }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        match &frame {
            Poll::Ready(None) => self.record.whole = true,
            // Nothing comes after trailers, and hyper asks for nothing after them.
            Poll::Ready(Some(Ok(frame))) => {
                self.record.whole = frame.is_trailers() || self.body.is_end_stream();
            }
            Poll::Ready(Some(Err(error))) => self.record.broken = Some(error.to_string()),
            Poll::Pending => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("asked", &self.record.asked)
            .finish_non_exhaustive()
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let (written, read) = self.meter.totals();
        self.progress.finish();
        let left = "left before the answer was complete";
        let (end, blame): (_, Option<(Hop, &dyn fmt::Display)>) = match &self.broken {
            _ if self.whole => (EndWord::Closed, None),
            Some(broken) => (EndWord::Failed, Some((self.hop, broken))),
            None if self.observer.is_cut() => (EndWord::Cut, Some((Hop::Narrows, &CUT))),
            None => (EndWord::Failed, Some((Hop::Client, &left))),
        };
        self.observer.record_end(&Ended {
            asked: &self.asked,
            blame,
            end,
            fallback: self.fallback.as_deref(),
            peer: self.peer,
            received: read - self.start.1,
            sent: written - self.start.0,
            status: self.status,
            terms: self.terms.as_deref(),
            via: self.via,
        });
    }
}
