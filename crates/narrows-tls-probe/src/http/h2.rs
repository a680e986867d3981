//! The same request over HTTP/2, where the service chose that.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use h2::RecvStream;
use h2::client::SendRequest;
use http::{HeaderMap, Request, StatusCode};
use narrows_connect::{excerpt, printable};
use narrows_endpoint::Target;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout, timeout_at};

use super::{BODY_GRACE, MAX_KEPT, MAX_TEXT, authority};
use crate::alert::Alert;
use crate::evidence::{HttpAnswer, HttpEvidence};
use crate::tls::late_alert;
use crate::wire::ending;
use crate::words::Ending;

/// Asks for `/` over HTTP/2 (RFC 9113), and reads the head of the answer and the beginning of its body.
///
/// # Cancel safety
///
/// Not cancel safe: as over HTTP/1.1.
pub(crate) async fn ask<S>(
    io: &mut S,
    target: &Target,
    user_agent: &str,
    deadline: Duration,
) -> HttpEvidence
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut evidence = HttpEvidence {
        request: "GET / HTTP/2".to_owned(),
        ..HttpEvidence::default()
    };
    let mut alert = None;
    let io = Overheard {
        io,
        alert: &mut alert,
    };
    let until = Instant::now() + deadline;
    match timeout_at(until, exchange(io, target, user_agent, until)).await {
        Ok(Ok(answer)) => {
            evidence.received = answer.excerpt.len() as u64;
            evidence.answer = Some(answer);
        }
        Ok(Err(error)) => fail(&mut evidence, error),
        Err(_) => evidence.ending = Some(Ending::Silent),
    }
    if evidence.answer.is_none() && alert.is_some() {
        (evidence.alert, evidence.ending) = (alert, None);
    }
    evidence
}

async fn exchange<S>(
    io: S,
    target: &Target,
    user_agent: &str,
    until: Instant,
) -> Result<HttpAnswer, h2::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (requests, connection) = h2::client::handshake(io).await?;
    let Some(request) = request(target, user_agent) else {
        return Err(h2::Reason::INTERNAL_ERROR.into());
    };
    let asked = send(requests, request, until);
    // The connection moves only while it is polled, and its end is also the request's.
    tokio::select! {
        answer = asked => answer,
        ended = connection => match ended {
            Ok(()) => Err(h2::Reason::CANCEL.into()),
            Err(error) => Err(error),
        },
    }
}

async fn send(
    requests: SendRequest<bytes::Bytes>,
    request: Request<()>,
    until: Instant,
) -> Result<HttpAnswer, h2::Error> {
    let mut requests = requests.ready().await?;
    let (answer, _) = requests.send_request(request, true)?;
    let (head, body) = answer.await?.into_parts();
    let mut text = Vec::new();
    // Running out of time leaves what was read.
    let _ = timeout_at(until, timeout(BODY_GRACE, read(body, &mut text))).await;
    Ok(answered(head.status, &head.headers, &text))
}

async fn read(mut body: RecvStream, text: &mut Vec<u8>) {
    while text.len() < MAX_TEXT
        && let Some(Ok(part)) = body.data().await
    {
        // Whatever is wrong with the window shows in the next part.
        let _ = body.flow_control().release_capacity(part.len());
        text.extend_from_slice(&part);
    }
}

fn request(target: &Target, user_agent: &str) -> Option<Request<()>> {
    let request = Request::get(format!("https://{}/", authority(target)));
    let agent = user_agent.lines().next().unwrap_or_default();
    request
        .header("user-agent", agent)
        .header("accept", "*/*")
        .body(())
        .ok()
}

fn answered(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> HttpAnswer {
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.as_str().to_owned(), printable(&value))
    };
    HttpAnswer {
        status: status.as_u16(),
        reason: status.canonical_reason().unwrap_or_default().to_owned(),
        headers: headers.iter().take(MAX_KEPT).map(line).collect(),
        excerpt: excerpt(body),
    }
}

/// What an error of the session says. One that the service states in a frame is no end of a connection.
fn fail(evidence: &mut HttpEvidence, error: h2::Error) {
    if error.is_io() {
        let error = error
            .into_io()
            .unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into());
        evidence.ending = Some(ending(&error));
    } else if error.reason() == Some(h2::Reason::CANCEL) {
        evidence.ending = Some(Ending::Closed);
    } else {
        evidence.malformed = Some(printable(&error.to_string()));
    }
}

/// A TLS stream below HTTP/2, which would forget why its connection broke.
struct Overheard<'a, S> {
    io: &'a mut S,
    alert: &'a mut Option<Alert>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Overheard<'_, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut *self.io).poll_read(cx, buf);
        if let Poll::Ready(Err(error)) = &read {
            *self.alert = late_alert(error);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Overheard<'_, S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_shutdown(cx)
    }
}
