//! What keeps web pages from elsewhere out.
//!
//! A page that somebody looks at on this machine can make its browser ask any address of this machine.
//! Without permission of ours it cannot read the answer, unless its own name resolves to this machine (DNS
//! rebinding). Then the request names that name in `Host`, so only addresses and `localhost` pass.

use std::net::Ipv6Addr;

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};

/// Why a request is not answered: a status, and a sentence for a person.
pub(crate) type Refused = (StatusCode, &'static str);

/// Judges the head of a request.
pub(crate) fn check(parts: &Parts) -> Result<(), Refused> {
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Err((
            StatusCode::METHOD_NOT_ALLOWED,
            "only GET: nothing can be changed here",
        ));
    }
    if parts.uri.authority().is_some() {
        return Err((
            StatusCode::MISDIRECTED_REQUEST,
            "this is the admin listener, not the proxy",
        ));
    }
    let host = only(&parts.headers, HOST.as_str())?;
    if !host.is_none_or(is_unforgeable) {
        return Err((
            StatusCode::MISDIRECTED_REQUEST,
            "ask for this listener by its address or as localhost: under other names web pages could read it",
        ));
    }
    let own = |origin: &str| {
        let authority = origin.strip_prefix("http://");
        authority
            .is_some_and(|authority| host.is_some_and(|host| authority.eq_ignore_ascii_case(host)))
    };
    if !only(&parts.headers, ORIGIN.as_str())?.is_none_or(own) {
        return Err((
            StatusCode::FORBIDDEN,
            "pages from elsewhere may not ask here",
        ));
    }
    let same = |site: &str| matches!(site, "none" | "same-origin");
    if !only(&parts.headers, "sec-fetch-site")?.is_none_or(same) {
        return Err((
            StatusCode::FORBIDDEN,
            "pages from elsewhere may not ask here; open it by its address, not by a link",
        ));
    }
    Ok(())
}

/// The one value of a header, if there is one.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refused> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    match (first.map(|value| value.to_str()).transpose(), values.next()) {
        (Ok(value), None) => Ok(value),
        _ => Err((StatusCode::BAD_REQUEST, "a header is doubled or no text")),
    }
}

/// Whether nobody can make the name, which may have a port, lead here but us.
fn is_unforgeable(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((ip, "")) => return ip.parse::<Ipv6Addr>().is_ok(),
            Some((ip, port)) if ip.parse::<Ipv6Addr>().is_ok() => ("localhost", port),
            _ => return false,
        },
        None => host.find(':').map_or((host, ""), |at| host.split_at(at)),
    };
    let named =
        name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::Ipv4Addr>().is_ok();
    let digits = port.strip_prefix(':');
    named && (port.is_empty() || digits.is_some_and(|digits| digits.parse::<u16>().is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(request: http::request::Builder) -> u16 {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        check(&parts)
            .err()
            .map_or(200, |(status, _)| status.as_u16())
    }

    fn get() -> http::request::Builder {
        http::Request::get("/api/status")
    }

    #[test]
    fn row_17_only_names_that_nobody_can_forge() {
        for (host, status) in [
            ("127.0.0.1:9090", 200),
            ("127.0.0.1", 200),
            ("10.0.0.7:9090", 200),
            ("[::1]:9090", 200),
            ("[::1]", 200),
            ("LocalHost:9090", 200),
            ("localhost", 200),
            ("evil.example:9090", 421),
            ("localhost.evil.example", 421),
            ("127.0.0.1.evil.example", 421),
            ("localhost:9090@evil.example", 421),
            ("[::1]evil.example", 421),
            ("[evil.example]:1", 421),
            ("2130706433", 421),
            ("", 421),
        ] {
            assert_eq!(judge(get().header("host", host)), status, "{host}");
        }
        // What no browser leaves out.
        assert_eq!(judge(get()), 200);
        let twice = get()
            .header("host", "localhost")
            .header("host", "evil.example");
        assert_eq!(judge(twice), 400);
    }

    #[test]
    fn row_17_only_pages_of_our_own() {
        for (origin, status) in [
            ("http://localhost:9090", 200),
            ("http://localhost:9091", 403),
            ("https://localhost:9090", 403),
            ("http://evil.example", 403),
            ("null", 403),
            ("", 403),
        ] {
            let request = get()
                .header("host", "localhost:9090")
                .header("origin", origin);
            assert_eq!(judge(request), status, "{origin}");
        }
        for (site, status) in [
            ("none", 200),
            ("same-origin", 200),
            ("same-site", 403),
            ("cross-site", 403),
        ] {
            let request = get()
                .header("host", "localhost")
                .header("sec-fetch-site", site);
            assert_eq!(judge(request), status, "{site}");
        }
    }

    #[test]
    fn is_no_proxy_and_changes_nothing() {
        assert_eq!(
            judge(http::Request::post("/").header("host", "localhost")),
            405
        );
        assert_eq!(judge(http::Request::connect("localhost:1")), 405);
        let absolute = http::Request::get("http://localhost/").header("host", "localhost");
        assert_eq!(judge(absolute), 421);
    }
}
