//! The idle limit, on a paused clock.

use std::sync::Arc;
use std::time::Duration;

use narrows_endpoint::Hop;
use narrows_tunnel::{Counts, End, Leg, RelayOptions, Transport, relay};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep};

pub(crate) struct Memory(pub(crate) DuplexStream);

impl Transport for Memory {
    fn reset_on_drop(&mut self) {}
}

impl tokio::io::AsyncRead for Memory {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl tokio::io::AsyncWrite for Memory {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::pin::Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn either_direction_keeps_a_tunnel_alive() {
    let (mut client, client_io) = duplex(1024);
    let (mut far, far_io) = duplex(1024);
    let counts = Arc::<Counts>::default();
    let options = RelayOptions::default().with_idle(Some(LIMIT));
    let started = Instant::now();
    let relay = async {
        let end = relay(
            Leg::from(Memory(client_io)),
            Leg::from(Memory(far_io)),
            Arc::clone(&counts),
            &options,
        )
        .await;
        (end, started.elapsed())
    };
    let traffic = async {
        let mut byte = [0];
        // Half-closed, and the other direction alone keeps it going for minutes.
        client.shutdown().await.unwrap();
        for _ in 0..5 {
            sleep(LIMIT - Duration::from_secs(1)).await;
            far.write_all(b"x").await.unwrap();
            client.read_exact(&mut byte).await.unwrap();
        }
    };
    let ((end, after), ()) = tokio::join!(relay, traffic);
    assert_eq!(end, End::Idle);
    assert_eq!(end.party(Hop::Target), Some(Hop::Narrows));
    assert_eq!(counts.received(), 5);
    assert_eq!(after.as_secs(), 5 * 59 + 60);
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_a_tunnel_waits_for_ever() {
    let (_client, client_io) = duplex(1024);
    let (_far, far_io) = duplex(1024);
    let options = RelayOptions::default().with_idle(None);
    let counts = Arc::<Counts>::default();
    let relay = relay(
        Leg::from(Memory(client_io)),
        Leg::from(Memory(far_io)),
        Arc::clone(&counts),
        &options,
    );
    let month = Duration::from_secs(30 * 24 * 3600);
    assert!(tokio::time::timeout(month, relay).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_busy_tunnel_ends_at_its_age() {
    let (mut client, client_io) = duplex(1024);
    let (mut far, far_io) = duplex(1024);
    let counts = Arc::<Counts>::default();
    let options = RelayOptions::default()
        .with_idle(Some(LIMIT))
        .with_lifetime(Some(3 * LIMIT));
    let started = Instant::now();
    let relay = async {
        let end = relay(
            Leg::from(Memory(client_io)),
            Leg::from(Memory(far_io)),
            Arc::clone(&counts),
            &options,
        )
        .await;
        (end, started.elapsed())
    };
    let traffic = async {
        let mut byte = [0];
        while client.write_all(b"x").await.is_ok() && far.read_exact(&mut byte).await.is_ok() {
            sleep(Duration::from_secs(7)).await;
        }
    };
    let ((end, after), ()) = tokio::join!(relay, traffic);
    assert_eq!((end, after), (End::Expired, 3 * LIMIT));
}
