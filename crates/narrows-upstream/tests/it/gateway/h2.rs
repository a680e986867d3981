//! HTTP/2: tunnels that share sessions and do not hurt each other.

use std::io::ErrorKind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use h2::Reason;
use narrows_upstream::{Gateway, GatewayConfig, GatewayConnected, Spoken, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::double::{
    CLOSED, Double, ECHO, FLOOD, FLOOD_OCTETS, GREETING, HOLE, Order, RESET, SINK, Settings,
    dialer, long_path, target, watched_path,
};

/// What a stalled tunnel may hold at first, both ways.
const FIRST_WINDOW: usize = 1 << 20;

async fn open(gateway: &Gateway, name: &str) -> GatewayConnected {
    gateway
        .open(&dialer(Timeouts::default()), &target(name))
        .await
        .unwrap()
}

async fn open_many(
    gateway: &Arc<Gateway>,
    count: usize,
    name: &'static str,
) -> Vec<GatewayConnected> {
    let mut opens = JoinSet::new();
    for _ in 0..count {
        let gateway = gateway.clone();
        opens.spawn(async move { open(&gateway, name).await });
    }
    opens.join_all().await
}

/// Sends a text through an echo and ends by halves.
async fn echo(mut tunnel: GatewayConnected, text: &[u8]) {
    tunnel.io.write_all(text).await.unwrap();
    tunnel.io.shutdown().await.unwrap();
    let mut echoed = Vec::new();
    tunnel.io.read_to_end(&mut echoed).await.unwrap();
    assert_eq!(echoed, text);
}

/// Waits until the gateway's own count of tunnels is so.
async fn tunnels(gateway: &Gateway, count: usize) {
    let wait = async {
        while gateway.health().tunnels != count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(Duration::from_secs(10), wait)
        .await
        .expect("tunnels end");
}

#[tokio::test]
async fn a_hundred_tunnels_share_one_session() {
    let double = Double::h2().await;
    let gateway = Arc::new(double.gateway());
    // All at once and cold: one handshake.
    let mut opened = open_many(&gateway, 99, ECHO).await;
    assert_eq!(double.handshakes(), 1);
    opened.push(open(&gateway, ECHO).await);
    assert_eq!(gateway.health().tunnels, 100);
    assert!(opened.iter().all(|tunnel| tunnel.spoken == Spoken::H2));
    // Now it is full, so that the next one is made before it is asked for.
    double
        .until(|seen| seen.handshakes.load(Ordering::SeqCst) == 2)
        .await;
    for (at, tunnel) in opened.into_iter().enumerate() {
        echo(tunnel, format!("tunnel {at}").as_bytes()).await;
    }
    tunnels(&gateway, 0).await;
    let warm = open(&gateway, GREETING).await;
    assert!(warm.warm);
    assert_eq!(gateway.health().sessions, double.handshakes());
}

#[tokio::test]
async fn a_full_session_gets_a_sibling() {
    let settings = Settings {
        alpn: vec!["h2"],
        streams: Some(10),
        ..Settings::default()
    };
    let double = Double::start(settings).await;
    let gateway = Arc::new(double.gateway());
    // The limit is known when the first tunnel is open.
    let first = open(&gateway, ECHO).await;
    let others = open_many(&gateway, 49, ECHO).await;
    assert!(
        (5..=6).contains(&double.handshakes()),
        "{}",
        double.handshakes()
    );
    for tunnel in others.into_iter().chain([first]) {
        echo(tunnel, b"hello").await;
    }
}

#[tokio::test]
async fn a_stalled_reader_does_not_stall_the_others() {
    let double = Double::h2().await;
    let gateway = Arc::new(double.gateway());
    // More stalled readers than fit into a connection's default window, many times over.
    let stalled = open_many(&gateway, 20, FLOOD).await;
    let mut moving = open(&gateway, FLOOD).await;
    assert_eq!(double.handshakes(), 1);
    let mut received = Vec::new();
    let read = moving.io.read_to_end(&mut received);
    timeout(Duration::from_secs(20), read)
        .await
        .expect("others stall it")
        .unwrap();
    assert_eq!(received.len(), FLOOD_OCTETS);
    // Those that stalled get the rest when they read.
    for mut tunnel in stalled.into_iter().take(2) {
        let mut received = Vec::new();
        tunnel.io.read_to_end(&mut received).await.unwrap();
        assert_eq!(received.len(), FLOOD_OCTETS);
    }
}

#[tokio::test]
async fn a_stalled_gateway_stops_the_writer() {
    let double = Double::h2().await;
    let gateway = double.gateway();
    let mut tunnel = open(&gateway, HOLE).await;
    let chunk = vec![1; 65536];
    let mut written = 0;
    while let Ok(write) = timeout(Duration::from_millis(200), tunnel.io.write(&chunk)).await {
        written += write.unwrap();
        // The double's window is the protocol's default.
        assert!(written <= 65_535, "{written}");
    }
    assert!(written > 0);
    // Its neighbours do not notice: the connection's window towards the gateway is theirs too, so this
    // shows that nothing else is blocked.
    let mut greeting = open(&gateway, GREETING).await;
    let mut received = [0; 9];
    greeting.io.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"220 ready");
}

#[tokio::test]
async fn goaway_drains() {
    let double = Double::h2().await;
    let gateway = double.gateway();
    let mut old = open(&gateway, ECHO).await;
    double.order(Order::Drain);
    old.io.write_all(b"still ").await.unwrap();
    let mut echoed = [0; 6];
    old.io.read_exact(&mut echoed).await.unwrap();
    double.order(Order::Serve);
    // New tunnels go elsewhere, and the old one finishes.
    echo(open(&gateway, ECHO).await, b"new").await;
    assert_eq!(double.handshakes(), 2);
    echo(old, b"here").await;
}

#[tokio::test]
async fn a_killed_gateway_resets_its_tunnels_and_is_found_again() {
    let mut double = Double::h2().await;
    let gateway = Arc::new(double.gateway());
    let opened = open_many(&gateway, 20, ECHO).await;
    double.order(Order::Die);
    for mut tunnel in opened {
        let error = tunnel.io.read(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    let error = gateway
        .open(&dialer(Timeouts::default()), &target(ECHO))
        .await
        .unwrap_err();
    assert!(error.is_gateway_down(), "{error}");
    double.restart().await;
    echo(open(&gateway, ECHO).await, b"back").await;
    tunnels(&gateway, 0).await;
}

/// Row 40, on the client's side of the leg.
#[tokio::test]
async fn resets_and_ends_are_mapped_both_ways() {
    let double = Double::h2().await;
    let gateway = double.gateway();
    // RST_STREAM from the gateway.
    let mut tunnel = open(&gateway, RESET).await;
    tunnel.io.write_all(b"x").await.unwrap();
    let error = tunnel.io.read(&mut [0]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    // Ours.
    let mut tunnel = open(&gateway, HOLE).await;
    tunnel.io.reset_on_drop();
    drop(tunnel);
    double
        .until(|seen| *seen.resets.lock().unwrap() == [Reason::CONNECT_ERROR])
        .await;
    // A tunnel that is merely dropped is cancelled.
    drop(open(&gateway, HOLE).await);
    double
        .until(|seen| seen.resets.lock().unwrap().last() == Some(&Reason::CANCEL))
        .await;
    // END_STREAM from the gateway leaves our direction open, and ours ends the sink.
    let mut tunnel = open(&gateway, SINK).await;
    assert_eq!(tunnel.io.read(&mut [0]).await.unwrap(), 0);
    let bytes = vec![1; 1 << 20];
    tunnel.io.write_all(&bytes).await.unwrap();
    tunnel.io.shutdown().await.unwrap();
    double
        .until(|seen| seen.sunk.load(Ordering::SeqCst) == bytes.len())
        .await;
    // One stream's failure to open is its own.
    gateway
        .open(&dialer(Timeouts::default()), &target(CLOSED))
        .await
        .unwrap_err();
    echo(open(&gateway, ECHO).await, b"hello").await;
    assert_eq!(double.handshakes(), 1);
}

#[tokio::test]
async fn what_is_not_read_stays_within_the_window() {
    let double = Double::h2().await;
    let gateway = double.gateway();
    let mut tunnel = open(&gateway, ECHO).await;
    let chunk = vec![1; 65536];
    let mut written = 0;
    // An echo that nobody reads: its way back fills our window, its way in fills the double's.
    while let Ok(write) = timeout(Duration::from_millis(300), tunnel.io.write(&chunk)).await {
        written += write.unwrap();
        assert!(written < 3 * FIRST_WINDOW, "nothing holds the writer back");
    }
    assert!(written >= FIRST_WINDOW / 2, "{written}");
}

#[tokio::test]
async fn a_silent_session_is_given_up() {
    let double = Double::h2().await;
    let (addr, mut came) = watched_path(double.addr).await;
    let gateway = Gateway::new(double.config_at(addr)).unwrap();
    let timeouts = Timeouts {
        keep_alive: Duration::from_millis(5),
        pong: Duration::from_secs(60),
        ..Timeouts::default()
    };
    let mut tunnel = gateway
        .open(&dialer(timeouts), &target(HOLE))
        .await
        .unwrap();
    // While pongs come it lives: a ping is sent only when the one before was answered, and nothing else comes
    // back once the tunnel is open.
    for _ in 0..20 {
        came.recv().await.unwrap();
    }
    let mut octet = [0];
    let mut read = pin!(tunnel.io.read(&mut octet));
    tokio::select! {
        biased;
        ended = &mut read => panic!("{ended:?}"),
        () = std::future::ready(()) => {}
    }
    double.order(Order::Freeze);
    // Whatever may still come has come when there is nothing left to do but wait.
    tokio::time::pause();
    assert_eq!(read.await.unwrap_err().kind(), ErrorKind::TimedOut);
}

/// A gateway with a runtime of its own, which goes on while this test's hangs; what it takes to reach it.
fn gateway_elsewhere(each_way: Duration) -> GatewayConfig {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(async {
            let double = Double::h2().await;
            let addr = long_path(double.addr, each_way).await;
            sender.send(double.config_at(addr)).unwrap();
            std::future::pending::<()>().await;
        });
    });
    receiver.recv().unwrap()
}

/// The pong came in time, and waited in the socket when the deadline passed: a process that was stopped, or
/// got no processor, must not blame the gateway for it.
#[tokio::test]
async fn a_session_survives_that_this_process_hangs() {
    let gateway = Gateway::new(gateway_elsewhere(Duration::from_millis(25))).unwrap();
    let timeouts = Timeouts {
        keep_alive: Duration::from_millis(10),
        pong: Duration::from_secs(1),
        ..Timeouts::default()
    };
    let opened = gateway.open(&dialer(timeouts), &target(HOLE)).await;
    let mut tunnel = opened.unwrap();
    for hang in 0..5 {
        // Most of the time a ping is under way.
        let read = timeout(Duration::from_millis(60), tunnel.io.read(&mut [0])).await;
        assert!(read.is_err(), "given up after {hang} hangs: {read:?}");
        std::thread::sleep(timeouts.pong * 6 / 5);
    }
}

#[tokio::test]
async fn windows_grow_on_long_paths_and_shrink_when_idle() {
    let double = Double::h2().await;
    let addr = long_path(double.addr, Duration::from_millis(25)).await;
    let gateway = Gateway::new(double.config_at(addr)).unwrap();
    let flooded = || double.seen.flooded.load(Ordering::SeqCst);
    // Known from the first ping on.
    let other = open(&gateway, HOLE).await;
    let mut moving = open(&gateway, FLOOD).await;
    let mut received = Vec::new();
    moving.io.read_to_end(&mut received).await.unwrap();
    assert_eq!(received.len(), FLOOD_OCTETS);
    drop(moving);
    // A new stream that nobody reads gets a larger window.
    let before = flooded();
    let stalled = open(&gateway, FLOOD).await;
    double
        .until(|_| flooded() - before > 2 * FIRST_WINDOW)
        .await;
    drop((stalled, other));
    tunnels(&gateway, 0).await;
    // The smaller window must be known on the other side.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = flooded();
    let stalled = open(&gateway, FLOOD).await;
    double.until(|_| flooded() - before == FIRST_WINDOW).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(flooded() - before, FIRST_WINDOW);
    drop(stalled);
}
