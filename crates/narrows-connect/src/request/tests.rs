use proptest::prelude::*;

use super::*;

fn parse(bytes: &[u8]) -> Result<Status<Request>, RequestError> {
    parse_request(bytes, &Limits::default())
}

/// Feeds one byte at a time; the verdict must be the one that the whole gets.
fn parse_slowly(bytes: &[u8], limits: &Limits) -> Result<Status<Request>, RequestError> {
    let mut parser = RequestParser::new(*limits);
    for len in 0..bytes.len() {
        match parser.parse(&bytes[..len]) {
            Ok(Status::Partial) => {}
            verdict => return verdict,
        }
    }
    parser.parse(bytes)
}

#[track_caller]
fn accepts(head: &str, target: &str) -> Request {
    for early in ["", "\x16\x03\x01", "\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"] {
        let bytes = [head, early].concat();
        let request = parse(bytes.as_bytes()).unwrap().complete().unwrap();
        assert_eq!(request.target.to_string(), target, "{head:?}");
        assert_eq!(request.len, head.len(), "{head:?}");
    }
    for len in 0..head.len() {
        assert_eq!(
            parse(&head.as_bytes()[..len]),
            Ok(Status::Partial),
            "{:?}",
            &head[..len]
        );
    }
    parse(head.as_bytes()).unwrap().complete().unwrap()
}

#[track_caller]
fn refuses(head: &str, why: Kind) -> RequestError {
    let error = parse(head.as_bytes()).unwrap_err();
    assert_eq!(*error.kind(), why, "{head:?}");
    assert_eq!(
        parse_slowly(head.as_bytes(), &Limits::default()),
        Err(error.clone()),
        "{head:?}"
    );
    error
}

