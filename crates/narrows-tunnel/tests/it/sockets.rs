//! Real sockets: half-close, reset, back-pressure.

use std::io::ErrorKind;
use std::sync::Arc;

use bytes::Bytes;
use narrows_tunnel::{Counts, End, Leg, RelayOptions, Side, relay};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Two connected sockets: the test's end and the relay's end.
async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (ours, accepted) = tokio::join!(
        TcpStream::connect(listener.local_addr().unwrap()),
        listener.accept()
    );
    (ours.unwrap(), accepted.unwrap().0)
}

struct Tunnel {
    client: TcpStream,
    far: TcpStream,
    counts: Arc<Counts>,
    relay: JoinHandle<End>,
}

async fn tunnel() -> Tunnel {
    tunnel_with(Bytes::new(), Bytes::new()).await
}

async fn tunnel_with(client_early: Bytes, far_early: Bytes) -> Tunnel {
    let (client, client_io) = pair().await;
    let (far, far_io) = pair().await;
    let counts = Arc::<Counts>::default();
    let shared = Arc::clone(&counts);
    let relay = tokio::spawn(async move {
        let options = RelayOptions::default();
        let (client, far) = (
            Leg::new(client_io, client_early),
            Leg::new(far_io, far_early),
        );
        relay(client, far, shared, &options).await
    });
    Tunnel {
        client,
        far,
        counts,
        relay,
    }
}

async fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    all
}

