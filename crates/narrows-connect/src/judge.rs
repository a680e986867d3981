//! [`check_connect`]: the judgement of a CONNECT head, whoever split it into its parts.

use narrows_endpoint::Target;

use crate::credentials::ProxyAuthorization;
use crate::request::{Request, Version};
use crate::request_error::{RequestError, RequestErrorKind as Kind};
use crate::via::Via;

/// Judges a CONNECT head that another parser has already split.
///
/// The same judgement as [`parse_request`](crate::parse_request) gives, for a server that hands
/// connections to a general HTTP parser. The syntax of lines and names is that parser's business.
/// Repeated headers must come as repeated items.
///
/// # Examples
///
/// ```
/// use narrows_connect::{Version, check_connect};
///
/// let headers = [("host", b"example.com".as_slice())];
/// let request = check_connect("example.com:443", Version::Http11, headers)?;
/// assert_eq!(request.target.to_string(), "example.com:443");
///
/// let error = check_connect("example.com", Version::Http11, headers).unwrap_err();
/// assert_eq!(error.status(), 400);
/// assert_eq!(error.raw_target(), Some("example.com"));
/// # Ok::<(), narrows_connect::RequestError>(())
/// ```
///
/// # Errors
///
/// [`RequestError`], with the status to answer and the authority as text.
pub fn check_connect<'a>(
    authority: &str,
    version: Version,
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> Result<Request, RequestError> {
    authority
        .parse()
        .map_err(Kind::from)
        .and_then(|target| judge(target, authority, version, headers))
        .map_err(|kind| RequestError::new(kind, authority.as_bytes()))
}

/// `authority` is the text that `target` was read from.
pub(crate) fn judge<'a>(
    target: Target,
    authority: &str,
    version: Version,
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> Result<Request, Kind> {
    let found = Found::collect(headers)?;
    match found.host {
        Some(host) if !names(host, authority, &target) => return Err(Kind::HostMismatch),
        None if version == Version::Http11 => return Err(Kind::HostMissing),
        _ => {}
    }
    let proxy_authorization = found
        .authorization
        .map(|value| ProxyAuthorization::from_bytes(value).ok_or(Kind::Authorization))
        .transpose()?;
    Ok(Request {
        target,
        version,
        proxy_authorization,
        via: Via::read(found.via),
        len: 0,
    })
}

/// The headers that matter to a proxy; all others are the business of nobody here.
#[derive(Default)]
struct Found<'a> {
    host: Option<&'a [u8]>,
    authorization: Option<&'a [u8]>,
    via: Vec<&'a [u8]>,
}

impl<'a> Found<'a> {
    fn collect(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, Kind> {
        let mut found = Self::default();
        for (name, value) in headers {
            if name.eq_ignore_ascii_case("host") {
                once(&mut found.host, value, Kind::HostRepeated)?;
            } else if name.eq_ignore_ascii_case("proxy-authorization") {
                once(&mut found.authorization, value, Kind::AuthorizationRepeated)?;
            } else if name.eq_ignore_ascii_case("via") {
                found.via.push(value);
            } else if name.eq_ignore_ascii_case("content-length")
                || name.eq_ignore_ascii_case("transfer-encoding")
            {
                return Err(Kind::Body);
            }
        }
        Ok(found)
    }
}

fn once<'a>(slot: &mut Option<&'a [u8]>, value: &'a [u8], repeated: Kind) -> Result<(), Kind> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(repeated),
    }
}

/// Whether a `Host` value names the target, with its port or without one.
fn names(host: &[u8], authority: &str, target: &Target) -> bool {
    // Nearly every client repeats the authority, and then nothing needs to be parsed again.
    if host.eq_ignore_ascii_case(authority.as_bytes()) {
        return true;
    }
    let port = std::num::NonZeroU16::new(target.port());
    std::str::from_utf8(host)
        .ok()
        .zip(port)
        .and_then(|(host, port)| Target::with_default_port(host, port).ok())
        .is_some_and(|named| named == *target)
}

#[cfg(test)]
mod tests;