#[test]
fn heads_of_real_clients_split_anywhere() {
    for (head, target) in [
        // curl
        (
            "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nUser-Agent: curl/8.5.0\r\n\
             Proxy-Connection: Keep-Alive\r\n\r\n",
            "example.com:443",
        ),
        // Python's http.client before 3.12
        (
            "CONNECT example.com:443 HTTP/1.0\r\n\r\n",
            "example.com:443",
        ),
        // undici and Java leave out the port
        (
            "CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\nconnection: close\r\n\r\n",
            "example.com:443",
        ),
        (
            "CONNECT EXAMPLE.com.:443 HTTP/1.1\r\nHost: Example.COM\r\n\r\n",
            "example.com:443",
        ),
        (
            "CONNECT [2001:DB8::1]:443 HTTP/1.1\r\nHost:[2001:db8:0::1]\r\n\r\n",
            "[2001:db8::1]:443",
        ),
        (
            "\r\nCONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\nX: \t \r\n\r\n",
            "127.0.0.1:1",
        ),
    ] {
        accepts(head, target);
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there")]
fn many_headers_find_room() {
    let headers: String = (0..99).map(|i| format!("X-{i}: {i}\r\n")).collect();
    let head = format!("CONNECT a:1 HTTP/1.1\r\n{headers}Host: a\r\n\r\n");
    accepts(&head, "a:1");
    let head = format!("CONNECT a:1 HTTP/1.1\r\n{headers}X: x\r\nHost: a\r\n\r\n");
    assert_eq!(
        refuses(&head, Kind::TooManyHeaders { limit: 100 }).status(),
        431
    );
}

#[test]
fn targets_that_are_none_are_told_apart() {
    for (target, advice) in [
        (
            "example.com",
            "the port is missing: write CONNECT host:port",
        ),
        ("example.com:", "the port must be"),
        ("example.com:0", "the port must be"),
        ("example.com:65536", "the port must be"),
        ("example.com:+443", "the port must be"),
        ("example.com:0443", "the port must be"),
        ("example.com:44 3", "the port must be"),
        (":443", "the host is empty"),
        ("", "the host is empty"),
        ("https://example.com:443", "character ':'"),
        ("example.com:443/", "the port must be"),
        ("user@example.com:443", "a user or password before the host"),
        ("a,b:443", "character ','"),
        ("*:443", "character '*'"),
        ("[name]:443", "brackets must hold an IPv6 address"),
        (
            "[::1%25.example.com]:443",
            "brackets must hold an IPv6 address",
        ),
        ("example.com..:443", "empty label"),
        ("127.1:443", "four plain decimal numbers"),
        ("1.2.3.4.:443", "four plain decimal numbers"),
        ("exa\0mple.com:443", "character '\\0'"),
        ("exa\rmple.com:443", "character '\\r'"),
        ("exa\tmple.com:443", "character '\\t'"),
        ("bücher.example:443", "character 'ü'"),
    ] {
        let head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
        let error = parse(head.as_bytes()).unwrap_err();
        assert!(
            matches!(error.kind(), Kind::Target(_)),
            "{target:?} {error}"
        );
        assert_eq!(error.status(), 400, "{target:?}");
        assert!(error.to_string().contains(advice), "{target:?} {error}");
        assert_eq!(error.raw_target().unwrap_or_default(), target);
        refuses(&head, error.kind().clone());
    }
}

#[test]
fn hostile_targets_are_cut_and_never_lost() {
    let long = "é".repeat(4096);
    let head = format!("CONNECT {long}:443 HTTP/1.1\r\nHost: a\r\n\r\n");
    let error = parse(head.as_bytes()).unwrap_err();
    let raw = error.raw_target().unwrap();
    assert_eq!(raw.chars().count(), 512);
    assert!(raw.ends_with("é…"));

    let error = parse(b"CONNECT \xff\xfe:443 HTTP/1.1\r\n\r\n").unwrap_err();
    assert_eq!(error.raw_target(), Some("\u{fffd}\u{fffd}:443"));

    let limits = Limits {
        max_bytes: 20,
        ..Limits::default()
    };
    let error = parse_request(b"CONNECT example.com:443 HTTP/1.1", &limits).unwrap_err();
    assert_eq!(error.raw_target(), Some("example.com:"));
}

#[test]
fn request_lines_of_other_forms() {
    for (line, why, status) in [
        ("GET / HTTP/1.1", Kind::Method, 405),
        ("connect a:1 HTTP/1.1", Kind::Method, 405),
        ("CONNECTS a:1 HTTP/1.1", Kind::Method, 405),
        (" CONNECT a:1 HTTP/1.1", Kind::RequestLine, 400),
        ("\x16\x03\x01", Kind::RequestLine, 400),
        ("CONNECT\ta:1 HTTP/1.1", Kind::RequestLine, 400),
        ("CONNECT a:1", Kind::RequestLine, 400),
        ("CONNECT a:1 ", Kind::RequestLine, 400),
        ("CONNECT a:1 http/1.1", Kind::RequestLine, 400),
        ("CONNECT a:1 HTTP/1.1 ", Kind::RequestLine, 400),
        ("CONNECT a:1 HTTP/1.10", Kind::RequestLine, 400),
        ("CONNECT a:1 HTTP/0.9", Kind::Version, 505),
        ("CONNECT a:1 HTTP/1.2", Kind::Version, 505),
        ("CONNECT a:1 HTTP/2", Kind::Version, 505),
        ("CONNECT a:1 HTTP/2.0", Kind::Version, 505),
        ("\r\n\r\nCONNECT a:1 HTTP/1.1", Kind::EmptyLines, 400),
        ("\nCONNECT a:1 HTTP/1.1", Kind::RequestLine, 400),
        ("\r\n\rCONNECT a:1 HTTP/1.1", Kind::RequestLine, 400),
    ] {
        let error = refuses(&format!("{line}\r\nHost: a\r\n\r\n"), why);
        assert_eq!(error.status(), status, "{line:?}");
    }
    let two_spaces = refuses(
        "CONNECT  a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        Kind::Target(" a:1".parse::<Target>().unwrap_err()),
    );
    assert_eq!(two_spaces.status(), 400);
}

#[test]
fn lines_that_parsers_read_differently_are_refused() {
    for (headers, why) in [
        ("Host: a\nX: 1\r\n", Kind::BareLineEnd),
        ("Host: a\r\n\n", Kind::BareLineEnd),
        ("Host: a\r\n X: folded\r\n", Kind::Header),
        ("Host: a\r\n\tfolded\r\n", Kind::Header),
        ("Host : a\r\n", Kind::Header),
        ("Host\r\n", Kind::Header),
        (": a\r\n", Kind::Header),
        ("Host: a\0b\r\n", Kind::Header),
        ("Host: a\rX: b\r\n", Kind::Header),
        ("Host: a\r\n\rX: b\r\n", Kind::Header),
        ("Ho\u{e9}st: a\r\n", Kind::Header),
    ] {
        refuses(&format!("CONNECT a:1 HTTP/1.1\r\n{headers}\r\n"), why);
    }
    refuses("CONNECT a:1 HTTP/1.1\nHost: a\r\n\r\n", Kind::BareLineEnd);
}

#[test]
fn size_is_limited_to_the_byte() {
    let head = b"CONNECT a:1 HTTP/1.0\r\n\r\n";
    let limits = |max_bytes| Limits {
        max_bytes,
        ..Limits::default()
    };
    assert!(parse_request(head, &limits(head.len())).is_ok());
    let error = parse_request(head, &limits(head.len() - 1)).unwrap_err();
    assert_eq!(error.status(), 431);
    assert_eq!(parse_slowly(head, &limits(head.len() - 1)), Err(error));
    assert_eq!(parse_request(&head[..10], &limits(11)), Ok(Status::Partial));
}

#[test]
fn what_differs_from_connect_is_said_at_once() {
    assert_eq!(parse(b"").unwrap(), Status::Partial);
    assert_eq!(parse(b"\r").unwrap(), Status::Partial);
    assert_eq!(parse(b"CONN").unwrap(), Status::Partial);
    assert_eq!(*parse(b"G").unwrap_err().kind(), Kind::Method);
    assert_eq!(*parse(b"\x16").unwrap_err().kind(), Kind::RequestLine);
}

proptest! {
    #[test]
    fn any_bytes_in_any_split(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        max_bytes in 0usize..220,
    ) {
        let limits = Limits { max_bytes, max_headers: 4 };
        prop_assert_eq!(parse_request(&bytes, &limits), parse_slowly(&bytes, &limits));
    }

    #[test]
    fn nearly_good_heads_in_any_split(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("CONNECT "), Just("a.example:443"), Just(" HTTP/1.1"), Just(" HTTP/1.0"),
                Just("\r\n"), Just("\r\n\r\n"), Just("\n"), Just("\r"), Just("Host: a.example\r\n"),
                Just("Proxy-Authorization: Basic eA==\r\n"), Just("Content-Length: 0\r\n"),
                Just(" "), Just("X: y\r\n"), Just("\0"),
            ],
            0..10,
        ),
        lead in any::<bool>(),
    ) {
        let start = if lead { "CONNECT a.example:443 HTTP/1.1\r\n" } else { "" };
        let text = format!("{start}{}", parts.concat());
        let limits = Limits { max_bytes: 128, max_headers: 3 };
        let whole = parse_request(text.as_bytes(), &limits);
        prop_assert_eq!(&whole, &parse_slowly(text.as_bytes(), &limits));
        if let Ok(Status::Complete(request)) = whole {
            prop_assert!(text[..request.len].ends_with("\r\n\r\n"));
        }
    }
}
