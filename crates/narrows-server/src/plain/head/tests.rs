use hyper::Request;

use super::*;

fn request(uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

#[track_caller]
fn refused(uri: &str, headers: &[(&str, &str)]) -> u16 {
    target(&request(uri, headers)).unwrap_err().refusal.status()
}

#[test]
fn only_absolute_http_uris_are_served() {
    let ok = target(&request(
        "http://Example.com/x?y",
        &[("host", "example.com:80")],
    ))
    .unwrap();
    assert_eq!(ok.to_string(), "example.com:80");
    let host = [("host", "example.com")];
    assert_eq!(refused("/x", &host), 400);
    assert_eq!(refused("https://example.com/", &host), 400);
    assert_eq!(refused("ftp://example.com/", &host), 400);
    assert_eq!(refused("http://user:pw@example.com/", &host), 400);
    assert_eq!(refused("http://127.1/", &[("host", "127.1")]), 400);
    assert_eq!(refused("http://example.com:0/", &host), 400);
}

#[test]
fn one_host_that_names_the_target() {
    assert_eq!(refused("http://example.com/", &[]), 400);
    assert_eq!(
        refused(
            "http://example.com/",
            &[("host", "a"), ("host", "example.com")]
        ),
        400
    );
    assert_eq!(
        refused("http://example.com/", &[("host", "evil.example")]),
        400
    );
    assert_eq!(
        refused("http://example.com/", &[("host", "example.com:8080")]),
        400
    );
    let mut old = request("http://example.com:8080/", &[]);
    old.version = Version::HTTP_10;
    assert_eq!(target(&old).unwrap().to_string(), "example.com:8080");
}

#[test]
fn what_is_for_this_hop_ends_here() {
    let mut head = request(
        "http://example.com/",
        &[
            ("host", "EXAMPLE.com"),
            ("connection", "close, X-Secret"),
            ("connection", "x-other , ,"),
            ("x-secret", "1"),
            ("x-other", "2"),
            ("x-kept", "3"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic eDp5"),
            ("te", "trailers"),
            ("upgrade", "websocket"),
            ("expect", "100-continue"),
        ],
    );
    let target = target(&head).unwrap();
    forward(&mut head, &target, "narrows");
    let left: Vec<_> = head
        .headers
        .iter()
        .map(|(n, v)| (n.as_str(), v.to_str().unwrap()))
        .collect();
    assert_eq!(
        left,
        [
            ("host", "example.com"),
            ("x-kept", "3"),
            ("via", "1.1 narrows")
        ]
    );
    assert_eq!(uri(&head.uri, &target, false), "/");
}

#[test]
fn a_proxy_gets_the_absolute_form() {
    let mut head = request(
        "http://EXAMPLE.com.:8080/a//b?c=%41",
        &[("host", "example.com:8080")],
    );
    let target = target(&head).unwrap();
    forward(&mut head, &target, "narrows");
    assert_eq!(
        uri(&head.uri, &target, true),
        "http://example.com:8080/a//b?c=%41"
    );
    assert_eq!(head.headers[HOST], "example.com:8080");
}

#[test]
fn a_length_is_stated_once_or_not_at_all() {
    let stated = |lines: &[&str]| {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CONTENT_LENGTH, line.parse().unwrap());
        }
        backward(&mut headers, Version::HTTP_11, "narrows");
        let values = headers.get_all(CONTENT_LENGTH).iter();
        values
            .map(|value| value.to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(stated(&["3"]), ["3"]);
    assert_eq!(stated(&["3, 3"]), ["3"]);
    assert_eq!(stated(&["3", "3,3"]), ["3"]);
    let none: [&str; 0] = [];
    for lines in [
        &[][..],
        &["3, 4"],
        &["3", "4"],
        &[""],
        &["3,"],
        &["+3"],
        &["3 3"],
    ] {
        assert_eq!(stated(lines), none, "{lines:?}");
    }
}
