//! [`parse_response`]: the bytes of an upstream's answer become a [`Response`].

use httparse::{EMPTY_HEADER, Header};

use crate::challenge::schemes;
use crate::limits::{Limits, MAX_HEADERS, Status};
use crate::response_error::ResponseError;
use crate::scan::{LineEnds, Scan, Span};
use crate::text::lossy;

/// An upstream's final answer to a CONNECT.
///
/// Texts are the upstream's own, cut to a few hundred characters and free of control characters
/// except tabs: quote them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// The status. Any 2xx opens the tunnel; 101 does not.
    pub status: u16,
    /// The reason phrase; empty if there is none.
    pub reason: String,
    /// The scheme names of `Proxy-Authenticate`, in lower case and in the order offered.
    pub challenges: Vec<String>,
    /// The values of `Proxy-Authenticate`, as they came: challenges with their parameters.
    pub authenticate: Vec<String>,
    /// The length of the body, if one is given that makes sense. `None` for a 2xx, which has no body
    /// whatever it claims (RFC 9110 §9.3.6).
    pub content_length: Option<u64>,
    /// Whether the body comes in chunks; `false` for a 2xx.
    pub chunked: bool,
    /// What the upstream says it is: `Server`, or else `Proxy-Agent`.
    pub server: Option<String>,
    /// The proxies that the answer says it passed: `Via`.
    pub via: Option<String>,
    /// The upstream's own word for the fault: `X-Squid-Error`, or else `Proxy-Status`.
    pub fault: Option<String>,
    /// Octets of the head and of the 1xx heads before it; early data or the body starts here.
    pub len: usize,
}

impl Response {
    /// Whether the tunnel is open: any 2xx (RFC 9110 §9.3.6).
    pub const fn is_open(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

/// A push parser for an upstream's answer to a CONNECT.
///
/// It remembers how far it has looked, so an answer that trickles in costs no more.
#[derive(Clone, Debug)]
pub struct ResponseParser {
    limits: Limits,
    scan: Scan,
}

/// Parses the answer to a CONNECT at the start of `buf`; what follows the head is left alone.
///
/// Lenient where real proxies are sloppy and nothing depends on it: a missing reason, bare LF, one
/// empty line before the head. 1xx heads are skipped, except 101, which no CONNECT asks for and which
/// is therefore final.
///
/// Looks at `buf` from its start. When bytes trickle in, use a [`ResponseParser`], which does not.
///
/// # Examples
///
/// ```
/// use narrows_connect::{Limits, Status, parse_response};
///
/// let bytes = b"HTTP/1.0 200\r\n\r\nSSH-2.0-";
/// let Status::Complete(response) = parse_response(bytes, &Limits::default())? else {
///     unreachable!("the head is complete");
/// };
/// assert!(response.is_open());
/// assert_eq!(&bytes[response.len..], b"SSH-2.0-");
/// # Ok::<(), narrows_connect::ResponseError>(())
/// ```
///
/// # Errors
///
/// [`ResponseError`] if this is not HTTP/1, or too much of it.
pub fn parse_response(buf: &[u8], limits: &Limits) -> Result<Status<Response>, ResponseError> {
    ResponseParser::new(*limits).parse(buf)
}

// === impl ResponseParser ===

impl ResponseParser {
    /// A parser that has seen nothing.
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            scan: Scan::new(LineEnds::Lf, 0),
        }
    }

    /// Looks at what is new in `buf`, which holds everything received so far.
    ///
    /// # Errors
    ///
    /// As [`parse_response`]. The kind of error does not depend on how the bytes were split; the
    /// excerpt in it may.
    pub fn parse(&mut self, buf: &[u8]) -> Result<Status<Response>, ResponseError> {
        // What lies beyond the limit is not looked at, in whatever pieces it comes.
        let buf = &buf[..buf.len().min(self.limits.max_bytes)];
        check_version(buf)?;
        while let Some(span) = self.scan.advance(buf, &self.limits)? {
            let response = parse_head(buf, span)?;
            if response.status >= 200 || response.status == 101 {
                return Ok(Status::Complete(response));
            }
            self.scan = Scan::new(LineEnds::Lf, span.end);
        }
        Ok(Status::Partial)
    }
}

/// Says at the first byte that differs that this is no HTTP/1, so that nobody waits for more of it.
fn check_version(buf: &[u8]) -> Result<(), ResponseError> {
    let lead = [b"\r\n".as_slice(), b"\n"];
    let line = lead.iter().find_map(|lead| buf.strip_prefix(*lead));
    let line = line.unwrap_or(if buf == b"\r" { b"" } else { buf });
    if line.iter().zip(b"HTTP/1.").any(|(have, want)| have != want) {
        return Err(ResponseError::not_http(buf));
    }
    Ok(())
}

fn parse_head(buf: &[u8], span: Span) -> Result<Response, ResponseError> {
    /// Most answers have fewer; clearing the places of the others is not paid for.
    const FEW: usize = 16;
    if span.headers <= FEW {
        read_head(buf, span, &mut [EMPTY_HEADER; FEW])
    } else {
        read_head(buf, span, &mut [EMPTY_HEADER; MAX_HEADERS])
    }
}

fn read_head<'b>(
    buf: &'b [u8],
    span: Span,
    places: &mut [Header<'b>],
) -> Result<Response, ResponseError> {
    let mut head = httparse::Response::new(places);
    match head.parse(&buf[span.start..span.end]) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(ResponseError::Malformed),
        Err(httparse::Error::Version) => return Err(ResponseError::not_http(&buf[span.start..])),
        Err(_) => return Err(ResponseError::Malformed),
    }
    let status = head.code.unwrap_or_default();
    if status < 100 {
        return Err(ResponseError::Malformed);
    }
    let headers = Headers(head.headers);
    let has_body = !matches!(status, 100..=299);
    Ok(Response {
        status,
        reason: lossy(head.reason.unwrap_or_default().as_bytes(), MAX_TEXT),
        challenges: schemes(headers.all("proxy-authenticate")),
        authenticate: headers
            .all("proxy-authenticate")
            .map(|value| lossy(value, MAX_CHALLENGE))
            .collect(),
        content_length: has_body.then(|| headers.content_length()).flatten(),
        chunked: has_body && headers.all("transfer-encoding").next().is_some(),
        server: headers
            .text("server")
            .or_else(|| headers.text("proxy-agent")),
        via: headers.text("via"),
        fault: headers
            .text("x-squid-error")
            .or_else(|| headers.text("proxy-status")),
        len: span.end,
    })
}

/// The header lines of one head.
struct Headers<'a, 'b>(&'a [Header<'b>]);

impl<'b> Headers<'_, 'b> {
    fn all(&self, name: &str) -> impl Iterator<Item = &'b [u8]> {
        self.0
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.all(name).next().map(|value| lossy(value, MAX_TEXT))
    }

    /// The one length that all `Content-Length` lines agree on.
    fn content_length(&self) -> Option<u64> {
        let mut values = self.all("content-length");
        let first = values.next()?;
        let digits = !first.is_empty() && first.iter().all(u8::is_ascii_digit);
        (digits && values.all(|value| value == first))
            .then(|| std::str::from_utf8(first).ok()?.parse().ok())
            .flatten()
    }
}

/// Characters of one text of an upstream's that are kept.
const MAX_TEXT: usize = 256;

/// Characters of one `Proxy-Authenticate` that are kept: a nonce may be long.
const MAX_CHALLENGE: usize = 4096;

#[cfg(test)]
mod tests;
