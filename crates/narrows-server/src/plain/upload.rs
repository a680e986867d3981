//! The body of a request on its way out, which remembers why it broke off.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::refusals::Failure;
use crate::tunnel::CLIENT_LEFT;

/// A request body, as it is read from the client.
pub(super) struct Upload {
    body: Incoming,
    fault: Fault,
}

/// What was wrong with a request body, if anything.
#[derive(Clone, Debug, Default)]
pub(super) struct Fault(Arc<Mutex<Option<(u16, String)>>>);

impl Upload {
    pub(super) const fn new(body: Incoming, fault: Fault) -> Self {
        Self { body, fault }
    }

    /// Reads on and throws away, so that the client can read an answer that came early.
    pub(super) async fn discard(mut self) {
        while let Some(Ok(_)) = std::future::poll_fn(|cx| Pin::new(&mut self).poll_frame(cx)).await
        {
        }
    }
}

impl Fault {
    /// The client's failure, if it is one: its body was malformed, or it left.
    pub(super) fn failure(&self) -> Option<Failure> {
        let fault = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (status, reason) = fault.as_ref()?;
        Some(Failure::head(*status, reason.clone()))
    }

    fn set(&self, error: &hyper::Error) {
        let left = error.is_incomplete_message() || is_loss(error);
        let found = if left {
            (
                CLIENT_LEFT,
                "the client left before its request was complete".to_owned(),
            )
        } else {
            (
                400,
                format!("the request's body is malformed: {}", cause(error)),
            )
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
    }
}

/// Whether the connection was lost, rather than something wrong being said on it.
fn is_loss(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error);
    source
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|error| {
            matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::UnexpectedEof
            )
        })
}

fn cause(error: &hyper::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

impl Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Err(error))) = &frame {
            self.fault.set(error);
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
