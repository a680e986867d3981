//! Through an enterprise proxy, and who sees what.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use narrows_connect::Credentials;
use narrows_endpoint::{Hop, Step};
use narrows_upstream::{
    AuthenticationFault, DialErrorKind, Gateway, GatewayCredentials, Timeouts, Upstream,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::double::{Double, ECHO, LOGIN, NAME, dialer, long_path, protocols, target};
use crate::scripted::{Proxy, Then};

/// A proxy that opens every tunnel to the double and writes down all that the client sends.
struct Wiretap {
    addr: SocketAddr,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Wiretap {
    async fn start(gateway: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let all = heard.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let at = {
                    let mut all = all.lock().unwrap();
                    all.push(Vec::new());
                    all.len() - 1
                };
                tokio::spawn(tap(client, gateway, all.clone(), at));
            }
        });
        Self { addr, heard }
    }
}

async fn tap(mut client: TcpStream, gateway: SocketAddr, all: Arc<Mutex<Vec<Vec<u8>>>>, at: usize) {
    let mut head = vec![0; 4096];
    let read = client.read(&mut head).await.unwrap();
    all.lock().unwrap()[at].extend_from_slice(&head[..read]);
    let far = TcpStream::connect(gateway).await.unwrap();
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    let (mut far_read, mut far_write) = far.into_split();
    let (mut client_read, mut client_write) = client.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut far_read, &mut client_write).await });
    let mut buf = vec![0; 4096];
    while let Ok(read @ 1..) = client_read.read(&mut buf).await {
        all.lock().unwrap()[at].extend_from_slice(&buf[..read]);
        if far_write.write_all(&buf[..read]).await.is_err() {
            return;
        }
    }
}

/// A proxy that opens every tunnel to this address.
pub(super) async fn tunnelling(to: SocketAddr) -> SocketAddr {
    Wiretap::start(to).await.addr
}

fn bearer() -> GatewayCredentials {
    GatewayCredentials::Bearer("t0p-s3cr3t".parse().unwrap())
}

#[tokio::test]
async fn the_proxy_sees_the_gateways_name_and_nothing_else() {
    for (protocol, settings) in protocols() {
        let double = Double::start(settings).await;
        let tap = Wiretap::start(double.addr).await;
        let upstream = Upstream::new(format!("http://{}", tap.addr).parse().unwrap());
        let config = double
            .config()
            .with_protocol(protocol)
            .with_upstream(Arc::new(upstream));
        let gateway = Gateway::new(config.with_credentials(bearer())).unwrap();
        let mut tunnel = gateway
            .open(&dialer(Timeouts::default()), &target(ECHO))
            .await
            .unwrap();
        assert_eq!(tunnel.peer, tap.addr);
        tunnel.io.write_all(b"hello").await.unwrap();
        tunnel.io.shutdown().await.unwrap();
        let mut echoed = Vec::new();
        tunnel.io.read_to_end(&mut echoed).await.unwrap();
        assert_eq!(echoed, b"hello");

        let name = format!("{NAME}:{}", double.addr.port());
        let head = format!("CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n\r\n");
        for heard in tap.heard.lock().unwrap().iter() {
            let rest = heard.strip_prefix(head.as_bytes()).unwrap();
            assert!(matches!(rest, [] | [0x16, 3, ..]), "TLS and nothing else");
            for secret in ["s3cr3t", "echo.example", "hello"] {
                assert!(!String::from_utf8_lossy(heard).contains(secret));
            }
        }
        // It came, but inside.
        assert!(double.heads()[0].contains("Bearer t0p-s3cr3t"));
    }
}

#[tokio::test]
async fn a_warm_tunnel_takes_one_round_trip() {
    const EACH_WAY: Duration = Duration::from_millis(100);
    for (protocol, settings) in protocols() {
        let double = Double::start(settings).await;
        let addr = long_path(double.addr, EACH_WAY).await;
        let config = double.config_at(addr).with_protocol(protocol);
        let gateway = Gateway::new(config).unwrap();
        let dialer = dialer(Timeouts::default());
        let open = async || {
            let start = Instant::now();
            let tunnel = gateway.open(&dialer, &target(ECHO)).await.unwrap();
            (
                tunnel.warm,
                start.elapsed().as_secs_f64() / (2.0 * EACH_WAY.as_secs_f64()),
            )
        };
        let (warm, round_trips) = open().await;
        assert!(!warm && round_trips > 2.0, "{round_trips}");
        while gateway.health().ready + gateway.health().sessions == 0 {
            tokio::time::sleep(EACH_WAY / 4).await;
        }
        let (warm, round_trips) = open().await;
        assert!(warm && (1.0..2.0).contains(&round_trips), "{round_trips}");
    }
}

#[tokio::test]
async fn a_proxy_that_does_not_let_the_gateway_through_is_blamed() {
    let double = Double::h2().await;
    let refusing = Proxy::always(
        "HTTP/1.1 403 Forbidden\r\nServer: squid/6.6\r\n\r\n",
        Then::Close,
    )
    .await;
    let upstream = Upstream::new(format!("http://{}", refusing.addr).parse().unwrap());
    let config = double.config().with_upstream(Arc::new(upstream));
    let gateway = Gateway::new(config).unwrap();
    let error = gateway
        .open(&dialer(Timeouts::default()), &target(ECHO))
        .await
        .unwrap_err();
    let expected = format!(
        "proxy {} refused CONNECT {NAME}:{}: 403 Forbidden from squid/6.6",
        refusing.addr,
        double.addr.port()
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!((error.hop(), error.step()), (Hop::Proxy, Step::Request));
    assert!(error.is_gateway_down() && !error.is_gateway_policy());
    assert_eq!(
        gateway.health().tcp.unwrap().error.as_deref(),
        Some(&expected[..])
    );
}

/// Row 32, for a gateway's token.
#[tokio::test]
async fn rejected_credentials_are_not_sent_again() {
    let basic = Credentials::new("agent", "t0p-s3cr3t").unwrap();
    for (protocol, settings) in protocols() {
        for credentials in [bearer(), GatewayCredentials::Basic(basic.clone())] {
            let double = Double::start(settings.clone()).await;
            let config = double
                .config()
                .with_protocol(protocol)
                .with_credentials(credentials);
            let gateway = Gateway::new(config).unwrap();
            for _ in 0..3 {
                let opened = gateway
                    .open(&dialer(Timeouts::default()), &target(LOGIN))
                    .await;
                let error = opened.unwrap_err();
                assert_eq!((error.hop(), error.step()), (Hop::Gateway, Step::Request));
                assert_eq!(error.status(), 502);
                assert!(matches!(
                    error.kind(),
                    DialErrorKind::Authentication(
                        AuthenticationFault::Rejected
                            | AuthenticationFault::NotOffered
                            | AuthenticationFault::RejectedBefore,
                        _
                    )
                ));
                assert!(!error.to_string().contains("s3cr3t"));
            }
            assert_eq!(double.heads().len(), 1);
        }
    }
}
