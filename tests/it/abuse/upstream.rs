//! Upstream proxies that behave badly, and what must not reach them: rows 21 to 24, 28 and 29.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use narrows_endpoint::{Hop, Step};
use narrows_tests::proxy::{Proxy, Setup, connect_head};
use narrows_tests::raw::{End, Once, Peer, Raw};

/// What a tunnel through a parent with this answer gives: the status, and what the client then hears.
/// The answer arrives one octet at a time.
fn through(answer: impl Into<Vec<u8>>) -> (u16, End) {
    let answer = answer.into();
    let parent = Once::start(move |mut client: Raw| {
        client.head();
        for octet in &answer {
            // The proxy may have seen enough and hung up.
            if client.try_send([*octet]).is_err() {
                return;
            }
        }
        client.finish();
        client.end();
    });
    let proxy = Proxy::through(parent.proxy_url());
    let mut client = proxy.connect();
    client.send(connect_head("far.test:443"));
    let status = client.head().status();
    client.finish();
    let end = client.end();
    parent.join();
    let told = proxy.only();
    if status == 200 {
        assert_eq!(told.done().received, end.text().len() as u64);
    } else {
        assert_eq!(
            (told.refused().status, told.refused().hop),
            (status, Hop::Proxy)
        );
    }
    proxy.stop();
    (status, end)
}

fn opens(answer: &str, then: &str) {
    let outcome = through(answer);
    assert_eq!(
        outcome,
        (200, End::Eof(then.as_bytes().to_vec())),
        "{answer:?}"
    );
}

fn fails(answer: impl Into<Vec<u8>>) {
    let (status, _) = through(answer);
    assert_eq!(status, 502);
}

#[test]
fn row_21_early_data_waits_for_the_parents_consent() {
    for refusal in [
        "403 Forbidden",
        "407 Proxy Authentication Required",
        "502 Bad Gateway",
    ] {
        let parent = Once::start(move |mut client: Raw| {
            client.head();
            client.send(format!("HTTP/1.1 {refusal}\r\nContent-Length: 0\r\n\r\n"));
            client.end()
        });
        let proxy = Proxy::through(parent.proxy_url());
        let (head, _) = proxy.ask(connect_head("far.test:443") + "secret early data");
        assert!(head.status() >= 400, "{}", head.as_str());
        // Closing over unread octets may be a reset; either way none of them got through.
        assert_eq!(parent.join().text(), "");
        let told = proxy.only();
        assert_eq!(
            (told.refused().hop, told.refused().step),
            (Hop::Proxy, Step::Request)
        );
        assert!(told.refused().reason.contains(&refusal[..3]), "{told:?}");
        proxy.stop();
    }
}

#[test]
fn row_22_every_2xx_opens() {
    opens("HTTP/1.1 200 OK\r\n\r\nthen", "then");
    opens("HTTP/1.1 201 Created\r\n\r\nthen", "then");
    opens("HTTP/1.1 299\r\n\r\nthen", "then");
    opens(
        "HTTP/1.0 200 Connection established\r\nProxy-Agent: old\r\n\r\nthen",
        "then",
    );
    opens(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nthen",
        "then",
    );
    opens("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nthen", "then");
    opens(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nthen",
        "4\r\nthen",
    );
}

#[test]
fn row_22_nothing_else_does() {
    fails("HTTP/1.1 500 Internal Server Error\r\n\r\n");
    fails("HTTP/1.1 200 OK\r\n");
    fails("");
    fails("SSH-2.0-OpenSSH_9.2\r\n");
    fails(b"\x15\x03\x01\x00\x02\x02\x46".to_vec());
    fails("HTTP/1.1 20 OK\r\n\r\n");
    fails("HTTP/1.1 200 OK\r\nbad field\r\n\r\n");
}

#[test]
fn a_redirect_to_a_block_page_is_a_refusal_by_policy() {
    let (status, _) = through("HTTP/1.1 302 Found\r\nLocation: http://block.test/\r\n\r\n");
    assert_eq!(status, 403);
}

#[test]
fn row_22_endless_heads_are_cut() {
    let fields = "X-Padding: 0123456789abcdef0123456789abcdef\r\n".repeat(1500);
    fails(format!("HTTP/1.1 200 OK\r\n{fields}\r\n"));
    let parent = Once::start(|mut client: Raw| {
        client.head();
        client.send("HTTP/1.1 200 OK\r\n");
        while client.try_send("X: y\r\n").is_ok() {}
    });
    let proxy = Proxy::through(parent.proxy_url());
    let (head, _) = proxy.ask(connect_head("far.test:443"));
    assert_eq!(head.status(), 502);
    parent.join();
    assert_eq!(proxy.only().refused().hop, Hop::Proxy);
    proxy.stop();
}

