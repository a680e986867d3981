//! [`parse_request`]: the bytes of a CONNECT request head become a judged [`Request`].

use httparse::{EMPTY_HEADER, Header};
use narrows_endpoint::Target;

use crate::credentials::ProxyAuthorization;
use crate::judge::judge;
use crate::limits::{Limits, MAX_HEADERS, Status};
use crate::request_error::{RequestError, RequestErrorKind as Kind};
use crate::scan::{LineEnds, Scan, Span};
use crate::via::Via;

/// The HTTP version of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Version {
    /// HTTP/1.0, which old agents and scripts still speak to proxies.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2, whose heads another parser splits; `Host` is not needed beside `:authority`.
    Http2,
}

/// A CONNECT request that passed every check of this crate.
///
/// Whether the target may be reached is not judged here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// What the client asks for.
    pub target: Target,
    /// The version that the client speaks.
    pub version: Version,
    /// The credentials that the client sent for this proxy; they are never passed on.
    pub proxy_authorization: Option<ProxyAuthorization>,
    /// The proxies that it has passed.
    pub via: Via,
    /// Octets of the head, its blank line included; early data starts here. 0 from
    /// [`check_connect`](crate::check_connect).
    pub len: usize,
}

/// A push parser for one CONNECT request head.
///
/// It remembers how far it has looked, so a client that sends one byte at a time costs no more than
/// one that sends all at once.
#[derive(Clone, Debug)]
pub struct RequestParser {
    limits: Limits,
    scan: Scan,
}

/// Parses a CONNECT request head at the start of `buf`; what follows the head is left alone.
///
/// Looks at `buf` from its start. When bytes trickle in, use a [`RequestParser`], which does not.
///
/// - Refused besides what is no CONNECT at all: bare LF, folded lines, a space before a colon, control
///   bytes, more than one empty line before the head, `Content-Length` or `Transfer-Encoding`, a
///   `Host` that is repeated, names another target, or is missing in HTTP/1.1.
/// - `Host` may leave out the port: some clients do.
///
/// # Examples
///
/// ```
/// use narrows_connect::{Limits, Status, parse_request};
///
/// let bytes = b"CONNECT Example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n\x16\x03\x01";
/// let Status::Complete(request) = parse_request(bytes, &Limits::default())? else {
///     unreachable!("the head is complete");
/// };
/// assert_eq!(request.target.to_string(), "example.com:443");
/// assert_eq!(&bytes[request.len..], b"\x16\x03\x01");
/// # Ok::<(), narrows_connect::RequestError>(())
/// ```
///
/// # Errors
///
/// [`RequestError`], with the status to answer and what the client asked for. The connection must be
/// closed after the answer; what follows in `buf` must not be parsed.
pub fn parse_request(buf: &[u8], limits: &Limits) -> Result<Status<Request>, RequestError> {
    RequestParser::new(*limits).parse(buf)
}

// === impl RequestParser ===

impl RequestParser {
    /// A parser that has seen nothing.
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            scan: Scan::new(LineEnds::CrLf, 0),
        }
    }

    /// Looks at what is new in `buf`, which holds everything received so far.
    ///
    /// The verdict does not depend on how the bytes were split over calls.
    ///
    /// # Errors
    ///
    /// As [`parse_request`].
    pub fn parse(&mut self, buf: &[u8]) -> Result<Status<Request>, RequestError> {
        // What lies beyond the limit is not looked at, in whatever pieces it comes.
        let buf = &buf[..buf.len().min(self.limits.max_bytes)];
        self.judge(buf)
            .map_err(|kind| RequestError::new(kind, authority_text(buf)))
    }

    fn judge(&mut self, buf: &[u8]) -> Result<Status<Request>, Kind> {
        check_method(buf)?;
        match self.scan.advance(buf, &self.limits)? {
            Some(span) => parse_head(buf, span).map(Status::Complete),
            None => Ok(Status::Partial),
        }
    }
}

