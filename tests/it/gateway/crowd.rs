//! A thousand tunnels over a few sessions.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use narrows_endpoint::Host;
use narrows_log::Via;
use narrows_tests::gateway::Gateway;
use narrows_tests::pattern::{self, Checker};
use narrows_tests::proxy::connect_head;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::proxy_for;

const TUNNELS: usize = 1000;
/// What each of them carries, in octets.
const EACH: u64 = 48 * 1024;
/// Far more than the windows of one tunnel, and the system's buffers, hold.
const STALLED: u64 = 24 * 1024 * 1024;

/// A thousand tunnels share sessions of HTTP/2; one of them is not read by its client. The others carry
/// theirs as fast as without it, octet by octet, and when it is read at last it has lost nothing either.
#[test]
fn one_stalled_reader_does_not_slow_a_thousand_tunnels() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let target = target().await;
        let gateway = Gateway::start(&target.to_string());
        let proxy = proxy_for(&gateway, "fallback = \"none\"\nprotocol = \"h2\"").start();

        let alone = carry(open(proxy.address, target, TUNNELS).await).await;

        let mut stalled = open(proxy.address, target, 1).await.remove(0);
        stalled.write_u64(STALLED).await.unwrap();
        // It has begun, and is left alone then.
        let mut checker = Checker::default();
        checker.feed(&[stalled.read_u8().await.unwrap()]);
        let others = open(proxy.address, target, TUNNELS - 1).await;
        assert_eq!(proxy.finished(TUNNELS).len(), TUNNELS);
        let beside = carry(others).await;
        // Twice and a bit is the noise of a loaded machine; a stall would be for ever.
        assert!(
            beside < alone * 2 + Duration::from_secs(2),
            "{beside:?} beside it, {alone:?} alone"
        );

        read(&mut stalled, &mut checker, STALLED).await;
        drop(stalled);
        let told = proxy.finished(2 * TUNNELS);
        assert!(told.iter().all(|told| told.done().via == Via::GatewayH2));
        let received: u64 = told.iter().map(|told| told.done().received).sum();
        assert_eq!(received, (2 * TUNNELS as u64 - 1) * EACH + STALLED);
    });
}

/// Sends as many octets of the pattern as it is asked for, and ends.
async fn target() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    assert!(Host::from(address.ip()).name().is_none());
    tokio::spawn(async move {
        while let Ok((mut io, _)) = listener.accept().await {
            tokio::spawn(async move {
                let length = io.read_u64().await.unwrap();
                let mut sent = 0;
                while sent < length {
                    let slice = pattern::slice(sent, length - sent);
                    io.write_all(&slice).await.unwrap();
                    sent += slice.len() as u64;
                }
            });
        }
    });
    address
}

/// Opens tunnels, all at once.
async fn open(proxy: SocketAddr, target: SocketAddr, count: usize) -> Vec<TcpStream> {
    let head: Arc<str> = connect_head(&target.to_string()).into();
    let mut opening = JoinSet::new();
    for _ in 0..count {
        let head = Arc::clone(&head);
        opening.spawn(async move {
            let mut io = TcpStream::connect(proxy).await.unwrap();
            io.write_all(head.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\n") {
                answer.push(io.read_u8().await.unwrap());
            }
            assert!(answer.starts_with(b"HTTP/1.1 200 "));
            io
        });
    }
    opening.join_all().await
}

/// Lets each carry its octets, all at once; how long that took.
async fn carry(tunnels: Vec<TcpStream>) -> Duration {
    let start = Instant::now();
    let mut carrying = JoinSet::new();
    for mut io in tunnels {
        carrying.spawn(async move {
            io.write_u64(EACH).await.unwrap();
            read(&mut io, &mut Checker::default(), EACH).await;
        });
    }
    carrying.join_all().await;
    start.elapsed()
}

/// Reads to the end: so many octets of the pattern, what was fed before included.
async fn read(io: &mut TcpStream, checker: &mut Checker, length: u64) {
    let mut buffer = vec![0; 65_536];
    loop {
        match io.read(&mut buffer).await.unwrap() {
            0 => break,
            count => checker.feed(&buffer[..count]),
        }
    }
    assert_eq!((checker.count, checker.wrong_at), (length, None));
}
