//! Row 35 over real sockets: one side has finished, and minutes of the other's words go on.

use std::sync::Arc;

use narrows_tunnel::{Counts, End, Leg, RelayOptions, relay};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Duration, Instant, advance, pause};

const IDLE: Duration = Duration::from_secs(60);
/// Nearly the idle limit.
const BETWEEN_WORDS: Duration = Duration::from_secs(59);
const WORDS: u32 = 20;

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (ours, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    (ours.unwrap(), accepted.unwrap().0)
}

/// Stops the clock for real: while something blocks elsewhere, waiting for a socket lets no time pass either.
fn hold_the_clock() -> oneshot::Sender<()> {
    pause();
    let (release, held) = oneshot::channel::<()>();
    tokio::task::spawn_blocking(move || held.blocking_recv());
    release
}

/// A quarter of an hour and more, in which only one side speaks; then the idle limit holds as ever.
async fn minutes_one_way(client_finishes: bool) {
    let (client, client_io) = pair().await;
    let (far, far_io) = pair().await;
    let counts = Arc::<Counts>::default();
    let shared = Arc::clone(&counts);
    let clock = hold_the_clock();
    let relay = tokio::spawn(async move {
        let mut options = RelayOptions::default();
        options.idle = Some(IDLE);
        relay(Leg::from(client_io), Leg::from(far_io), shared, &options).await
    });
    let (mut finished, mut speaker) = if client_finishes {
        (client, far)
    } else {
        (far, client)
    };
    finished.shutdown().await.unwrap();
    assert_eq!(speaker.read(&mut [0]).await.unwrap(), 0);
    let start = Instant::now();
    for _ in 0..WORDS {
        advance(BETWEEN_WORDS).await;
        assert!(!relay.is_finished(), "after {:?}", start.elapsed());
        speaker.write_all(b"word").await.unwrap();
        finished.read_exact(&mut [0; 4]).await.unwrap();
    }
    assert_eq!(start.elapsed(), BETWEEN_WORDS * WORDS);
    // Two looks at the clock: it may look once in a limit, and not at its end.
    advance(IDLE).await;
    advance(IDLE).await;
    drop(clock);
    assert_eq!(relay.await.unwrap(), End::Idle);
    let heard = u64::from(4 * WORDS);
    let (sent, received) = if client_finishes {
        (0, heard)
    } else {
        (heard, 0)
    };
    assert_eq!((counts.sent(), counts.received()), (sent, received));
}

#[tokio::test]
async fn row_35_the_far_side_goes_on_for_minutes() {
    minutes_one_way(true).await;
}

#[tokio::test]
async fn row_35_the_client_goes_on_for_minutes() {
    minutes_one_way(false).await;
}
