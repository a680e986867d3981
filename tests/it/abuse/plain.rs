//! Plain HTTP in absolute form: rows 26, 27 and 29, and what forwarding must do at all.

use narrows_tests::origin::{Origin, PAGE};
use narrows_tests::proxy::Proxy;
use narrows_tests::raw::{End, Once, Raw};
use narrows_tests::traffic::Told;

use super::{all_refused, still_serves};

/// Sends a head (without its blank line) to `/request` of an origin, with `Connection: close` unless
/// the fields say otherwise, and gives the origin's view of it.
fn seen_by_origin(fields: &str) -> String {
    let origin = Origin::start();
    let proxy = Proxy::direct();
    let authority = origin.http;
    let (head, body) = proxy.ask(format!(
        "GET http://{authority}/request HTTP/1.1\r\nHost: {authority}\r\n{fields}\r\n"
    ));
    assert_eq!(head.status(), 200, "{}", head.as_str());
    let told = proxy.only();
    assert!(told.done().sent > 0 && told.done().received > 0);
    proxy.stop();
    body
}

#[test]
fn row_26_hop_by_hop_fields_are_removed() {
    let seen = seen_by_origin(
        "Connection: close, X-Secret\r\nX-Secret: 1\r\nX-Kept: 2\r\nKeep-Alive: timeout=5\r\n\
         Proxy-Connection: keep-alive\r\nTE: trailers\r\nTrailer: X\r\nUpgrade: websocket\r\n\
         Proxy-Authorization: Basic Y2xpZW50OnNlY3JldA==\r\n",
    );
    assert!(seen.starts_with("GET /request HTTP/1.1\n"), "{seen}");
    assert!(seen.contains("x-kept: 2\n"), "{seen}");
    for gone in [
        "x-secret",
        "keep-alive",
        "proxy-",
        "te:",
        "trailer:",
        "upgrade:",
    ] {
        assert!(!seen.contains(&format!("\n{gone}")), "{gone} in {seen}");
    }
}

#[test]
fn row_26_ambiguous_framing_never_reaches_the_origin() {
    let origin = Origin::start();
    let proxy = Proxy::direct();
    let authority = origin.http;
    // A second request hidden where only one of two parsers would see it.
    let hidden = format!("GET http://{authority}/hidden HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    let framings = [
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Content-Length: 4\r\nContent-Length: 40\r\n",
        "Content-Length: 4, 40\r\n",
        "Content-Length: +4\r\n",
        "Content-Length: 0x4\r\n",
        "Transfer-Encoding : chunked\r\n",
        "X: y\r\n Transfer-Encoding: chunked\r\n",
    ];
    for (at, framing) in framings.iter().enumerate() {
        let request = format!(
            "POST http://{authority}/request HTTP/1.1\r\nHost: {authority}\r\n{framing}\r\n\
             0\r\n\r\n{hidden}"
        );
        let (head, _) = proxy.ask(request);
        assert!(
            matches!(head.status(), 400 | 501),
            "{framing:?}: {}",
            head.as_str()
        );
        assert_eq!(
            proxy.finished(at + 1)[at].refused().status,
            head.status(),
            "{framing:?}"
        );
    }
    assert_eq!(origin.requests(), 0);
    still_serves(&proxy, framings.len());
    proxy.stop();
}

#[test]
fn row_26_length_beside_chunks_is_refused_or_reframed() {
    let origin = Origin::start();
    let proxy = Proxy::direct();
    let authority = origin.http;
    let request = format!(
        "POST http://{authority}/request HTTP/1.1\r\nHost: {authority}\r\nContent-Length: 6\r\n\
         Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET http://{authority}/hidden HTTP/1.1\r\n\
         Host: {authority}\r\n\r\n"
    );
    let (head, body) = proxy.ask(request);
    if head.status() == 200 {
        assert!(!body.contains("content-length: 6"), "{body}");
        assert!(origin.requests() <= 1, "the hidden request was served");
    } else {
        assert_eq!((head.status(), origin.requests()), (400, 0));
    }
    assert!(proxy.only().lines <= 3);
    proxy.stop();
}

