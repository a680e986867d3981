//! CONNECT to a proxy or gateway, and its answer.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use narrows_connect::{Limits, Response, ResponseError, ResponseParser, Status, encode_request};
use narrows_endpoint::Target;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::evidence::{MAX_FIRST, TunnelEvidence};
use crate::http;
use crate::path::Authorization;
use crate::wire::{Io, ending};
use crate::words::Ending;

/// How long the body of a refusal may take after its head.
const BODY_GRACE: Duration = Duration::from_millis(500);

/// Asks for a tunnel. Gives what came behind the answer if there is one.
///
/// # Cancel safety
///
/// Not cancel safe: a dropped exchange leaves the stream at an unknown place; drop the stream too.
pub(crate) async fn open<S: Io + ?Sized>(
    io: &mut S,
    early: Bytes,
    target: &Target,
    authorization: Option<&Authorization>,
    deadline: Duration,
) -> (TunnelEvidence, Option<Bytes>) {
    let head = request(target, authorization);
    let mut evidence = TunnelEvidence {
        authorized: authorization.is_some(),
        ..TunnelEvidence::default()
    };
    let until = Instant::now() + deadline;
    let mut text = BytesMut::from(&early[..]);
    let exchange = exchange(io, &head, &mut text, &mut evidence);
    let response = match timeout_at(until, exchange).await {
        Ok(response) => response,
        Err(_) => {
            evidence.ending = Some(Ending::Silent);
            None
        }
    };
    evidence.received = text.len() as u64;
    let Some(response) = response else {
        evidence.first = text[..text.len().min(MAX_FIRST)].to_vec();
        return (evidence, None);
    };
    evidence.schemes.clone_from(&response.challenges);
    if response.is_open() {
        evidence.answer = http::parse(&text[..response.len]).ok().flatten();
        return (evidence, Some(text.freeze().slice(response.len..)));
    }
    read_body(io, &mut text, &response, until).await;
    evidence.received = text.len() as u64;
    evidence.answer = http::parse(&text).ok().flatten();
    (evidence, None)
}

/// The CONNECT head. Nothing can be injected: targets and authorizations hold no line ends by type.
fn request(target: &Target, authorization: Option<&Authorization>) -> BytesMut {
    let mut head = BytesMut::new();
    encode_request(target, None, &mut head);
    if let Some(authorization) = authorization {
        // Before the blank line.
        head.truncate(head.len() - 2);
        head.extend_from_slice(b"Proxy-Authorization: ");
        head.extend_from_slice(authorization.value().as_bytes());
        head.extend_from_slice(b"\r\n\r\n");
    }
    head
}

async fn exchange<S: Io + ?Sized>(
    io: &mut S,
    head: &[u8],
    text: &mut BytesMut,
    evidence: &mut TunnelEvidence,
) -> Option<Response> {
    let sent = async {
        io.write_all(head).await?;
        io.flush().await
    };
    // A proxy that is full answers and closes without reading: its answer says more than our error.
    if sent.await.is_ok() {
        evidence.sent = head.len() as u64;
    }
    let mut parser = ResponseParser::new(Limits::default());
    loop {
        match parser.parse(text) {
            Ok(Status::Complete(response)) => return Some(response),
            Ok(Status::Partial) => {}
            Err(error) => {
                evidence.looks_like_tls = matches!(error, ResponseError::NotHttp { tls: true, .. });
                evidence.malformed = Some(error.to_string());
                return None;
            }
        }
        match io.read_buf(text).await {
            Ok(0) => evidence.ending = Some(Ending::Closed),
            Ok(_) => continue,
            Err(error) => evidence.ending = Some(ending(&error)),
        }
        return None;
    }
}

/// Errors are ignored: the status has been read and says enough.
async fn read_body<S: Io + ?Sized>(
    io: &mut S,
    text: &mut BytesMut,
    response: &Response,
    until: Instant,
) {
    let length = response
        .content_length
        .and_then(|length| usize::try_from(length).ok());
    let wanted = response
        .len
        .saturating_add(length.unwrap_or(http::MAX_TEXT))
        .min(http::MAX_TEXT);
    let read = async { while text.len() < wanted && matches!(io.read_buf(text).await, Ok(1..)) {} };
    // Running out of time leaves what was read.
    let _ = timeout_at(until, timeout(BODY_GRACE, read)).await;
}
