//! A request on its way out, which may have to be sent twice.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Empty};
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::TrySendError;
use hyper::header::{HeaderValue, PROXY_AUTHORIZATION};
use hyper::http::request::Parts;
use narrows_endpoint::Target;
use narrows_upstream::Authorization;

use tokio::time::timeout;

use super::head;
use super::upload::{Fault, Upload};
use crate::refusals::Failure;

/// How long the body of a refused request is read on.
pub(super) const LINGER: Duration = Duration::from_millis(500);

/// The body of a request as it is sent.
pub(super) type OutgoingBody = Either<Empty<Bytes>, Upload>;

/// A request on its way out.
///
/// One without a body can be sent again; a body can be sent only once, but a connection that died
/// before it took the request gives it back.
pub(super) struct Outgoing {
    body: Body,
    fault: Fault,
    head: Parts,
    target: Target,
}

enum Body {
    None,
    Some(Upload),
    Sent,
}

impl Outgoing {
    pub(super) fn new(head: Parts, body: Incoming, target: Target) -> Self {
        let fault = Fault::default();
        let body = if body.is_end_stream() {
            Body::None
        } else {
            Body::Some(Upload::new(body, fault.clone()))
        };
        Self {
            body,
            fault,
            head,
            target,
        }
    }

    /// What the client did wrong in its body, if that is why there is no answer.
    pub(super) fn fault(&self) -> Option<Failure> {
        self.fault.failure()
    }

    /// Throws a body away that was not sent, for a while: a client that is still sending could not read
    /// the refusal if the connection were closed at once.
    pub(super) async fn discard(self) {
        if let Body::Some(body) = self.body {
            let _ = timeout(LINGER, body.discard()).await;
        }
    }

    pub(super) const fn head(&self) -> &Parts {
        &self.head
    }

    /// Makes the client's request head one of this proxy's own.
    pub(super) fn make_ours(&mut self, name: &str) {
        head::forward(&mut self.head, &self.target, name);
    }

    /// Whether the request can be sent now.
    pub(super) const fn is_whole(&self) -> bool {
        !matches!(self.body, Body::Sent)
    }

    /// Whether sending the request twice does no more than sending it once (RFC 9110 §9.2.2).
    pub(super) fn is_repeatable(&self) -> bool {
        self.is_whole() && self.head.method.is_idempotent()
    }

    /// The request to send, to a proxy or to the server itself. A body is gone after it.
    pub(super) fn request(
        &mut self,
        to_proxy: bool,
        authorization: Option<&Authorization<'_>>,
    ) -> Request<OutgoingBody> {
        let body = match std::mem::replace(&mut self.body, Body::Sent) {
            Body::Some(body) => Either::Right(body),
            Body::None | Body::Sent => {
                self.body = Body::None;
                Either::Left(Empty::new())
            }
        };
        let mut request = Request::from_parts(self.head.clone(), body);
        *request.uri_mut() = head::uri(&self.head.uri, &self.target, to_proxy);
        // The client's own credentials were removed with the other hop-by-hop fields.
        let value = authorization.and_then(|authorization| {
            authorization.header(request.method().as_str(), &request.uri().to_string())
        });
        if let Some(Ok(mut value)) = value.map(HeaderValue::try_from) {
            value.set_sensitive(true);
            request.headers_mut().insert(PROXY_AUTHORIZATION, value);
        }
        request
    }

    /// Takes back what a dead connection did not send.
    pub(super) fn recover(
        &mut self,
        mut error: TrySendError<Request<OutgoingBody>>,
    ) -> (bool, hyper::Error) {
        let unsent = error.take_message();
        let given_back = unsent.is_some();
        if let Some(Either::Right(body)) = unsent.map(Request::into_body) {
            self.body = Body::Some(body);
        }
        (given_back, error.into_error())
    }
}