/// Says at the first byte that differs that this is no CONNECT, so that nobody waits for more of it.
fn check_method(buf: &[u8]) -> Result<(), Kind> {
    let line = without_lead(buf);
    match line.iter().zip(CONNECT).find(|(have, want)| have != want) {
        None => Ok(()),
        Some((byte, _)) if byte.is_ascii_graphic() => Err(Kind::Method),
        // An empty line, or half of one: the scan judges it.
        Some((b'\r' | b'\n', _)) if buf == b"\r" || buf.starts_with(b"\r\n") => Ok(()),
        Some(_) => Err(Kind::RequestLine),
    }
}

fn parse_head(buf: &[u8], span: Span) -> Result<Request, Kind> {
    /// Enough for every client seen; clearing the places of the rare others is not paid for.
    const FEW: usize = 16;
    let (line, headers) = split_line(&buf[span.start..span.end]);
    let (authority, version) = parse_request_line(line)?;
    let authority = &*String::from_utf8_lossy(authority);
    let request = if span.headers <= FEW {
        judge_headers(authority, version, headers, &mut [EMPTY_HEADER; FEW])
    } else {
        judge_headers(
            authority,
            version,
            headers,
            &mut [EMPTY_HEADER; MAX_HEADERS],
        )
    }?;
    Ok(Request {
        len: span.end,
        ..request
    })
}

/// Splits `CONNECT authority HTTP/1.x`; the authority may be anything but has no CR LF.
fn parse_request_line(line: &[u8]) -> Result<(&[u8], Version), Kind> {
    let rest = line.strip_prefix(CONNECT).ok_or(Kind::RequestLine)?;
    let space = rest.iter().rposition(|&byte| byte == b' ');
    let (authority, version) = rest.split_at(space.ok_or(Kind::RequestLine)?);
    match &version[1..] {
        b"HTTP/1.0" => Ok((authority, Version::Http10)),
        b"HTTP/1.1" => Ok((authority, Version::Http11)),
        [b'H', b'T', b'T', b'P', b'/', major, rest @ ..] if is_version(*major, rest) => {
            Err(Kind::Version)
        }
        _ => Err(Kind::RequestLine),
    }
}

fn is_version(major: u8, rest: &[u8]) -> bool {
    let minor = rest.strip_prefix(b".");
    let one_digit = minor.is_some_and(|minor| minor.len() == 1 && minor[0].is_ascii_digit());
    major.is_ascii_digit() && (rest.is_empty() || one_digit)
}

fn judge_headers<'b>(
    authority: &str,
    version: Version,
    headers: &'b [u8],
    places: &mut [Header<'b>],
) -> Result<Request, Kind> {
    // A bad target is the more useful thing to say, so it is checked before the headers.
    let target = authority.parse()?;
    let Ok(httparse::Status::Complete((_, headers))) = httparse::parse_headers(headers, places)
    else {
        return Err(Kind::Header);
    };
    let headers = headers.iter().map(|header| (header.name, header.value));
    judge(target, authority, version, headers)
}

/// The authority as received, from a head that may be malformed or cut; empty if there is none.
fn authority_text(buf: &[u8]) -> &[u8] {
    let (line, _) = split_line(without_lead(buf));
    let rest = line.strip_prefix(CONNECT).unwrap_or_default();
    match rest.windows(6).rposition(|window| window == b" HTTP/") {
        Some(version) => &rest[..version],
        None => rest,
    }
}

/// Cuts after the first line; the line comes without its end.
fn split_line(head: &[u8]) -> (&[u8], &[u8]) {
    match head.iter().position(|&byte| byte == b'\n') {
        Some(lf) => {
            let line = &head[..lf];
            (line.strip_suffix(b"\r").unwrap_or(line), &head[lf + 1..])
        }
        None => (head, b""),
    }
}

/// Drops the one empty line that may stand before a head (RFC 9112 §2.2).
fn without_lead(buf: &[u8]) -> &[u8] {
    buf.strip_prefix(b"\r\n").unwrap_or(buf)
}

const CONNECT: &[u8] = b"CONNECT ";

#[cfg(test)]
mod tests;
