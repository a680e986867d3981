//! [`encode_request`] and [`ESTABLISHED`]: the heads that open tunnels.

use std::fmt::Write as _;

use bytes::BytesMut;
use narrows_endpoint::Target;

use crate::credentials::Credentials;
use crate::via::Via;

/// The head that tells a client that its tunnel is open.
///
/// No `Content-Length` or `Transfer-Encoding`: a 2xx to CONNECT has none (RFC 9110 §9.3.6).
pub const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// Appends a CONNECT request head for an upstream to `dst`.
///
/// Nothing can be injected: targets and credentials hold no line ends by type.
///
/// # Examples
///
/// ```
/// use bytes::BytesMut;
/// use narrows_connect::encode_request;
///
/// let mut head = BytesMut::new();
/// encode_request(&"example.com:443".parse()?, None, &mut head);
/// assert_eq!(&head[..], b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n");
/// # Ok::<(), narrows_endpoint::TargetError>(())
/// ```
pub fn encode_request(target: &Target, credentials: Option<&Credentials>, dst: &mut BytesMut) {
    encode_forwarded(target, &Via::default(), credentials, dst);
}

/// As [`encode_request`], for a request of a client's that has come this way: with `Via`, if it is not
/// empty.
pub fn encode_forwarded(
    target: &Target,
    via: &Via,
    credentials: Option<&Credentials>,
    dst: &mut BytesMut,
) {
    // Writing to a growing buffer cannot fail, so the results say nothing.
    let _ = write!(dst, "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if !via.is_empty() {
        let _ = write!(dst, "Via: {}\r\n", via.as_str());
    }
    if let Some(credentials) = credentials {
        let _ = write!(dst, "Proxy-Authorization: {}\r\n", credentials.basic());
    }
    dst.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