#[test]
fn row_22_a_head_without_end_is_a_504() {
    let parent = Once::start(|mut client: Raw| {
        client.head();
        client.send("HTTP/1.1 200 OK\r\nX: ");
        client.end()
    });
    let config = "[timeouts]\nrequest_seconds = 0.3\n";
    let proxy = Setup::new()
        .flag("proxy", parent.proxy_url())
        .config(config)
        .start();
    let (head, _) = proxy.ask(connect_head("far.test:443"));
    assert_eq!(head.status(), 504);
    let told = proxy.only();
    assert_eq!(
        (told.refused().hop, told.refused().step),
        (Hop::Proxy, Step::Request)
    );
    parent.join();
    proxy.stop();
}

#[test]
fn row_23_octets_glued_to_the_parents_200_are_delivered() {
    let parent = Once::start(|mut client: Raw| {
        client.head();
        client.send("HTTP/1.1 200 OK\r\n\r\n220 mail.test ready\r\n");
        client.end()
    });
    let proxy = Proxy::through(parent.proxy_url());
    let mut client = proxy.tunnel("mail.test:25");
    assert_eq!(client.exactly(21), b"220 mail.test ready\r\n");
    client.finish();
    assert_eq!(client.end(), End::Eof(vec![]));
    parent.join();
    assert_eq!(proxy.only().done().received, 21);
    proxy.stop();
}

#[test]
fn row_24_parent_that_says_200_and_closes() {
    let parent = Once::start(|mut client: Raw| {
        client.head();
        client.send("HTTP/1.1 200 OK\r\n\r\n");
        client.finish();
        client.end();
    });
    let proxy = Proxy::through(parent.proxy_url());
    let mut client = proxy.tunnel("far.test:443");
    assert_eq!(client.end(), End::Eof(vec![]));
    client.finish();
    parent.join();
    proxy.only().done();
    proxy.stop();
}

#[test]
fn row_24_parent_that_resets_before_its_answer() {
    let parent = Once::start(|mut client: Raw| {
        client.head();
        client.reset();
    });
    let proxy = Proxy::through(parent.proxy_url());
    let (head, _) = proxy.ask(connect_head("far.test:443"));
    assert_eq!(head.status(), 502);
    parent.join();
    let told = proxy.only();
    assert_eq!(
        (told.refused().hop, told.refused().step),
        (Hop::Proxy, Step::Request)
    );
    proxy.stop();
}

#[test]
fn row_24_parent_that_resets_the_tunnel() {
    let parent = Once::start(|mut client: Raw| {
        client.head();
        client.send("HTTP/1.1 200 OK\r\n\r\n");
        client.exactly(2);
        client.reset();
    });
    let proxy = Proxy::through(parent.proxy_url());
    let mut client = proxy.tunnel("far.test:443");
    client.send("hi");
    assert_eq!(client.end(), End::Reset(vec![]));
    parent.join();
    let told = proxy.only();
    assert_eq!(told.done().sent, 2);
    assert!(told.ended.is_some(), "{told:?}");
    proxy.stop();
}

