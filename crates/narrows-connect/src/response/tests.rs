use proptest::prelude::*;

use super::*;

fn parse(bytes: &[u8]) -> Result<Status<Response>, ResponseError> {
    parse_response(bytes, &Limits::default())
}

/// Feeds one byte at a time; the verdict must be the one that the whole gets.
fn parse_slowly(bytes: &[u8], limits: &Limits) -> Result<Status<Response>, ResponseError> {
    let mut parser = ResponseParser::new(*limits);
    for len in 0..bytes.len() {
        match parser.parse(&bytes[..len]) {
            Ok(Status::Partial) => {}
            verdict => return verdict,
        }
    }
    parser.parse(bytes)
}

#[track_caller]
fn accepts(head: &str, status: u16) -> Response {
    for early in [
        "",
        "SSH-2.0-x\r\n",
        "\r\n",
        "HTTP/1.1 500 Tunnelled\r\n\r\n",
    ] {
        let bytes = [head, early].concat();
        let response = parse(bytes.as_bytes()).unwrap().complete().unwrap();
        assert_eq!(
            (response.status, response.len),
            (status, head.len()),
            "{head:?}"
        );
    }
    for len in 0..head.len() {
        let part = &head.as_bytes()[..len];
        assert_eq!(parse(part), Ok(Status::Partial), "{:?}", &head[..len]);
    }
    parse_slowly(head.as_bytes(), &Limits::default())
        .unwrap()
        .complete()
        .unwrap()
}

#[test]
fn any_2xx_opens() {
    for head in [
        "HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.0 200\r\n\r\n",
        "HTTP/1.0 200 \r\nProxy-agent: x\r\n\r\n",
        "\r\nHTTP/1.1 200 Verbindung hergestellt \u{fc}\r\nVia: 1.1 squid\r\n\r\n",
        "HTTP/1.1 200 OK\nServer: old\n\n",
    ] {
        let response = accepts(head, 200);
        assert!(response.is_open());
        assert_eq!((response.content_length, response.chunked), (None, false));
    }
    assert!(accepts("HTTP/1.1 201 Created\r\n\r\n", 201).is_open());
    assert!(accepts("HTTP/1.1 299 \r\n\r\n", 299).is_open());
}

#[test]
fn interim_heads_are_skipped_and_counted() {
    let head =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    assert!(accepts(head, 200).is_open());
    assert!(
        !accepts(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
            101
        )
        .is_open()
    );

    let limits = Limits {
        max_bytes: 1000,
        ..Limits::default()
    };
    let endless = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000);
    let error = ResponseError::HeadTooLarge { limit: 1000 };
    assert_eq!(parse_response(endless.as_bytes(), &limits), Err(error));
}

#[test]
fn refusals_say_who_and_what() {
    let head = "HTTP/1.1 407 Proxy Authentication Required\r\nServer: squid/5.7\r\n\
                X-Squid-Error: ERR_CACHE_ACCESS_DENIED 0\r\nProxy-Authenticate: Negotiate\r\n\
                Proxy-Authenticate: Basic realm=\"a, b\", NTLM\r\nVia: 1.1 proxy (squid/5.7)\r\n\
                Content-Length: 3539\r\n\r\n";
    let response = accepts(head, 407);
    assert_eq!(response.reason, "Proxy Authentication Required");
    assert_eq!(response.challenges, ["negotiate", "basic", "ntlm"]);
    assert_eq!(response.content_length, Some(3539));
    assert_eq!(response.server.as_deref(), Some("squid/5.7"));
    assert_eq!(response.via.as_deref(), Some("1.1 proxy (squid/5.7)"));
    assert_eq!(response.fault.as_deref(), Some("ERR_CACHE_ACCESS_DENIED 0"));

    let response = accepts(
        "HTTP/1.1 470 status code 470\r\nTransfer-Encoding: chunked\r\n\r\n",
        470,
    );
    assert!(response.chunked);
    for lengths in [
        "5\r\nContent-Length: 6",
        "+5",
        "",
        "5, 5",
        "99999999999999999999",
    ] {
        let head = format!("HTTP/1.1 502 x\r\nContent-Length: {lengths}\r\n\r\n");
        assert_eq!(accepts(&head, 502).content_length, None, "{lengths}");
    }
}

