//! Through a SOCKS5 proxy: what it is sent, and what its answers mean.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use narrows_endpoint::{Hop, Step};
use narrows_upstream::{DialError, DialErrorKind, SocksFault, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::scripted::{dialer, impatient};

/// The answers to the greeting, to the login, and to the request; and what was heard.
#[derive(Clone)]
struct Script {
    method: &'static [u8],
    login: &'static [u8],
    reply: Vec<u8>,
}

struct Socks {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

const OPEN: &[u8] = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50";

impl Socks {
    async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let all = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((io, _)) = listener.accept().await {
                tokio::spawn(serve(io, script.clone(), Arc::clone(&all)));
            }
        });
        Self { address, heard }
    }

    async fn replying(reply: &[u8]) -> Self {
        Self::start(Script {
            method: b"\x05\x00",
            login: b"",
            reply: reply.to_vec(),
        })
        .await
    }

    fn upstream(&self, userinfo: &str) -> Upstream {
        let url = format!("socks5://{userinfo}{}", self.address);
        Upstream::new(url.parse().unwrap())
    }

    fn heard(&self) -> Vec<Vec<u8>> {
        self.heard.lock().unwrap().clone()
    }
}

async fn serve(mut io: TcpStream, script: Script, heard: Arc<Mutex<Vec<Vec<u8>>>>) -> Option<()> {
    for answer in [script.method, script.login, &script.reply] {
        if answer.is_empty() {
            continue;
        }
        let mut said = vec![0; 512];
        let length = io.read(&mut said).await.ok()?;
        said.truncate(length);
        heard.lock().unwrap().push(said);
        // Octet by octet, as a slow network would bring it.
        for octet in answer {
            io.write_all(&[*octet]).await.ok()?;
        }
    }
    let (mut from, mut to) = io.split();
    tokio::io::copy(&mut from, &mut to).await.ok()?;
    Some(())
}

async fn fail(socks: &Socks, userinfo: &str) -> DialError {
    let upstream = socks.upstream(userinfo);
    let target = "target.example:443".parse().unwrap();
    dialer().through(&upstream, &target).await.unwrap_err()
}

#[tokio::test]
async fn names_and_addresses_go_as_they_are_and_the_tunnel_is_clean() {
    for (target, request) in [
        (
            "target.example:443",
            b"\x05\x01\x00\x03\x0etarget.example\x01\xbb".as_slice(),
        ),
        ("192.0.2.1:80", b"\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50"),
        (
            "[2001:db8::1]:443",
            b"\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xbb",
        ),
    ] {
        let socks = Socks::replying(&[OPEN, b"220 ready"].concat()).await;
        let upstream = socks.upstream("");
        let opened = dialer().through(&upstream, &target.parse().unwrap()).await;
        let mut opened = opened.unwrap();
        opened.io.write_all(b"hello").await.unwrap();
        opened.io.shutdown().await.unwrap();
        let mut received = opened.early.to_vec();
        opened.io.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"220 readyhello");
        assert_eq!(socks.heard(), [b"\x05\x01\x00", request]);
    }
}

#[tokio::test]
async fn a_login_is_offered_and_sent_only_when_chosen() {
    let wants = Socks::start(Script {
        method: b"\x05\x02",
        login: b"\x01\x00",
        reply: OPEN.to_vec(),
    })
    .await;
    let upstream = wants.upstream("svc:p%40ss@");
    let target = "a.example:443".parse().unwrap();
    dialer().through(&upstream, &target).await.unwrap();
    assert_eq!(
        wants.heard()[..2],
        [
            b"\x05\x02\x00\x02".to_vec(),
            b"\x01\x03svc\x04p@ss".to_vec()
        ]
    );

    let open = Socks::replying(OPEN).await;
    let upstream = open.upstream("svc:p%40ss@");
    dialer().through(&upstream, &target).await.unwrap();
    let heard = open.heard().concat();
    assert!(!heard.windows(4).any(|part| part == b"p@ss"));
}

#[tokio::test]
async fn a_rejected_login_is_sent_once() {
    let socks = Socks::start(Script {
        method: b"\x05\x02",
        login: b"\x01\x01",
        reply: Vec::new(),
    })
    .await;
    let upstream = socks.upstream("svc:wrong@");
    let target = "a.example:443".parse().unwrap();
    for expected in [
        "and rejected the configured ones",
        "are not sent again until changed",
    ] {
        let error = dialer().through(&upstream, &target).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!((error.hop(), error.status()), (Hop::Proxy, 502));
    }
    let logins = socks
        .heard()
        .iter()
        .filter(|said| said.starts_with(b"\x01"))
        .count();
    assert_eq!(logins, 1);
}

#[tokio::test]
async fn who_has_no_login_is_told_to_configure_one() {
    let socks = Socks::start(Script {
        method: b"\x05\xff",
        login: b"",
        reply: Vec::new(),
    })
    .await;
    let error = fail(&socks, "").await.to_string();
    assert!(
        error.contains("wants a login, but none are configured"),
        "{error}"
    );
}

#[tokio::test]
async fn every_code_has_its_party_step_and_status() {
    for (code, expected) in [
        (1, (Hop::Proxy, Step::Request, 502)),
        (2, (Hop::Proxy, Step::Request, 403)),
        (3, (Hop::Target, Step::Connect, 502)),
        (4, (Hop::Target, Step::Connect, 502)),
        (5, (Hop::Target, Step::Connect, 502)),
        (6, (Hop::Target, Step::Connect, 504)),
        (7, (Hop::Proxy, Step::Request, 502)),
        (8, (Hop::Proxy, Step::Request, 502)),
        (99, (Hop::Proxy, Step::Request, 502)),
    ] {
        let socks = Socks::replying(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await;
        let error = fail(&socks, "").await;
        assert_eq!(
            (error.hop(), error.step(), error.status()),
            expected,
            "{error}"
        );
        assert!(matches!(
            error.kind(),
            DialErrorKind::Socks(SocksFault::Refused(_))
        ));
    }
}

#[tokio::test]
async fn what_is_no_socks_proxy_is_said() {
    let http = Socks::start(Script {
        method: b"HTTP/1.1 400 Bad Request\r\n\r\n",
        login: b"",
        reply: Vec::new(),
    })
    .await;
    let error = fail(&http, "").await.to_string();
    assert!(error.contains("did not answer in SOCKS5"), "{error}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("socks5://{}", listener.local_addr().unwrap());
    let upstream = Upstream::new(url.parse().unwrap());
    let target = "a.example:443".parse().unwrap();
    let error = impatient().through(&upstream, &target).await.unwrap_err();
    assert!(matches!(error.kind(), DialErrorKind::Silent), "{error}");
}
