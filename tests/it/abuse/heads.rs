//! CONNECT heads: rows 1 to 9, 19, 20, 25, 27, 41 and 43.

use narrows_tests::origin::Origin;
use narrows_tests::proxy::{Proxy, Setup, connect_head};
use narrows_tests::raw::{End, Once, Peer, closed_port};

use super::{all_refused, bad_targets, still_serves};

#[test]
fn row_01_bad_ports() {
    bad_targets(&[
        "far.test",
        "far.test:",
        "far.test:0",
        "far.test:65536",
        "far.test:99999",
        "far.test:+443",
        "far.test:-1",
        "far.test:0443",
        "far.test:443x",
        "far.test:0x1bb",
    ]);
    // A space ends the target, so the log has what stands before it or the whole line.
    let proxy = Proxy::direct();
    all_refused(&proxy, 400, &[(connect_head("far.test:44 3"), None)]);
    proxy.stop();
}

#[test]
fn row_02_not_an_authority() {
    bad_targets(&[
        "http://far.test:443",
        "https://far.test:443/",
        "far.test:443/",
        "far.test:443/path",
        "user@far.test:443",
        "user:password@far.test:443",
        ":443",
        "a.test,b.test:443",
        "[far.test]:443",
        "*:443",
        "*.far.test:443",
        "*",
    ]);
}

#[test]
fn row_03_bad_names() {
    let label = format!("{}.test:443", "a".repeat(64));
    let name = format!("{}test:443", "abcdefg.".repeat(32));
    bad_targets(&[
        &label,
        &name,
        "far..test:443",
        ".far.test:443",
        "far%2etest:443",
        "far\u{1}.test:443",
        "far\u{7f}.test:443",
        "f\u{e4}r.test:443",
        "far\u{ff0e}test:443",
    ]);
}

#[test]
fn row_04_spellings_of_one_name_get_one_verdict() {
    let config = "[rules]\ndeny = [\"example.test\", \"b\u{fc}cher.test\"]\n";
    let proxy = Setup::new().config(config).start();
    let denied = |target: &'static str| (connect_head(target), None);
    all_refused(
        &proxy,
        403,
        &[
            denied("example.test:443"),
            denied("EXAMPLE.test:443"),
            denied("example.test.:443"),
            denied("xn--bcher-kva.test:443"),
            denied("XN--BCHER-KVA.TEST.:443"),
        ],
    );
    proxy.stop();
    // On the wire, what is not ASCII has no meaning at all.
    bad_targets(&[
        "b\u{fc}cher.test:443",
        "example\u{ff0e}test:443",
        "example\u{3002}test:443",
    ]);
}

#[test]
fn row_05_trailing_dots() {
    bad_targets(&["far.test..:443", "far.test...:443", ".:443", "..:443"]);
}

/// A parent that opens everything, and a proxy that denies `*.example.test`.
fn deny_below_example() -> (Peer, Proxy) {
    let parent = Peer::start(|mut client| {
        client.head();
        client.send("HTTP/1.1 200 OK\r\n\r\n");
        client.end();
    });
    let config = "[rules]\ndeny = [\"*.example.test\"]\n";
    let proxy = Setup::new()
        .flag("proxy", parent.proxy_url())
        .config(config)
        .start();
    (parent, proxy)
}

#[test]
fn row_06_neighbours_of_a_pattern_do_not_match() {
    let (_parent, proxy) = deny_below_example();
    let (head, _) = proxy.ask(connect_head("x.example.test:443"));
    assert_eq!(head.status(), 403);
    let neighbours = [
        "evilexample.test",
        "example.test.evil.test",
        "x-example.test",
    ];
    for neighbour in neighbours {
        let mut client = proxy.tunnel(&format!("{neighbour}:443"));
        client.finish();
        client.end();
    }
    proxy.finished(4);
    proxy.stop();
}

#[test]
fn row_07_a_wildcard_does_not_match_its_apex() {
    let (_parent, proxy) = deny_below_example();
    let mut client = proxy.tunnel("example.test:443");
    client.finish();
    client.end();
    proxy.only();
    assert_eq!(
        proxy.ask(connect_head("a.b.example.test:443")).0.status(),
        403
    );
    proxy.finished(2);
    proxy.stop();
}

#[test]
fn row_08_zone_ids() {
    bad_targets(&[
        "[::1%25.example.test]:443",
        "[fe80::1%eth0]:443",
        "[fe80::1%25eth0]:443",
        "::1:443",
        "[::1:443",
        "[]:443",
    ]);
}

#[test]
fn row_09_other_spellings_of_ipv4() {
    bad_targets(&[
        "127.1:443",
        "0177.0.0.1:443",
        "0x7f.1:443",
        "0x7f000001:443",
        "2130706433:443",
        "127.0.0.1.:443",
        "127.0.0.01:443",
        "127.0.0.256:443",
        "1.2.3.4.5:443",
    ]);
}

#[test]
fn row_19_nothing_behind_a_refused_connect_is_parsed() {
    let origin = Origin::start();
    let config = "[rules]\ndeny = [\"denied.test\"]\n";
    let proxy = Setup::new().config(config).start();
    let pipelined = format!("GET http://{0}/ HTTP/1.1\r\nHost: {0}\r\n\r\n", origin.http);
    let refusals = [
        ("far.test", 400),
        ("denied.test:443", 403),
        (&closed_port().to_string(), 502),
    ];
    for (at, (target, status)) in refusals.into_iter().enumerate() {
        // `ask` sees the reply, one reply, and then the end of the connection.
        let (head, body) = proxy.ask(connect_head(target) + &pipelined);
        assert_eq!(head.status(), status);
        assert!(!body.contains("HTTP/1.1"), "{body}");
        assert_eq!(head.field("Connection"), Some("close"));
        proxy.finished(at + 1);
    }
    assert_eq!(origin.requests(), 0);
    proxy.stop();
}