#[test]
fn row_28_line_breaks_never_reach_an_outgoing_header() {
    for login in [
        "user%0d%0aX-Evil:%201:password",
        "user:pass%0aword",
        "us%00er:password",
    ] {
        let url = format!("http://{login}@127.0.0.1:3128");
        let output = Setup::new()
            .flag("proxy", url)
            .output(&["explain", "far.test"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            !said.contains("sesame"),
            "a password is never repeated: {said}"
        );
    }
    // In a target they end the head or make it malformed; the parent is not even dialled.
    let parent = Peer::start(|mut client: Raw| {
        client.head();
    });
    let proxy = Proxy::through(parent.proxy_url());
    let head = "CONNECT far.test:443\rX-Evil: 1 HTTP/1.1\r\nHost: far.test:443\r\n\r\n";
    assert_eq!(proxy.ask(head).0.status(), 400);
    assert_eq!(
        proxy
            .ask("CONNECT far\0.test:443 HTTP/1.1\r\n\r\n")
            .0
            .status(),
        400
    );
    proxy.finished(2);
    assert_eq!(parent.accepted(), 0);
    proxy.stop();
}

const CLIENTS_LOGIN: &str = "Proxy-Authorization: Basic Y2xpZW50OnNlY3JldA==\r\n";

#[test]
fn row_29_the_clients_login_stays_here_with_connect() {
    let parent = Once::start(|mut client: Raw| {
        let head = client.head();
        client.send("HTTP/1.1 200 OK\r\n\r\n");
        client.end();
        head
    });
    let proxy = Proxy::through(parent.proxy_url());
    let mut client = proxy.connect();
    client.send(format!(
        "CONNECT far.test:443 HTTP/1.1\r\nHost: far.test:443\r\n{CLIENTS_LOGIN}\r\n"
    ));
    assert_eq!(client.head().status(), 200);
    client.finish();
    client.end();
    assert_eq!(parent.join().field("Proxy-Authorization"), None);
    assert!(!proxy.log().contains("Y2xpZW50"), "{}", proxy.log());
    proxy.only();
    proxy.stop();
}

#[test]
fn row_29_the_clients_login_stays_here_with_plain_http() {
    let parent = Once::start(|mut client: Raw| {
        let head = client.head();
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        client.finish();
        client.end();
        head
    });
    let proxy = Proxy::through(parent.proxy_url());
    let mut client = proxy.connect();
    client.send(format!(
        "GET http://far.test/ HTTP/1.1\r\nHost: far.test\r\nConnection: close\r\n{CLIENTS_LOGIN}\r\n"
    ));
    assert_eq!(client.head().status(), 200);
    client.end();
    let head = parent.join();
    assert_eq!(head.field("Proxy-Authorization"), None);
    assert_eq!(head.first_line(), "GET http://far.test/ HTTP/1.1");
    proxy.only();
    proxy.stop();
}

#[test]
fn configured_login_replaces_the_clients() {
    let parent = Once::start(|mut client: Raw| {
        let head = client.head();
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        client.finish();
        client.end();
        head
    });
    let url = format!("http://svc:open%20sesame@{}", parent.address);
    let proxy = Proxy::through(url);
    let mut client = proxy.connect();
    client.send(format!(
        "GET http://far.test/ HTTP/1.1\r\nHost: far.test\r\nConnection: close\r\n{CLIENTS_LOGIN}\r\n"
    ));
    client.head();
    client.end();
    let head = parent.join();
    let sent = head.field("Proxy-Authorization");
    assert!(
        sent.is_none_or(|login| login == "Basic c3ZjOm9wZW4gc2VzYW1l"),
        "{sent:?}"
    );
    proxy.only();
    proxy.stop();
}

/// A login in the URL of one proxy is that proxy's: the next in the list asks for one by the same scheme and
/// the same realm, and is sent nothing.
#[test]
fn row_31_a_login_goes_to_its_own_proxy_alone() {
    const ASKS: &str = "HTTP/1.1 407 Proxy Authentication Required\r\n\
        Proxy-Authenticate: Basic realm=\"corp\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let heads = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&heads);
    let other = Peer::start(move |mut client: Raw| {
        heard.lock().unwrap().push(client.head());
        client.send(ASKS);
    });
    let known = Peer::start(|mut client: Raw| {
        let head = client.head();
        if head.field("Proxy-Authorization").is_none() {
            client.send(ASKS);
        } else {
            client.send("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let urls = format!(
        "http://svc:open%20sesame@{},http://{}",
        known.address, other.address
    );
    let proxy = Proxy::through(urls);
    let (head, body) = proxy.ask(connect_head("far.test:443"));
    assert_eq!(head.status(), 502, "{body}");
    let heads = heads.lock().unwrap();
    assert!(!heads.is_empty(), "the other proxy was never asked: {body}");
    for head in &*heads {
        assert_eq!(head.field("Proxy-Authorization"), None);
    }
    let refused = proxy.only().refused().clone();
    assert_eq!(refused.hop, Hop::Proxy);
    assert!(refused.reason.contains("407"), "{refused:?}");
    assert!(!proxy.log().contains("sesame"), "{}", proxy.log());
    proxy.stop();
}

/// A challenge by nothing that is known here, and a 407 without any: the login stays, and the log says why.
#[test]
fn row_31_a_challenge_that_is_none_is_sent_nothing() {
    for challenge in [
        "",
        "Proxy-Authenticate: Negotiate\r\n",
        "Proxy-Authenticate: Basically\r\n",
    ] {
        let logins = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&logins);
        let parent = Peer::start(move |mut client: Raw| {
            let login = client.head().field("Proxy-Authorization").is_some();
            seen.fetch_add(usize::from(login), Ordering::SeqCst);
            client.send(format!(
                "HTTP/1.1 407 Who\r\n{challenge}Content-Length: 0\r\n\r\n"
            ));
        });
        let proxy = Proxy::through(format!("http://svc:open%20sesame@{}", parent.address));
        let (head, body) = proxy.ask(connect_head("far.test:443"));
        assert_eq!(head.status(), 502, "{challenge:?}: {body}");
        assert_eq!(logins.load(Ordering::SeqCst), 0, "{challenge:?}");
        let told = proxy.only();
        assert_eq!(
            (told.refused().hop, told.refused().step),
            (Hop::Proxy, Step::Request)
        );
        assert!(
            told.refused().reason.contains("407"),
            "{challenge:?}: {told:?}"
        );
        proxy.stop();
    }
}