#[test]
fn row_26_chunk_size_that_overflows() {
    let origin = Origin::start();
    let proxy = Proxy::direct();
    let authority = origin.http;
    let request = format!(
        "POST http://{authority}/sink HTTP/1.1\r\nHost: {authority}\r\n\
         Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nx\r\n0\r\n\r\n"
    );
    let mut client = proxy.connect();
    client.send(request);
    let end = client.end();
    assert!(!end.text().starts_with("HTTP/1.1 200"), "{end:?}");
    proxy.only();
    proxy.stop();
}

#[test]
fn row_26_chunked_in_any_case_is_chunked() {
    let origin = Origin::start();
    let proxy = Proxy::direct();
    let authority = origin.http;
    // The pattern's first octets, so that the origin can tell that they are as sent.
    let body = narrows_tests::pattern::bytes(5);
    let mut request = format!(
        "POST http://{authority}/sink HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\
         Transfer-Encoding: Chunked\r\n\r\n5;extension=1\r\n"
    )
    .into_bytes();
    request.extend_from_slice(&body);
    request.extend_from_slice(b"\r\n0\r\n\r\n");
    let (head, body) = proxy.ask(request);
    assert_eq!((head.status(), body.as_str()), (200, "5 octets, as sent"));
    proxy.only();
    proxy.stop();
}

/// Each of these is one length, or one coding, in an odd spelling: refused, or the body arrives whole, once, and
/// what stands behind it is a request of its own.
#[test]
fn row_26_one_length_twice_and_space_around_chunked() {
    let body = narrows_tests::pattern::bytes(5);
    let chunked = [&b"5\r\n"[..], &body, b"\r\n0\r\n\r\n"].concat();
    for (framing, body) in [
        ("Content-Length: 5\r\nContent-Length: 5\r\n", &body),
        ("Content-Length: 5, 5\r\n", &body),
        ("Transfer-Encoding:   chunked\r\n", &chunked),
        ("Transfer-Encoding:\tchunked\t \r\n", &chunked),
        ("Transfer-Encoding:chunked\r\n", &chunked),
    ] {
        let origin = Origin::start();
        let proxy = Proxy::direct();
        let authority = origin.http;
        let head = format!("/sink HTTP/1.1\r\nHost: {authority}\r\n{framing}\r\n");
        let mut request = format!("POST http://{authority}{head}").into_bytes();
        request.extend_from_slice(body);
        let next = format!("GET http://{authority}/ HTTP/1.1\r\nHost: {authority}\r\n");
        request.extend_from_slice((next + "Connection: close\r\n\r\n").as_bytes());
        let (head, rest) = proxy.ask(request);
        if head.status() == 200 {
            assert!(rest.starts_with("5 octets, as sent"), "{framing:?}: {rest}");
            assert!(rest.ends_with(PAGE), "{framing:?}: {rest}");
            assert_eq!(origin.requests(), 2, "{framing:?}");
            proxy.finished(2);
        } else {
            assert_eq!((head.status(), origin.requests()), (400, 0), "{framing:?}");
            assert_eq!(proxy.only().refused().status, 400);
        }
        proxy.stop();
    }
}

#[test]
fn row_26_bare_line_feeds_do_not_reach_the_origin() {
    let origin = Once::start(|mut client: Raw| {
        let head = client.head();
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        client.finish();
        client.end();
        head
    });
    let proxy = Proxy::direct();
    let authority = origin.address;
    let (head, _) = proxy.ask(format!(
        "GET http://{authority}/ HTTP/1.1\nHost: {authority}\nConnection: close\n\n"
    ));
    if head.status() == 200 {
        let seen = origin.join();
        assert!(
            seen.as_str().lines().count() > 1 && !seen.as_str().replace("\r\n", "").contains('\n')
        );
    } else {
        assert_eq!(head.status(), 400);
    }
    proxy.only();
    proxy.stop();
}