#[test]
fn other_protocols_are_shown() {
    for (bytes, excerpt, is_tls) in [
        (
            b"\x15\x03\x01\x00\x02\x02\x28".as_slice(),
            r"\x15\x03\x01\x00\x02\x02(",
            true,
        ),
        (b"\x16", r"\x16", true),
        (b"SSH-2.0-OpenSSH\r\n", r"SSH-2.0-OpenSSH\r\n", false),
        (b"HTTP/2.0 200\r\n", r"HTTP/2.0 200\r\n", false),
        (b"<html>", "<html>", false),
        (
            b"\r\n\r\nHTTP/1.1 200\r\n\r\n",
            r"\r\n\r\nHTTP/1.1 200\r\n\r\n",
            false,
        ),
    ] {
        let Err(ResponseError::NotHttp {
            excerpt: shown,
            tls,
        }) = parse(bytes)
        else {
            panic!("{bytes:?}");
        };
        assert_eq!((shown.as_str(), tls), (excerpt, is_tls));
    }
    let Err(error) = parse(&[0xff; 1000]) else {
        panic!("not HTTP");
    };
    let text = error.to_string();
    assert!(text.ends_with("…\"") && text.len() < 130, "{text}");
}

#[test]
fn damaged_heads_are_errors() {
    for head in [
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 200 O\0K\r\n\r\n",
        "HTTP/1.1 200 OK\r\nServer: \0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nServer : x\r\n\r\n",
        "HTTP/1.1 200 OK\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\r\n\r\n",
        "HTTP/1.1 100 x\r\n\r\n\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        assert_eq!(
            parse(head.as_bytes()),
            Err(ResponseError::Malformed),
            "{head:?}"
        );
        let slowly = parse_slowly(head.as_bytes(), &Limits::default());
        assert_eq!(slowly, Err(ResponseError::Malformed), "{head:?}");
    }
    assert!(matches!(
        parse(b"HTTP/1.7 200 OK\r\n\r\n"),
        Err(ResponseError::NotHttp { .. })
    ));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(101));
    let error = ResponseError::TooManyHeaders { limit: 100 };
    assert_eq!(parse(many.as_bytes()), Err(error));
}

/// Excerpts depend on what had arrived; everything else must not.
fn blind(
    verdict: Result<Status<Response>, ResponseError>,
) -> Result<Status<Response>, ResponseError> {
    verdict.map_err(|error| match error {
        ResponseError::NotHttp { .. } => ResponseError::not_http(b""),
        other => other,
    })
}

proptest! {
    #[test]
    fn any_bytes_in_any_split(
        tail in proptest::collection::vec(any::<u8>(), 0..100),
        start in prop_oneof![Just(""), Just("HTTP/1.1 "), Just("HTTP/1.1 100 x\r\n\r\nHTTP/1.0 2")],
        max_bytes in 0usize..120,
    ) {
        let bytes = [start.as_bytes(), &tail].concat();
        let limits = Limits { max_bytes, max_headers: 4 };
        prop_assert_eq!(
            blind(parse_response(&bytes, &limits)),
            blind(parse_slowly(&bytes, &limits))
        );
    }

    #[test]
    fn nearly_good_heads_in_any_split(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("HTTP/1.1 "), Just("100"), Just("200"), Just("407"), Just(" OK"), Just("\r\n"),
                Just("\r\n\r\n"), Just("\n"), Just("\r"), Just("Server: x\r\n"), Just("\0"),
            ],
            0..12,
        ),
    ) {
        let text = parts.concat();
        let limits = Limits { max_bytes: 64, max_headers: 3 };
        let whole = blind(parse_response(text.as_bytes(), &limits));
        prop_assert_eq!(&whole, &blind(parse_slowly(text.as_bytes(), &limits)));
    }
}