async fn assert_reset(stream: &mut TcpStream) {
    let mut all = Vec::new();
    let error = stream
        .read_to_end(&mut all)
        .await
        .expect_err("a reset, not an end of file");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn the_client_may_finish_first() {
    let mut t = tunnel().await;
    t.client.write_all(b"question").await.unwrap();
    t.client.shutdown().await.unwrap();
    assert_eq!(read_all(&mut t.far).await, b"question");
    t.far.write_all(b"a long answer").await.unwrap();
    t.far.shutdown().await.unwrap();
    assert_eq!(read_all(&mut t.client).await, b"a long answer");
    assert_eq!(t.relay.await.unwrap(), End::Closed);
    assert_eq!((t.counts.sent(), t.counts.received()), (8, 13));
}

#[tokio::test]
async fn the_far_side_may_finish_first() {
    let mut t = tunnel().await;
    t.far.write_all(b"greeting").await.unwrap();
    t.far.shutdown().await.unwrap();
    assert_eq!(read_all(&mut t.client).await, b"greeting");
    t.client.write_all(b"still talking").await.unwrap();
    t.client.shutdown().await.unwrap();
    assert_eq!(read_all(&mut t.far).await, b"still talking");
    assert_eq!(t.relay.await.unwrap(), End::Closed);
    assert_eq!((t.counts.sent(), t.counts.received()), (13, 8));
}

#[tokio::test]
async fn early_data_is_delivered_once_both_ways() {
    let (up, down) = (Bytes::from_static(b"hello "), Bytes::from_static(b"220 "));
    let mut t = tunnel_with(up, down).await;
    t.client.write_all(b"there").await.unwrap();
    t.far.write_all(b"ready").await.unwrap();
    t.client.shutdown().await.unwrap();
    t.far.shutdown().await.unwrap();
    assert_eq!(read_all(&mut t.far).await, b"hello there");
    assert_eq!(read_all(&mut t.client).await, b"220 ready");
    assert_eq!(t.relay.await.unwrap(), End::Closed);
    assert_eq!((t.counts.sent(), t.counts.received()), (11, 9));
}

#[tokio::test]
async fn a_reset_by_the_client_reaches_the_far_side() {
    let mut t = tunnel().await;
    t.client.write_all(b"half a mess").await.unwrap();
    let mut got = [0; 11];
    t.far.read_exact(&mut got).await.unwrap();
    t.client.set_zero_linger().unwrap();
    drop(t.client);
    assert_reset(&mut t.far).await;
    assert_eq!(t.relay.await.unwrap(), End::Reset { by: Side::Client });
    assert_eq!((t.counts.sent(), t.counts.received()), (11, 0));
}

#[tokio::test]
async fn a_reset_by_the_far_side_reaches_the_client() {
    let mut t = tunnel().await;
    t.far.write_all(b"half an ans").await.unwrap();
    let mut got = [0; 11];
    t.client.read_exact(&mut got).await.unwrap();
    t.far.set_zero_linger().unwrap();
    drop(t.far);
    assert_reset(&mut t.client).await;
    assert_eq!(t.relay.await.unwrap(), End::Reset { by: Side::Far });
    assert_eq!((t.counts.sent(), t.counts.received()), (0, 11));
}

#[tokio::test]
async fn a_reset_after_half_close_reaches_the_other_side() {
    let mut t = tunnel().await;
    t.client.write_all(b"question").await.unwrap();
    t.client.shutdown().await.unwrap();
    assert_eq!(read_all(&mut t.far).await, b"question");
    t.far.set_zero_linger().unwrap();
    drop(t.far);
    assert_reset(&mut t.client).await;
    assert_eq!(t.relay.await.unwrap(), End::Reset { by: Side::Far });
}

#[tokio::test]
async fn a_client_that_goes_away_during_an_answer_is_noticed() {
    let mut t = tunnel().await;
    t.client.shutdown().await.unwrap();
    drop(t.client);
    let chunk = vec![7; 64 * 1024];
    // Nobody reads: sooner or later the far side must learn of it rather than stall for ever.
    while t.far.write_all(&chunk).await.is_ok() {}
    assert_eq!(t.relay.await.unwrap(), End::Reset { by: Side::Client });
}

#[tokio::test]
async fn a_slow_reader_holds_the_writer_back() {
    let t = tunnel().await;
    let chunk = vec![7; 64 * 1024];
    let mut offered = 0_u64;
    // The socket buffers of this machine and one turn of the relay, and not one octet more.
    loop {
        match t.far.try_write(&chunk) {
            Ok(octets) => offered += octets as u64,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let still = tokio::time::Duration::from_millis(200);
                if tokio::time::timeout(still, t.far.writable()).await.is_err() {
                    break;
                }
            }
            Err(error) => panic!("{error}"),
        }
        assert!(
            offered < 64 * 1024 * 1024,
            "no back-pressure after {offered} octets"
        );
    }
    let delivered = t.counts.received();
    let Tunnel {
        mut client,
        mut far,
        counts,
        relay,
    } = t;
    far.shutdown().await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(read_all(&mut client).await.len() as u64, offered);
    assert_eq!(read_all(&mut far).await, b"");
    assert!(delivered <= offered);
    assert_eq!(relay.await.unwrap(), End::Closed);
    assert_eq!(counts.received(), offered);
}

#[tokio::test]
async fn both_directions_at_full_speed_arrive_whole() {
    const OCTETS: usize = 16 * 1024 * 1024;
    let Tunnel {
        client,
        far,
        counts,
        relay,
    } = tunnel().await;
    let pattern = |seed: usize| -> Vec<u8> {
        (0..OCTETS)
            .map(|i| u8::try_from((i * 31 + i / 251 + seed) % 251).unwrap())
            .collect()
    };
    let (up, down) = (pattern(1), pattern(2));
    let talk = |stream: TcpStream, say: Vec<u8>| async move {
        let (mut read, mut write) = stream.into_split();
        let writing = tokio::spawn(async move {
            write.write_all(&say).await.unwrap();
            write.shutdown().await.unwrap();
        });
        let mut heard = Vec::with_capacity(OCTETS);
        read.read_to_end(&mut heard).await.unwrap();
        writing.await.unwrap();
        heard
    };
    let (heard_down, heard_up) = tokio::join!(talk(client, up.clone()), talk(far, down.clone()));
    assert!(heard_up == up && heard_down == down);
    assert_eq!(relay.await.unwrap(), End::Closed);
    assert_eq!(
        (counts.sent(), counts.received()),
        (OCTETS as u64, OCTETS as u64)
    );
}
