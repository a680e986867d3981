//! An octet beside bulk: how much is moved before it has its turn.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use narrows_tunnel::{Counts, Leg, RelayOptions, Transport, Turns, relay};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Always has more to read, and takes all that is written.
struct Endless;

impl AsyncRead for Endless {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        buffer.initialize_unfilled();
        buffer.set_filled(buffer.capacity());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Endless {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Transport for Endless {
    fn reset_on_drop(&mut self) {}
}

async fn pair() -> (TcpStream, TcpStream) {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = TcpListener::bind(any).await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await;
    (near.unwrap(), listener.accept().await.unwrap().0)
}

fn leg<T>(io: T) -> Leg<T> {
    Leg::new(io, Bytes::new())
}

/// The most octets of bulk, over eight tunnels, between sending an octet into a ninth and its arrival.
async fn most_before_an_octet(options: &RelayOptions) -> u64 {
    let bulk: Vec<Arc<Counts>> = (0..8)
        .map(|_| {
            let counts = Arc::<Counts>::default();
            let carried = relay(leg(Endless), leg(Endless), Arc::clone(&counts), options);
            tokio::spawn(carried);
            counts
        })
        .collect();
    let moved = || {
        bulk.iter()
            .map(|counts| counts.sent() + counts.received())
            .sum::<u64>()
    };
    let (mut client, near) = pair().await;
    let (mut target, far) = pair().await;
    tokio::spawn(relay(leg(near), leg(far), Arc::default(), options));
    let mut most = 0;
    for _ in 0..20 {
        let before = moved();
        client.write_all(b"o").await.unwrap();
        target.read_exact(&mut [0]).await.unwrap();
        most = most.max(moved() - before);
    }
    most
}

/// One turn may be under way, and one more begins while the octet is passed on and while it is read.
const FEW_TURNS: u64 = 3 * 1024 * 1024;

#[tokio::test]
async fn an_octet_waits_for_few_turns_of_bulk() {
    let turns = Turns::new(NonZeroUsize::MIN);
    let most = most_before_an_octet(&RelayOptions::default().with_turns(turns)).await;
    assert!((1..=FEW_TURNS).contains(&most), "{most}");
}

#[tokio::test]
async fn without_turns_it_waits_for_all() {
    let most = most_before_an_octet(&RelayOptions::default()).await;
    assert!(most > FEW_TURNS, "{most}");
}
