//! One HTTP request, and what comes back.

use std::time::Duration;

use bytes::BytesMut;
use narrows_endpoint::Target;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::evidence::{HttpAnswer, HttpEvidence};
use crate::tls::late_alert;
use crate::wire::ending;
use crate::words::Ending;
use narrows_connect::{excerpt, printable};

pub(crate) mod h2;

/// How much of an answer is read, in octets: a head, and the part of a page that says why it came.
pub(crate) const MAX_TEXT: usize = 16 * 1024;
/// How long the body may take after its head.
const BODY_GRACE: Duration = Duration::from_millis(500);
/// The most header lines that are looked at.
const MAX_LINES: usize = 100;
/// The most header lines that are kept.
const MAX_KEPT: usize = 32;

/// Asks for `/` and reads the head of the answer and the beginning of its body.
///
/// Any status is an answer. 1xx heads are skipped.
///
/// # Cancel safety
///
/// Not cancel safe: a dropped request leaves the stream at an unknown place; drop the stream too.
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
        request: "GET / HTTP/1.1".to_owned(),
        ..HttpEvidence::default()
    };
    let until = Instant::now() + deadline;
    let mut text = BytesMut::new();
    if timeout_at(
        until,
        exchange(io, &request(target, user_agent), &mut text, &mut evidence),
    )
    .await
    .is_err()
    {
        evidence.ending = Some(Ending::Silent);
    }
    if evidence.answer.is_some() {
        let rest =
            async { while !is_whole(&text) && matches!(io.read_buf(&mut text).await, Ok(1..)) {} };
        // Running out of time leaves what was read.
        let _ = timeout_at(until, timeout(BODY_GRACE, rest)).await;
        evidence.answer = parse(&text).ok().flatten();
    }
    evidence.received = text.len() as u64;
    evidence
}

async fn exchange<S>(io: &mut S, request: &[u8], text: &mut BytesMut, evidence: &mut HttpEvidence)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // A server that refuses answers without reading: its answer says more than our error.
    let sent = async {
        io.write_all(request).await?;
        io.flush().await
    };
    let sent = sent.await;
    loop {
        match io.read_buf(text).await {
            Ok(0) => {
                evidence.ending = Some(Ending::Closed);
                return;
            }
            Ok(_) => {}
            Err(read) => {
                let error = sent.as_ref().err().unwrap_or(&read);
                evidence.alert = late_alert(error);
                evidence.ending = evidence.alert.is_none().then(|| ending(error));
                return;
            }
        }
        if look(text, evidence) {
            return;
        }
    }
}

/// Looks at what has come; whether that is enough.
fn look(text: &[u8], evidence: &mut HttpEvidence) -> bool {
    match parse(text) {
        Ok(None) if text.len() < MAX_TEXT => return false,
        Ok(None) => evidence.malformed = Some("its head is too long".to_owned()),
        Ok(answer) => evidence.answer = answer,
        Err(why) => evidence.malformed = Some(why),
    }
    true
}

/// The target as a URI names it: without the port that its scheme has anyway.
fn authority(target: &Target) -> String {
    match target.port() {
        443 | 80 => target.host().to_string(),
        _ => target.to_string(),
    }
}

/// The target and the user agent hold no line ends: the one by type, the other is cut at the first.
fn request(target: &Target, user_agent: &str) -> Vec<u8> {
    let agent = user_agent.lines().next().unwrap_or_default();
    let host = authority(target);
    format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )
    .into_bytes()
}

/// Whether there is no more to read of an answer: servers that keep connections do not close them.
fn is_whole(text: &[u8]) -> bool {
    let Some(end) = text.windows(4).position(|window| window == b"\r\n\r\n") else {
        return text.len() >= MAX_TEXT;
    };
    let body = &text[end + 4..];
    let length = parse(text)
        .ok()
        .flatten()
        .and_then(|answer| match answer.status {
            101 | 204 | 304 => Some(0),
            _ => answer.header("content-length")?.parse().ok(),
        });
    let whole = match length {
        Some(length) => body.len() >= length,
        // The last chunk, or else the end of the connection.
        None => body.ends_with(b"\r\n0\r\n\r\n"),
    };
    whole || text.len() >= MAX_TEXT
}

/// The final answer at the start of `text`: `None` while its head is not complete.
///
/// # Errors
///
/// Why it is none, in a few words, as soon as that is sure.
pub(crate) fn parse(text: &[u8]) -> Result<Option<HttpAnswer>, String> {
    let mut rest = text;
    loop {
        let lead = &rest[..rest.len().min(b"HTTP/1.".len())];
        if !b"HTTP/1.".starts_with(lead) {
            let head = &rest[..rest.len().min(40)];
            return Err(format!("it begins with \"{}\"", head.escape_ascii()));
        }
        let mut lines = [httparse::EMPTY_HEADER; MAX_LINES];
        let mut head = httparse::Response::new(&mut lines);
        let length = match head.parse(rest) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let status = head.code.unwrap_or_default();
        if matches!(status, 100..=199) && status != 101 {
            rest = &rest[length..];
            continue;
        }
        return Ok(Some(answer(&head, &rest[length..])));
    }
}

fn answer(head: &httparse::Response<'_, '_>, body: &[u8]) -> HttpAnswer {
    let line = |line: &httparse::Header<'_>| {
        let value = String::from_utf8_lossy(line.value);
        (line.name.to_ascii_lowercase(), printable(&value))
    };
    let headers: Vec<_> = head.headers.iter().take(MAX_KEPT).map(line).collect();
    let chunked = head
        .headers
        .iter()
        .any(|line| line.name.eq_ignore_ascii_case("transfer-encoding"));
    HttpAnswer {
        status: head.code.unwrap_or_default(),
        reason: printable(head.reason.unwrap_or_default()),
        headers,
        excerpt: excerpt(if chunked {
            after_first_line(body)
        } else {
            body
        }),
    }
}

/// What follows the size of the first chunk; the excerpt rarely reaches into a second one.
fn after_first_line(body: &[u8]) -> &[u8] {
    let end = body.iter().position(|&byte| byte == b'\n');
    end.map_or(&[], |end| &body[end + 1..])
}

#[cfg(test)]
mod tests;
