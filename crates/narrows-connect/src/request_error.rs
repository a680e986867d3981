//! [`RequestError`]: why a CONNECT request is refused, in words and as a status.

use std::fmt;

use narrows_endpoint::TargetError;

use crate::text::lossy;

/// The most characters of a client's own words that an error carries.
pub const MAX_RAW_TARGET: usize = 512;

/// A CONNECT request that must be refused.
///
/// Displayed as one sentence that a person can act on. It never holds credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError {
    kind: RequestErrorKind,
    raw_target: Option<Box<str>>,
}

/// What is wrong with a CONNECT request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestErrorKind {
    /// A `Proxy-Authorization` that is not a scheme and visible text.
    #[error("the Proxy-Authorization header is not a scheme followed by credentials")]
    Authorization,
    /// More than one `Proxy-Authorization`.
    #[error("the Proxy-Authorization header is repeated")]
    AuthorizationRepeated,
    /// A LF without a CR before it, which other parsers on the path may read in another way.
    #[error("a line of the head ends in LF alone: write CR LF")]
    BareLineEnd,
    /// `Content-Length` or `Transfer-Encoding`: a CONNECT has no body (RFC 9110 §9.3.6).
    #[error("a CONNECT request has no body: leave out Content-Length and Transfer-Encoding")]
    Body,
    /// More than one empty line before the head.
    #[error("empty lines stand before the request line")]
    EmptyLines,
    /// A header line that is not `name: value`.
    #[error(
        "a header line is not `name: value` (look for a space before the colon, a folded line or a control character)"
    )]
    Header,
    /// More octets than [`Limits::max_bytes`](crate::Limits::max_bytes) without an end.
    #[error("the head is longer than {limit} bytes")]
    HeadTooLarge {
        /// The limit, in octets.
        limit: usize,
    },
    /// A `Host` that names another target than the request line (RFC 9112 §3.2.3).
    #[error("the Host header names another target than the request line")]
    HostMismatch,
    /// HTTP/1.1 without `Host`.
    #[error("the Host header is missing: HTTP/1.1 needs one")]
    HostMissing,
    /// More than one `Host`.
    #[error("the Host header is repeated")]
    HostRepeated,
    /// Another method, or none.
    #[error("the method is not CONNECT")]
    Method,
    /// A request line of another form.
    #[error("the request line is not `CONNECT host:port HTTP/1.1`")]
    RequestLine,
    /// A target that is not `host:port`.
    #[error("{}", Advice(.0))]
    Target(#[from] TargetError),
    /// More header lines than [`Limits::max_headers`](crate::Limits::max_headers).
    #[error("the head has more than {limit} header lines")]
    TooManyHeaders {
        /// The limit, in header lines.
        limit: usize,
    },
    /// A version of HTTP that has no such head, or none that is known.
    #[error("the HTTP version is neither 1.0 nor 1.1")]
    Version,
}

// === impl RequestError ===

impl RequestError {
    pub(crate) fn new(kind: RequestErrorKind, authority: &[u8]) -> Self {
        let raw_target = (!authority.is_empty()).then(|| lossy(authority, MAX_RAW_TARGET).into());
        Self { kind, raw_target }
    }

    /// What is wrong.
    pub const fn kind(&self) -> &RequestErrorKind {
        &self.kind
    }

    /// The status to answer: 400, 405, 431 or 505.
    pub const fn status(&self) -> u16 {
        match self.kind {
            RequestErrorKind::Method => 405,
            RequestErrorKind::HeadTooLarge { .. } | RequestErrorKind::TooManyHeaders { .. } => 431,
            RequestErrorKind::Version => 505,
            _ => 400,
        }
    }

    /// What the client asked for, in its own words: hostile text, for logs that quote it.
    ///
    /// At most [`MAX_RAW_TARGET`] characters, the last one `…` if there were more; what is not UTF-8
    /// is replaced. `None` if the head did not get that far.
    pub fn raw_target(&self) -> Option<&str> {
        self.raw_target.as_deref()
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::error::Error for RequestError {}

// === impl RequestErrorKind ===

impl From<crate::scan::Fault> for RequestErrorKind {
    fn from(fault: crate::scan::Fault) -> Self {
        use crate::scan::Fault;
        match fault {
            Fault::BareLf => Self::BareLineEnd,
            Fault::EmptyLines => Self::EmptyLines,
            Fault::TooLarge(limit) => Self::HeadTooLarge { limit },
            Fault::TooManyHeaders(limit) => Self::TooManyHeaders { limit },
        }
    }
}

/// Says a target error in the words of a request line.
struct Advice<'a>(&'a TargetError);

impl fmt::Display for Advice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            TargetError::MissingPort => f.write_str("the port is missing: write CONNECT host:port"),
            other => other.fmt(f),
        }
    }
}
