//! Request and response heads of plain HTTP: what is refused, what is removed, what is added.

use std::num::NonZeroU16;

use hyper::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VIA,
};
use hyper::http::request::Parts;
use hyper::{Method, Uri, Version};
use narrows_connect::{ProxyAuthorization, Via};
use narrows_endpoint::Target;

use crate::refusals::Failure;

/// The port of `http://` URIs without one (RFC 9110 §4.2.1).
const HTTP_PORT: NonZeroU16 = NonZeroU16::new(80).unwrap();

/// Header fields that end at the next hop (RFC 9110 §7.6.1), besides those that `Connection` names.
static HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Judges a request head and gives its target.
pub(super) fn target(head: &Parts) -> Result<Target, Failure> {
    if head.method == Method::TRACE {
        // It would show the client what this proxy adds to requests.
        return Err(Failure::head(405, "TRACE is not forwarded"));
    }
    let authority = match (head.uri.scheme_str(), head.uri.authority()) {
        (Some("http"), Some(authority)) => authority.as_str(),
        (Some("https"), _) => {
            return Err(Failure::head(
                400,
                "https goes through CONNECT host:443, not through a request for an https:// URI",
            ));
        }
        (Some(_), _) => return Err(Failure::head(400, "only http:// URIs can be requested")),
        (None, Some(_)) => {
            return Err(Failure::head(
                400,
                "host:port alone is for the method CONNECT, in capitals",
            ));
        }
        _ => {
            return Err(Failure::head(
                400,
                "this is a forward proxy: request http://host/path, or CONNECT host:port",
            ));
        }
    };
    let target = Target::with_default_port(authority, HTTP_PORT)
        .map_err(|error| Failure::head(400, format!("the request's URI is refused: {error}")))?;
    check_host(head, &target)?;
    Ok(target)
}

/// What the client sent to prove who it is to this proxy.
pub(super) fn authorization(head: &Parts) -> Result<Option<ProxyAuthorization>, Failure> {
    let mut values = head.headers.get_all(PROXY_AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => ProxyAuthorization::from_bytes(value.as_bytes())
            .map(Some)
            .ok_or_else(|| Failure::head(400, "Proxy-Authorization is not a scheme and its value")),
        _ => Err(Failure::head(
            400,
            "there is more than one Proxy-Authorization header",
        )),
    }
}

/// Exactly one `Host` in HTTP/1.1, and none that names another server than the URI (RFC 9112 §3.2):
/// whoever reads the other one of the two is deceived.
fn check_host(head: &Parts, target: &Target) -> Result<(), Failure> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host,
        (None, _) if head.version == Version::HTTP_10 => return Ok(()),
        (None, _) => return Err(Failure::head(400, "the Host header is missing")),
        (Some(_), Some(_)) => {
            return Err(Failure::head(400, "there is more than one Host header"));
        }
    };
    let named = host
        .to_str()
        .ok()
        .and_then(|host| Target::with_default_port(host, HTTP_PORT).ok());
    if named.as_ref() == Some(target) {
        Ok(())
    } else {
        Err(Failure::head(
            400,
            format!("the Host header does not name {target}"),
        ))
    }
}

/// The proxies that a request has passed.
pub(super) fn passed(head: &Parts) -> Via {
    Via::read(head.headers.get_all(VIA).iter().map(HeaderValue::as_bytes))
}

/// Makes a client's request one of this proxy's own; its URI is set when it is known where it goes.
pub(super) fn forward(head: &mut Parts, target: &Target, name: &str) {
    strip(&mut head.headers);
    state_length_once(&mut head.headers);
    // This proxy has answered 100 itself, or will: the body is sent without waiting for it.
    head.headers.remove(EXPECT);
    add_via(&mut head.headers, head.version, name);
    head.version = Version::HTTP_11;
    if let Ok(host) = HeaderValue::try_from(host_value(target)) {
        head.headers.insert(HOST, host);
    }
}

/// Makes a server's response head one of this proxy's own.
pub(super) fn backward(headers: &mut HeaderMap, version: Version, name: &str) {
    if headers.contains_key(TRANSFER_ENCODING) {
        // The body was read by its transfer coding, so the length is somebody's mistake or trick
        // (RFC 9112 §6.3).
        headers.remove(CONTENT_LENGTH);
    }
    strip(headers);
    state_length_once(headers);
    add_via(headers, version, name);
}

/// Makes `5, 5`, or two lines that agree, one length: the next reader may take them for something else
/// (RFC 9110 §8.6). Lengths that disagree come here only where they frame nothing, as in an answer to
/// HEAD; they are left out.
fn state_length_once(headers: &mut HeaderMap) {
    let is_length =
        |value: &HeaderValue| !value.is_empty() && value.as_bytes().iter().all(u8::is_ascii_digit);
    let mut lines = headers.get_all(CONTENT_LENGTH).iter();
    match (lines.next(), lines.next()) {
        (None, _) => return,
        (Some(line), None) if is_length(line) => return,
        _ => {}
    }
    let lines = headers.get_all(CONTENT_LENGTH).iter();
    let mut lengths: Vec<HeaderValue> = lines
        .flat_map(|line| line.as_bytes().split(|&octet| octet == b','))
        .filter_map(|length| HeaderValue::from_bytes(length.trim_ascii()).ok())
        .collect();
    lengths.dedup();
    headers.remove(CONTENT_LENGTH);
    if let [length] = &lengths[..]
        && is_length(length)
    {
        headers.insert(CONTENT_LENGTH, length.clone());
    }
}

/// Appends a header line; what is not one is left out.
pub(super) fn append(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        headers.append(name, value);
    }
}

/// Removes what is meant for this hop only.
fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|token| token.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

fn add_via(headers: &mut HeaderMap, received: Version, name: &str) {
    let version = if received == Version::HTTP_10 {
        "1.0"
    } else {
        "1.1"
    };
    append(headers, VIA_NAME, &format!("{version} {name}"));
}

const VIA_NAME: &str = "via";

fn host_value(target: &Target) -> String {
    if target.port() == HTTP_PORT.get() {
        target.host().to_string()
    } else {
        target.to_string()
    }
}

/// The path and query as the client wrote them, in origin form or, for a proxy, in absolute form with
/// the canonical target.
pub(super) fn uri(asked: &Uri, target: &Target, to_proxy: bool) -> Uri {
    let path = asked.path_and_query().map_or("/", |path| path.as_str());
    let text = if to_proxy {
        format!("http://{}{path}", host_value(target))
    } else {
        path.to_owned()
    };
    // The parts come from a URI, so they make one again.
    text.parse().unwrap_or_else(|_| asked.clone())
}

#[cfg(test)]
mod tests;