#[test]
fn row_26_a_200_to_an_upgrade_is_not_a_tunnel() {
    let origin = Once::start(|mut client: Raw| {
        let head = client.head();
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        client.finish();
        (head, client.end())
    });
    let proxy = Proxy::direct();
    let mut client = proxy.connect();
    let authority = origin.address;
    client.send(format!(
        "GET http://{authority}/ HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\n\r\n"
    ));
    assert_eq!(client.head().status(), 200);
    assert_eq!(client.exactly(2), b"ok");
    // In a tunnel these octets would reach the origin; here they are a malformed request.
    let _ = client.try_send("\u{0}\u{1}frame\r\n\r\n");
    client.finish();
    client.end();
    let (head, end) = origin.join();
    assert_eq!(head.field("Upgrade"), None);
    assert_eq!(end.text(), "");
    proxy.settle();
    proxy.stop();
}

#[test]
fn row_27_host_of_a_plain_request() {
    let origin = Origin::start();
    let proxy = Proxy::direct();
    let authority = origin.http;
    let with = |fields: &str| {
        (
            format!("GET http://{authority}/ HTTP/1.1\r\n{fields}\r\n"),
            None,
        )
    };
    let cases = [
        with(""),
        with(&format!("Host: {authority}\r\nHost: {authority}\r\n")),
        with("Host: other.test\r\n"),
        with(&format!("Host: {authority}, other.test\r\n")),
    ];
    all_refused(&proxy, 400, &cases);
    assert_eq!(origin.requests(), 0);
    still_serves(&proxy, cases.len());
    proxy.stop();
}

#[test]
fn row_29_login_is_not_forwarded_to_the_origin() {
    let seen = seen_by_origin(
        "Connection: close\r\nProxy-Authorization: Basic Y2xpZW50OnNlY3JldA==\r\n\
         Authorization: Bearer for-the-origin\r\n",
    );
    assert!(!seen.contains("proxy-authorization"), "{seen}");
    assert!(
        seen.contains("authorization: Bearer for-the-origin\n"),
        "{seen}"
    );
}

#[test]
fn several_requests_on_one_connection_are_logged_one_by_one() {
    let origins = [Origin::start(), Origin::start()];
    let proxy = Proxy::direct();
    let mut client = proxy.connect();
    for origin in [&origins[0], &origins[1], &origins[0]] {
        let authority = origin.http;
        client.send(format!(
            "GET http://{authority}/ HTTP/1.1\r\nHost: {authority}\r\n\r\n"
        ));
        let head = client.head();
        assert_eq!(
            (head.status(), head.field("Content-Length")),
            (200, Some("23"))
        );
        assert_eq!(client.exactly(PAGE.len()), PAGE.as_bytes());
    }
    client.finish();
    assert_eq!(client.end(), End::Eof(vec![]));
    let told = proxy.finished(3);
    let ports: Vec<u16> = told.iter().map(Told::port).collect();
    assert_eq!(
        ports,
        [&origins[0], &origins[1], &origins[0]].map(|origin| origin.http.port())
    );
    proxy.stop();
}

#[test]
fn requests_in_origin_form_are_refused() {
    let proxy = Proxy::direct();
    let cases = [
        "GET / HTTP/1.1\r\nHost: far.test\r\n\r\n",
        "GET https://far.test/ HTTP/1.1\r\nHost: far.test\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: far.test\r\n\r\n",
    ];
    for (at, request) in cases.into_iter().enumerate() {
        let (head, _) = proxy.ask(request);
        assert!(
            matches!(head.status(), 400 | 421 | 501),
            "{request}: {}",
            head.as_str()
        );
        assert_eq!(proxy.finished(at + 1)[at].refused().status, head.status());
    }
    proxy.stop();
}
