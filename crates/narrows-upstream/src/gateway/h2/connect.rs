//! The nested CONNECT as a stream of a shared session.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::{Reason, RecvStream};
use http::header::{HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use http::{Method, Request, Uri};
use narrows_connect::{Via, excerpt, printable};
use narrows_endpoint::Target;
use tokio::time::timeout;

use super::unanswered::Incoming;
use super::{H2Stream, Slot};
use crate::answer::ProxyAnswer;
use crate::error::DialErrorKind;
use crate::exchange::MAX_BODY;
use crate::gateway::session::Refusal;

/// How long the body of a refusal may take after its head, before the refusal is told without it.
const BODY_GRACE: Duration = Duration::from_millis(500);

impl Slot {
    /// Sends the CONNECT (RFC 9113 §8.5); on a 2xx the stream is the tunnel.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a dropped call cancels its stream, and the session's other tunnels do not notice.
    pub(in crate::gateway) async fn connect(
        self,
        target: &Target,
        via: &Via,
        authorization: Option<&HeaderValue>,
    ) -> Result<H2Stream, Refusal> {
        let mut requests = self.session.requests.clone();
        let sent = requests.send_request(request(target, via, authorization), false);
        let (answer, send) = sent.map_err(|error| self.refusal(error))?;
        let answer = answer.await.map_err(|error| self.refusal(error))?;
        let (head, receive) = answer.into_parts();
        if head.status.is_success() {
            return Ok(H2Stream::new(send, Incoming::Open(receive), self));
        }
        let excerpt = read_body(receive).await;
        let answer = refused(head.status, &head.headers, excerpt);
        Err(Refusal::Answered(Box::new(answer)))
    }

    fn refusal(&self, error: h2::Error) -> Refusal {
        if let Some(alert) = self.session.state.alert.get() {
            return Refusal::Failed(DialErrorKind::Tls(alert.clone()));
        }
        let unprocessed = error.reason() == Some(Reason::REFUSED_STREAM);
        let whole_session = error.is_io() || error.is_go_away() || self.session.state.is_silent();
        let kind = kind(error);
        if unprocessed || whole_session {
            Refusal::Died(kind)
        } else {
            Refusal::Failed(kind)
        }
    }
}

/// What an error of a session or stream is called.
pub(super) fn kind(error: h2::Error) -> DialErrorKind {
    match error.reason() {
        _ if error.is_io() => match error.into_io() {
            Some(error) => DialErrorKind::Broken(error),
            None => DialErrorKind::Closed { received: 0 },
        },
        Some(reason) if error.is_go_away() => DialErrorKind::GoneAway(format!("{reason:?}")),
        Some(reason) => DialErrorKind::StreamReset(format!("{reason:?}")),
        None => DialErrorKind::StreamReset(printable(&error.to_string())),
    }
}

pub(super) fn request(
    target: &Target,
    via: &Via,
    authorization: Option<&HeaderValue>,
) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = authority(target);
    // Visible ASCII by type, so it is always a header value.
    if let (false, Ok(value)) = (via.is_empty(), HeaderValue::from_str(via.as_str())) {
        request.headers_mut().insert(http::header::VIA, value);
    }
    if let Some(value) = authorization {
        request
            .headers_mut()
            .insert(PROXY_AUTHORIZATION, value.clone());
    }
    request
}

#[expect(
    clippy::expect_used,
    reason = "a target is host:port in the letters of an authority by type"
)]
fn authority(target: &Target) -> Uri {
    target
        .to_string()
        .parse()
        .expect("a target is an authority")
}

pub(super) fn refused(
    status: http::StatusCode,
    headers: &HeaderMap,
    excerpt: String,
) -> ProxyAnswer {
    const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");
    let text = |name: HeaderName| {
        let value = headers.get(name)?;
        Some(printable(&String::from_utf8_lossy(value.as_bytes())))
    };
    let schemes = headers.get_all(PROXY_AUTHENTICATE).iter();
    ProxyAnswer {
        status: status.as_u16(),
        reason: status.canonical_reason().unwrap_or_default().to_owned(),
        schemes: schemes.map(scheme).collect(),
        product: text(http::header::SERVER).or_else(|| text(http::header::VIA)),
        fault: text(PROXY_STATUS),
        excerpt,
    }
}

/// The scheme that a challenge begins with, in lower case.
fn scheme(challenge: &HeaderValue) -> String {
    let text = String::from_utf8_lossy(challenge.as_bytes());
    let word = text.split([' ', ',']).next().unwrap_or_default();
    printable(&word.to_ascii_lowercase())
}

/// The visible text of a refusal's body, as much as comes soon.
async fn read_body(mut receive: RecvStream) -> String {
    let mut body = BytesMut::new();
    let read = async {
        while let (true, Some(Ok(chunk))) = (body.len() < MAX_BODY, receive.data().await) {
            body.extend_from_slice(&chunk[..chunk.len().min(MAX_BODY - body.len())]);
            release(&mut receive, &chunk);
        }
    };
    // Running out of time leaves what was read.
    let _ = timeout(BODY_GRACE, read).await;
    excerpt(&body)
}

/// Gives the window back. It fails only for more than was received.
fn release(receive: &mut RecvStream, chunk: &Bytes) {
    let _ = receive.flow_control().release_capacity(chunk.len());
}

#[cfg(test)]
mod tests;