#[test]
fn row_20_early_data_of_an_accepted_connect_arrives_once() {
    let target = Once::start(|mut client| client.end());
    let proxy = Proxy::direct();
    let mut client = proxy.connect();
    client.send(connect_head(&target.address.to_string()) + "\u{16}\u{3}\u{1}hello");
    assert_eq!(client.head().status(), 200);
    client.send(" world");
    client.finish();
    assert_eq!(target.join(), End::Eof(b"\x16\x03\x01hello world".to_vec()));
    client.end();
    assert_eq!(proxy.only().done().sent, 14);
    proxy.stop();
}

#[test]
fn row_25_connect_with_a_body() {
    let proxy = Proxy::direct();
    let with = |fields: &str, rest: &str| {
        let head = format!("CONNECT far.test:443 HTTP/1.1\r\nHost: far.test:443\r\n{fields}\r\n");
        (head + rest, Some("far.test:443"))
    };
    let cases = [
        with("Content-Length: 5\r\n", "12345"),
        with("Content-Length: 0\r\n", ""),
        with("content-length: x\r\n", ""),
        with("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        with("Transfer-Encoding: identity\r\n", ""),
        with(
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\n",
        ),
    ];
    all_refused(&proxy, 400, &cases);
    still_serves(&proxy, cases.len());
    proxy.stop();
}

#[test]
fn row_27_host_of_a_connect() {
    let proxy = Proxy::direct();
    let with = |fields: &str| {
        (
            format!("CONNECT far.test:443 HTTP/1.1\r\n{fields}\r\n"),
            Some("far.test:443"),
        )
    };
    let cases = [
        with(""),
        with("Host: far.test:443\r\nHost: far.test:443\r\n"),
        with("Host: other.test:443\r\n"),
        with("Host: far.test:444\r\n"),
        with("Host: far.test:443, other.test\r\n"),
        with("Host:\r\n"),
    ];
    all_refused(&proxy, 400, &cases);
    still_serves(&proxy, cases.len());
    proxy.stop();
}

#[test]
fn row_27_host_in_other_spellings_and_old_clients() {
    let target = Peer::start(|mut client| {
        client.end();
    });
    let proxy = Proxy::direct();
    let address = target.address;
    let heads = [
        format!("CONNECT {address} HTTP/1.0\r\n\r\n"),
        format!(
            "CONNECT localhost:{0} HTTP/1.1\r\nHost: LOCALHOST:{0}\r\n\r\n",
            address.port()
        ),
    ];
    for (at, head) in heads.iter().enumerate() {
        let mut client = proxy.connect();
        client.send(head);
        assert_eq!(client.head().status(), 200, "{head}");
        client.finish();
        client.end();
        proxy.finished(at + 1);
    }
    proxy.stop();
}

/// Row 41: whoever reads the log sees what was sent, on one line, and no more of it than 512 characters.
#[test]
fn row_41_hostile_targets_stay_one_line_of_the_log() {
    let proxy = Proxy::direct();
    let long = format!("{}:443", "\u{e9}".repeat(2048));
    let cut = format!("{}\u{2026}", "\u{e9}".repeat(511));
    let whole = [
        "far\u{1b}[31m.test:443",
        "far\".test:443",
        "far\\n\\\".test:443",
        "far\u{2028}level=INFO.test:443",
        "far\u{202e}.test:443",
    ];
    let ask = |target: &str| format!("CONNECT {target} HTTP/1.0\r\n\r\n");
    let mut cases: Vec<_> = whole
        .into_iter()
        .map(|target| (ask(target), Some(target)))
        .collect();
    cases.push((ask(&long), Some(&cut)));
    all_refused(&proxy, 400, &cases);
    let log = proxy.log();
    assert!(!log.contains(['\u{1b}', '\u{2028}', '\u{202e}']), "{log}");
    still_serves(&proxy, cases.len());
    proxy.stop();
}

/// Row 43: nobody is believed about an address. The headers of HAProxy's protocol are not read, and are no HTTP.
#[test]
fn row_43_a_proxy_header_is_no_request() {
    let proxy = Proxy::direct();
    let request = connect_head("far.test:443");
    let first = "PROXY TCP4 192.0.2.1 192.0.2.2 40000 443\r\n";
    let second = "\r\n\r\n\0\r\nQUIT\n\u{21}\u{11}\0\u{c}\u{1}\u{2}\u{3}\u{4}\u{1}\u{2}\u{3}\u{5}\0\u{1}\0\u{2}";
    for (at, header) in [first, second, "PROXY UNKNOWN\r\n"].into_iter().enumerate() {
        let (head, _) = proxy.ask(format!("{header}{request}"));
        assert_eq!(head.status(), 400, "{header:?}");
        assert_eq!(proxy.finished(at + 1)[at].refused().status, 400);
    }
    assert!(
        !proxy.log().contains(" 192.0.2.1:40000 -->"),
        "{}",
        proxy.log()
    );
    still_serves(&proxy, 3);
    proxy.stop();
}
