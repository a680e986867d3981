//! HTTP/1.1: sessions that are ready, used once, and replaced.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use narrows_upstream::{Gateway, Protocol, Spoken, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use super::double::{Double, ECHO, GREETING, HOLE, Order, RESET, SINK, Settings, dialer, target};

/// How many sessions a gateway in use has ready at least.
const FEWEST: usize = 4;

async fn ready(gateway: &Gateway, at_least: usize) {
    let wait = async {
        while gateway.health().ready < at_least {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait)
        .await
        .expect("sessions become ready");
}

async fn unready(gateway: &Gateway) {
    let wait = async {
        while gateway.health().ready > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait)
        .await
        .expect("closed sessions are noticed");
}

#[tokio::test]
async fn a_ready_session_costs_one_round_trip() {
    let double = Double::h1().await;
    let gateway = double.gateway();
    let dialer = dialer(Timeouts::default());
    let cold = gateway.open(&dialer, &target(ECHO)).await.unwrap();
    assert_eq!((cold.spoken, cold.warm), (Spoken::H1, false));
    ready(&gateway, FEWEST).await;
    let connections = double.seen.connections.load(Ordering::SeqCst);
    let warm = gateway.open(&dialer, &target(GREETING)).await.unwrap();
    assert_eq!((warm.spoken, warm.warm), (Spoken::H1, true));
    assert_eq!(&warm.early[..], b"220 ready");
    // The session was there before; one head went out on it, and one answer came back.
    assert_eq!(connections, 1 + FEWEST);
    assert_eq!(
        double.heads()[1],
        format!("CONNECT {GREETING} HTTP/1.1\r\nHost: {GREETING}\r\n\r\n")
    );
    // It is replaced, by one and no more.
    ready(&gateway, FEWEST).await;
    double
        .until(|seen| seen.handshakes.load(Ordering::SeqCst) == 2 + FEWEST)
        .await;
    assert_eq!(gateway.health().ready, FEWEST);
}

#[tokio::test]
async fn tunnels_carry_bytes_both_ways_and_close_by_halves() {
    let double = Double::h1().await;
    let gateway = double.gateway();
    let mut tunnel = gateway
        .open(&dialer(Timeouts::default()), &target(SINK))
        .await
        .unwrap();
    // The far side has ended its direction; ours lives on.
    assert_eq!(tunnel.io.read(&mut [0]).await.unwrap(), 0);
    let bytes = vec![1; 1 << 20];
    tunnel.io.write_all(&bytes).await.unwrap();
    tunnel.io.shutdown().await.unwrap();
    double
        .until(|seen| seen.sunk.load(Ordering::SeqCst) == bytes.len())
        .await;
}

#[tokio::test]
async fn resets_are_resets() {
    let double = Double::h1().await;
    let gateway = double.gateway();
    let dialer = dialer(Timeouts::default());
    let mut tunnel = gateway.open(&dialer, &target(RESET)).await.unwrap();
    tunnel.io.write_all(b"x").await.unwrap();
    tunnel.io.flush().await.unwrap();
    let error = tunnel.io.read(&mut [0]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    // A connection that ends without close_notify was cut.
    let mut tunnel = gateway
        .open(&dialer, &target("cut.example:443"))
        .await
        .unwrap();
    let error = tunnel.io.read(&mut [0]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn sessions_that_the_gateway_closed_are_not_used() {
    let double = Double::h1().await;
    let gateway = double.gateway();
    let dialer = dialer(Timeouts::default());
    gateway.open(&dialer, &target(ECHO)).await.unwrap();
    ready(&gateway, 1).await;
    double.order(Order::CloseIdle);
    // Without an open the keeper notices, and replaces it after a while.
    unready(&gateway).await;
    double.order(Order::Serve);
    ready(&gateway, 1).await;
    assert!(gateway.open(&dialer, &target(ECHO)).await.unwrap().warm);
    assert_eq!(double.heads().len(), 2);
}

#[tokio::test]
async fn a_session_that_dies_under_the_connect_is_replaced_once() {
    let double = Double::h1().await;
    let gateway = double.gateway();
    let dialer = dialer(Timeouts::default());
    gateway.open(&dialer, &target(ECHO)).await.unwrap();
    ready(&gateway, 1).await;
    // The double closes on this name without an answer, whatever the session: one try on the ready
    // session, one on a fresh one, and then the truth.
    let error = gateway
        .open(&dialer, &target(super::double::CLOSED))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("closed the connection"),
        "{error}"
    );
    assert_eq!(double.heads().len(), 3);
}

#[tokio::test]
async fn a_burst_is_bounded() {
    let settings = Settings {
        alpn: vec!["http/1.1"],
        slow: Duration::from_millis(5),
        ..Settings::default()
    };
    let double = Double::start(settings).await;
    let gateway = Arc::new(Gateway::new(double.config().with_protocol(Protocol::H1)).unwrap());
    let mut opens = JoinSet::new();
    for _ in 0..200 {
        let gateway = gateway.clone();
        opens.spawn(async move {
            gateway
                .open(&dialer(Timeouts::default()), &target(ECHO))
                .await
                .unwrap()
        });
    }
    let tunnels = opens.join_all().await;
    assert_eq!(tunnels.len(), 200);
    let at_once = double.seen.at_once.load(Ordering::SeqCst);
    assert!((2..=64).contains(&at_once), "{at_once} handshakes at once");
}

#[tokio::test]
async fn a_dead_gateway_fails_a_burst_once() {
    let double = Double::h1().await;
    let gateway = Arc::new(double.gateway());
    gateway
        .open(&dialer(Timeouts::default()), &target(ECHO))
        .await
        .unwrap();
    double.order(Order::Die);
    let mut opens = JoinSet::new();
    for _ in 0..100 {
        let gateway = gateway.clone();
        opens.spawn(async move {
            gateway
                .open(&dialer(Timeouts::default()), &target(ECHO))
                .await
        });
    }
    for error in opens.join_all().await {
        assert!(error.unwrap_err().is_gateway_down());
    }
}

#[tokio::test]
async fn a_stalled_gateway_stops_the_writer() {
    let double = Double::h1().await;
    let gateway = double.gateway();
    let mut tunnel = gateway
        .open(&dialer(Timeouts::default()), &target(HOLE))
        .await
        .unwrap();
    let chunk = vec![1; 65536];
    let mut written = 0;
    while let Ok(write) =
        tokio::time::timeout(Duration::from_millis(200), tunnel.io.write(&chunk)).await
    {
        written += write.unwrap();
        assert!(written < 64 << 20, "nothing holds the writer back");
    }
}
