//! Accepting: heads that arrive split anywhere, answers that reach the client.

use bytes::BytesMut;
use narrows_connect::{Limits, ProxyError, Refusal};
use narrows_tunnel::{AcceptError, accept};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Duration, Instant};
use tokio_test::io::Builder;

const HEAD: &[u8] = b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n";

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

#[tokio::test(start_paused = true)]
async fn a_head_may_arrive_split_anywhere() {
    let all = [HEAD, b"\x16\x03\x01early"].concat();
    for split in 1..all.len() {
        let mut io = Builder::new();
        io.read(&all[..split]);
        if split < HEAD.len() {
            io.read(&all[split..]);
        }
        io.write(b"HTTP/1.1 200 Connection established\r\n\r\n");
        if split >= HEAD.len() {
            io.read(&all[split..]);
        }
        let pending = accept(io.build(), BytesMut::new(), &Limits::default(), soon())
            .await
            .unwrap();
        assert_eq!(pending.target().to_string(), "example.com:443");
        let mut leg = pending.establish().await.unwrap();
        let mut data = leg.early.to_vec();
        leg.io.read_to_end(&mut data).await.unwrap();
        assert_eq!(data, b"\x16\x03\x01early", "split at {split}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_is_cut_and_can_be_told() {
    let io = Builder::new()
        .read(&HEAD[..10])
        .wait(Duration::from_secs(3600))
        .build();
    let started = Instant::now();
    let result = accept(io, BytesMut::new(), &Limits::default(), soon()).await;
    assert!(matches!(result, Err(AcceptError::TimedOut { .. })));
    assert_eq!(started.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_is_no_request() {
    let io = Builder::new().read(&HEAD[..10]).build();
    match accept(io, BytesMut::new(), &Limits::default(), soon()).await {
        Err(AcceptError::Closed { received }) => assert_eq!(received, 10),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_refusal_is_read_by_a_client_that_keeps_sending() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        let pending = accept(io, BytesMut::new(), &Limits::default(), soon())
            .await
            .unwrap();
        let refusal = Refusal {
            error: Some(ProxyError::HttpRequestDenied),
            ..Refusal::new(403, "example.com:443 is denied")
        };
        pending.refuse(&refusal, "narrows").await.unwrap();
    });
    let mut client = TcpStream::connect(address).await.unwrap();
    let pipelined = [HEAD, &[b'x'; 256 * 1024]].concat();
    client.write_all(&pipelined).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{answer}");
    assert!(answer.ends_with("example.com:443 is denied\n"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1").count(), 1);
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_served_says_why() {
    let io = Builder::new()
        .read(b"CONNECT example.com HTTP/1.1\r\nHost: example.com\r\n\r\n")
        .build();
    match accept(io, BytesMut::new(), &Limits::default(), soon()).await {
        Err(AcceptError::Rejected(rejected)) => {
            assert_eq!(rejected.error().status(), 400);
            assert_eq!(rejected.error().raw_target(), Some("example.com"));
        }
        other => panic!("{other:?}"),
    }
}

/// A client that resets is seen while its request is under way; one that has ended its sending side is not
/// taken for that, and its early data stays where it is.
#[tokio::test]
async fn a_client_that_resets_while_it_waits_is_noticed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (mut client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    let client = client.as_mut().unwrap();
    client.write_all(HEAD).await.unwrap();
    let io = accepted.unwrap().0;
    let pending = accept(io, BytesMut::new(), &Limits::default(), soon())
        .await
        .unwrap();
    client.write_all(b"early").await.unwrap();
    client.shutdown().await.unwrap();
    let mut resets = tokio_test::task::spawn(pending.client_resets());
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(resets.poll().is_pending());
    client.set_zero_linger().unwrap();
    let _ = std::mem::replace(client, TcpStream::connect(address).await.unwrap());
    resets.await;
}
