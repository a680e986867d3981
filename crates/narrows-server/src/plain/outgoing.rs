//! A request on its way out, which may have to be sent twice.

use bytes::Bytes;
use http_body_util::{Either, Empty};
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::TrySendError;
use hyper::header::{HeaderValue, PROXY_AUTHORIZATION};
use hyper::http::request::Parts;
use narrows_connect::Credentials;
use narrows_endpoint::Target;

use super::head;

/// The body of a request as it is sent.
pub(super) type OutgoingBody = Either<Empty<Bytes>, Incoming>;

/// A request on its way out.
///
/// One without a body can be sent again; a body can be sent only once, but a connection that died
/// before it took the request gives it back.
pub(super) struct Outgoing {
    body: Body,
    head: Parts,
    target: Target,
}

enum Body {
    None,
    Some(Incoming),
    Sent,
}

impl Outgoing {
    pub(super) fn new(head: Parts, body: Incoming, target: Target) -> Self {
        let body = if body.is_end_stream() {
            Body::None
        } else {
            Body::Some(body)
        };
        Self { body, head, target }
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
        credentials: Option<&Credentials>,
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
        if let Some(Ok(mut value)) =
            credentials.map(|credentials| HeaderValue::try_from(credentials.basic()))
        {
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
