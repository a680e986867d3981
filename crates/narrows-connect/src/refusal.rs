//! [`Refusal`]: the answer to a request that gets no tunnel.

use std::fmt::Write as _;

use crate::credentials::is_token;
use crate::proxy_error::ProxyError;

/// An answer that says no: status, machine-readable reason, and one line for a person.
///
/// Whatever the fields hold, the encoded head has no line ends but its own: text is made harmless
/// when it is written. The connection must be closed after it.
///
/// # Examples
///
/// ```
/// use narrows_connect::{ProxyError, Refusal};
///
/// let refusal = Refusal {
///     error: Some(ProxyError::DnsError),
///     next_hop: Some("example.invalid:443".into()),
///     ..Refusal::new(502, "example.invalid does not resolve")
/// };
/// let answer = String::from_utf8(refusal.encode("narrows"))?;
/// assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\nProxy-Status: narrows; error=dns_error;"));
/// assert!(answer.ends_with("\r\n\r\nexample.invalid does not resolve\n"));
/// # Ok::<(), std::string::FromUtf8Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status, 400 to 599; others are sent as 500.
    pub status: u16,
    /// The error type of RFC 9209, if one fits.
    pub error: Option<ProxyError>,
    /// One line for a person: what is wrong and what to do.
    pub detail: String,
    /// Who failed or refused, as `host:port` or a name.
    pub next_hop: Option<String>,
    /// A challenge, the value of `Proxy-Authenticate`; goes with status 407.
    pub challenge: Option<String>,
    /// When to try again, in seconds.
    pub retry_after: Option<u32>,
}

impl Refusal {
    /// A refusal with a status and a line for a person, and nothing else.
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self {
            status,
            error: None,
            detail: detail.into(),
            next_hop: None,
            challenge: None,
            retry_after: None,
        }
    }

    /// The whole answer, head and body, as `server` (a short name of this proxy) sends it.
    pub fn encode(&self, server: &str) -> Vec<u8> {
        let status = self.status();
        let mut out = format!("HTTP/1.1 {status} {}\r\n", reason_phrase(status));
        for (name, value) in self.headers(server) {
            // Writing to a growing buffer cannot fail, so the results say nothing.
            let _ = write!(out, "{name}: {value}\r\n");
        }
        out.push_str("\r\n");
        out.push_str(&self.body());
        out.into_bytes()
    }

    /// The status that is sent.
    pub const fn status(&self) -> u16 {
        match self.status {
            400..=599 => self.status,
            _ => 500,
        }
    }

    /// The header lines, for a server that encodes heads itself. Values are visible ASCII and spaces.
    pub fn headers(&self, server: &str) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("Proxy-Status", self.proxy_status(server)),
            ("Content-Type", "text/plain; charset=utf-8".to_owned()),
            ("Content-Length", self.body().len().to_string()),
            ("Connection", "close".to_owned()),
        ];
        if let Some(challenge) = &self.challenge {
            headers.push(("Proxy-Authenticate", visible(challenge).collect()));
        }
        if let Some(seconds) = self.retry_after {
            headers.push(("Retry-After", seconds.to_string()));
        }
        headers
    }

    /// The body: one line in UTF-8 that ends in LF.
    pub fn body(&self) -> String {
        let line = self.detail.chars().take(MAX_DETAIL);
        line.map(|c| if is_line_breaking(c) { ' ' } else { c })
            .chain(['\n'])
            .collect()
    }

    /// The `Proxy-Status` item (RFC 9209 §2): this proxy, and what it knows.
    fn proxy_status(&self, server: &str) -> String {
        let mut out = String::new();
        // Tokens of structured fields start with a letter (RFC 8941 §3.3.4); a string always fits.
        if is_token(server) && server.starts_with(|c: char| c.is_ascii_alphabetic()) {
            out.push_str(server);
        } else {
            push_string(&mut out, server);
        }
        if let Some(error) = self.error {
            out.push_str("; error=");
            out.push_str(error.as_str());
        }
        if let Some(next_hop) = &self.next_hop {
            out.push_str("; next-hop=");
            push_string(&mut out, next_hop);
        }
        out.push_str("; details=");
        push_string(&mut out, &self.detail);
        out
    }
}

/// Appends a string of structured fields (RFC 8941 §3.3.3), which holds visible ASCII and spaces only.
fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for c in visible(text) {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// The text with everything but visible ASCII and spaces replaced, and cut.
fn visible(text: &str) -> impl Iterator<Item = char> {
    text.chars()
        .take(MAX_DETAIL)
        .map(|c| if matches!(c, ' '..='~') { c } else { '?' })
}

/// Characters that some viewer takes for a line end, or acts upon.
const fn is_line_breaking(c: char) -> bool {
    c.is_ascii_control() || matches!(c, '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}')
}

/// The reason phrase of a status that this proxy sends.
const fn reason_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Content Too Large",
        414 => "URI Too Long",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        508 => "Loop Detected",
        _ => "Refused",
    }
}

/// Characters of one text in an answer; longer ones are hostile or useless to a person.
const MAX_DETAIL: usize = 1024;

#[cfg(test)]
mod tests;
