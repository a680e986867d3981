//! Through a proxy: the answer, the bytes around it, and the ways it fails to come.

use narrows_endpoint::{Hop, Step, Target};
use narrows_upstream::{Connected, DialError, DialErrorKind, Dialer, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::scripted::{Proxy, Then, dialer, impatient};

const HEAD: &str = "CONNECT target.example:443 HTTP/1.1\r\nHost: target.example:443\r\n\r\n";

fn target() -> Target {
    "target.example:443".parse().unwrap()
}

fn upstream(proxy: &Proxy) -> Upstream {
    Upstream::new(format!("http://{}", proxy.addr).parse().unwrap())
}

async fn open(dialer: &Dialer, proxy: &Proxy) -> Result<Connected, DialError> {
    dialer.through(&upstream(proxy), &target()).await
}

#[tokio::test]
async fn the_tunnel_begins_behind_the_answer() {
    for answer in [
        "HTTP/1.1 200 Connection established\r\n\r\n220 ready",
        "HTTP/1.1 201 Created\r\n\r\n220 ready",
        "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n220 ready",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n220 ready",
    ] {
        let proxy = Proxy::always(answer, Then::Echo).await;
        let mut connected = open(&dialer(), &proxy).await.unwrap();
        assert_eq!(connected.peer, proxy.addr);
        assert!(connected.io.socket().unwrap().nodelay().unwrap());
        connected.io.write_all(b"hello").await.unwrap();
        connected.io.shutdown().await.unwrap();
        let mut received = connected.early.to_vec();
        connected.io.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"220 readyhello");
        // What the proxy had before it answered is the head and nothing else.
        assert_eq!(proxy.heads(), [HEAD]);
    }
}

#[tokio::test]
async fn a_proxy_may_have_a_name() {
    let proxy = Proxy::always("HTTP/1.1 200 OK\r\n\r\n", Then::Echo).await;
    let url = format!("http://proxy.example:{}", proxy.addr.port());
    let upstream = Upstream::new(url.parse().unwrap());
    let connected = dialer().through(&upstream, &target()).await.unwrap();
    assert_eq!(connected.peer, proxy.addr);
}

#[tokio::test]
async fn no_answer_is_told_in_five_ways() {
    let long: &str = Box::leak(format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(65536)).into());
    for (answer, then, expected) in [
        (
            "",
            Then::Close,
            "closed the connection without answering CONNECT",
        ),
        ("HTTP/1.1 200", Then::Close, "after 12 octets of its answer"),
        (
            "HTTP/1.1 200 OK\r\n",
            Then::Reset,
            "broke before it answered CONNECT",
        ),
        (
            "SSH-2.0-OpenSSH_9.2\r\n",
            Then::Hang,
            "is it an HTTP proxy?",
        ),
        ("\x15\x03\x01\0\x02\x02\x46", Then::Hang, "looks like TLS"),
        (
            long,
            Then::Hang,
            "did not answer CONNECT target.example:443 in HTTP",
        ),
    ] {
        let proxy = Proxy::always(answer, then).await;
        let error = open(&dialer(), &proxy).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(expected), "{text}");
        assert!(text.contains(&format!("proxy {}", proxy.addr)), "{text}");
        assert_eq!((error.hop(), error.step()), (Hop::Proxy, Step::Request));
        assert_eq!(error.status(), 502);
    }
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    for answer in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n"] {
        let proxy = Proxy::always(answer, Then::Hang).await;
        let error = open(&impatient(), &proxy).await.unwrap_err();
        assert!(matches!(error.kind(), DialErrorKind::Silent), "{error}");
        assert_eq!((error.hop(), error.step()), (Hop::Proxy, Step::Request));
        assert_eq!(error.status(), 504);
    }
}

#[tokio::test]
async fn a_refusal_carries_the_proxys_words() {
    let answer = "HTTP/1.1 403 Forbidden\r\nServer: squid/6.6\r\nContent-Length: 28\r\n\r\n\
                  <p>Games are\n not allowed</p>";
    let proxy = Proxy::always(answer, Then::Hang).await;
    let error = open(&dialer(), &proxy).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "proxy {} refused CONNECT target.example:443: 403 Forbidden from squid/6.6 \
             (\"Games are not allowed\")",
            proxy.addr
        )
    );
    assert_eq!(
        (error.status(), error.proxy_error().as_str()),
        (403, "http_request_denied")
    );
    assert!(!error.is_proxy_down());
}

#[tokio::test]
async fn an_unreachable_proxy_is_blamed_itself() {
    // Bound but not listening: refuses, and no other test can take the port.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let refusing = format!("http://{}", socket.local_addr().unwrap());
    for (url, step, error_type) in [
        (&refusing[..], Step::Connect, "connection_refused"),
        ("http://nowhere.example:1", Step::Resolve, "dns_error"),
    ] {
        let upstream = Upstream::new(url.parse().unwrap());
        let through = dialer().through(&upstream, &target()).await.unwrap_err();
        let plain = dialer().to_proxy(&upstream).await.unwrap_err();
        for error in [through, plain] {
            assert_eq!((error.hop(), error.step()), (Hop::Proxy, step));
            assert_eq!(
                (error.status(), error.proxy_error().as_str()),
                (502, error_type)
            );
            assert!(error.is_proxy_down());
        }
    }
}

#[tokio::test]
async fn plain_http_gets_a_silent_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let upstream = Upstream::new(url.parse().unwrap());
    let connected = dialer().to_proxy(&upstream).await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    drop(connected);
    let mut received = Vec::new();
    far.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, b"");
}

#[tokio::test]
async fn a_dropped_dial_closes_its_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let upstream = Upstream::new(url.parse().unwrap());
    let dial = tokio::spawn(async move { dialer().through(&upstream, &target()).await });
    let (mut far, _) = listener.accept().await.unwrap();
    let mut head = vec![0; HEAD.len()];
    far.read_exact(&mut head).await.unwrap();
    dial.abort();
    assert_eq!(far.read(&mut [0]).await.unwrap(), 0);
}
