//! [`ResponseError`]: why an upstream's answer is none.

use crate::scan::Fault;
use crate::text::excerpt;

/// An upstream's answer that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// More octets than [`Limits::max_bytes`](crate::Limits::max_bytes) without an end.
    #[error("the answer's head is longer than {limit} bytes")]
    HeadTooLarge {
        /// The limit, in octets.
        limit: usize,
    },
    /// HTTP/1 so far, but not a status line and header lines.
    #[error("the answer's head is malformed")]
    Malformed,
    /// Something else than HTTP/1.
    #[error(
        "the answer is not HTTP/1: \"{excerpt}\"{}",
        if *.tls { " (this looks like TLS: is it an https proxy?)" } else { "" }
    )]
    NotHttp {
        /// The first bytes, escaped, at most 80 characters.
        excerpt: String,
        /// Whether they look like a TLS record.
        tls: bool,
    },
    /// More header lines than [`Limits::max_headers`](crate::Limits::max_headers).
    #[error("the answer's head has more than {limit} header lines")]
    TooManyHeaders {
        /// The limit, in header lines.
        limit: usize,
    },
}

impl ResponseError {
    pub(crate) fn not_http(buf: &[u8]) -> Self {
        Self::NotHttp {
            excerpt: excerpt(buf),
            // Alert or handshake, and the major version that every TLS record bears.
            tls: matches!(buf, [0x15 | 0x16] | [0x15 | 0x16, 0x03, ..]),
        }
    }
}

impl From<Fault> for ResponseError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::BareLf | Fault::EmptyLines => Self::Malformed,
            Fault::TooLarge(limit) => Self::HeadTooLarge { limit },
            Fault::TooManyHeaders(limit) => Self::TooManyHeaders { limit },
        }
    }
}
