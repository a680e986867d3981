//! Real sockets: half-close, reset, back-pressure. Every test runs over both copiers.

use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::sync::Arc;

use bytes::Bytes;
use narrows_tunnel::{Counts, End, Leg, RelayOptions, Side, Turns, relay};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A little more than it takes for a direction to be spliced, and less than a socket holds.
const BULK: usize = 160 * 1024;

/// Runs a test once with splicing and once without.
macro_rules! over_both_copiers {
    ($($name:ident)*) => {
        mod copied {
            $(#[tokio::test] async fn $name() { super::$name(super::Copier::Copy).await; })*
        }
        #[cfg(target_os = "linux")]
        mod spliced {
            $(#[tokio::test] async fn $name() { super::$name(super::Copier::Splice).await; })*
        }
    };
}

over_both_copiers! {
    the_client_may_finish_first
    the_far_side_may_finish_first
    early_data_is_delivered_once_both_ways
    a_reset_by_the_client_reaches_the_far_side
    a_reset_by_the_far_side_reaches_the_client
    a_reset_after_half_close_reaches_the_other_side
    a_client_that_goes_away_during_an_answer_is_noticed
    a_slow_reader_holds_the_writer_back
    both_directions_at_full_speed_arrive_whole
    the_far_side_may_finish_in_the_middle_of_bulk
    bulk_one_way_and_words_the_other
    a_reset_by_the_sender_follows_what_was_on_its_way
    a_reset_by_the_receiver_loses_what_was_on_its_way
    silence_after_bulk_is_idle
    a_stalled_receiver_is_idle_too
    an_urgent_octet_holds_nothing_up
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Copier {
    Copy,
    #[cfg(target_os = "linux")]
    Splice,
}

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
    copier: Copier,
    far: TcpStream,
    counts: Arc<Counts>,
    relay: JoinHandle<End>,
}

impl Tunnel {
    async fn open(copier: Copier) -> Self {
        Self::with_early(copier, Bytes::new(), Bytes::new()).await
    }

    async fn with_early(copier: Copier, client_early: Bytes, far_early: Bytes) -> Self {
        let (client, client_io) = pair().await;
        let (far, far_io) = pair().await;
        let counts = Arc::<Counts>::default();
        let shared = Arc::clone(&counts);
        let relay = tokio::spawn(async move {
            // Taking turns must change nothing, not even for one that is alone.
            let options = match copier {
                Copier::Copy => RelayOptions::default().with_splice(false),
                _ => RelayOptions::default().with_turns(Turns::new(NonZeroUsize::MIN)),
            };
            let (client, far) = (
                Leg::new(client_io, client_early),
                Leg::new(far_io, far_early),
            );
            relay(client, far, shared, &options).await
        });
        Self {
            client,
            copier,
            far,
            counts,
            relay,
        }
    }

    /// Says as much from the far side as it takes for that direction to be spliced, and reads it.
    async fn warm_up(&mut self) -> u64 {
        let mut said = 0;
        loop {
            let (chunk, mut heard) = (vec![7; BULK], vec![0; BULK]);
            let (said_it, heard_it) = tokio::join!(
                self.far.write_all(&chunk),
                self.client.read_exact(&mut heard)
            );
            said_it.unwrap();
            heard_it.unwrap();
            assert!(chunk == heard);
            said += chunk.len() as u64;
            if self.copier == Copier::Copy || self.counts.spliced() > 0 {
                return said;
            }
            assert!(said < 1 << 30, "never spliced");
        }
    }

    /// Says from the far side as much as goes, while nobody reads.
    async fn stall(&self) -> u64 {
        let chunk = vec![7; 64 * 1024];
        let mut offered = 0_u64;
        loop {
            match self.far.try_write(&chunk) {
                Ok(octets) => offered += octets as u64,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let still = tokio::time::Duration::from_millis(200);
                    if tokio::time::timeout(still, self.far.writable())
                        .await
                        .is_err()
                    {
                        return offered;
                    }
                }
                Err(error) => panic!("{error}"),
            }
            assert!(
                offered < 64 * 1024 * 1024,
                "no back-pressure after {offered} octets"
            );
        }
    }

    /// What was spliced is what the copier says.
    fn check_copier(&self) {
        assert_eq!(self.counts.spliced() > 0, self.copier != Copier::Copy);
    }
}

async fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    all
}

/// Reads to the reset; how many octets came before it.
async fn assert_reset(stream: &mut TcpStream) -> u64 {
    let mut all = Vec::new();
    let error = stream
        .read_to_end(&mut all)
        .await
        .expect_err("a reset, not an end of file");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    all.len() as u64
}

async fn the_client_may_finish_first(copier: Copier) {
    let mut t = Tunnel::open(copier).await;
    t.client.write_all(b"question").await.unwrap();
    t.client.shutdown().await.unwrap();
    assert_eq!(read_all(&mut t.far).await, b"question");
    t.far.write_all(b"a long answer").await.unwrap();
    t.far.shutdown().await.unwrap();
    assert_eq!(read_all(&mut t.client).await, b"a long answer");
    assert_eq!(t.relay.await.unwrap(), End::Closed);
    assert_eq!((t.counts.sent(), t.counts.received()), (8, 13));
}

async fn the_far_side_may_finish_first(copier: Copier) {
    let mut t = Tunnel::open(copier).await;
    t.far.write_all(b"greeting").await.unwrap();
    t.far.shutdown().await.unwrap();
    assert_eq!(read_all(&mut t.client).await, b"greeting");
    t.client.write_all(b"still talking").await.unwrap();
    t.client.shutdown().await.unwrap();
    assert_eq!(read_all(&mut t.far).await, b"still talking");
    assert_eq!(t.relay.await.unwrap(), End::Closed);
    assert_eq!((t.counts.sent(), t.counts.received()), (13, 8));
}

async fn early_data_is_delivered_once_both_ways(copier: Copier) {
    let (up, down) = (Bytes::from_static(b"hello "), Bytes::from_static(b"220 "));
    let mut t = Tunnel::with_early(copier, up, down).await;
    t.client.write_all(b"there").await.unwrap();
    t.far.write_all(b"ready").await.unwrap();
    t.client.shutdown().await.unwrap();
    t.far.shutdown().await.unwrap();
    assert_eq!(read_all(&mut t.far).await, b"hello there");
    assert_eq!(read_all(&mut t.client).await, b"220 ready");
    assert_eq!(t.relay.await.unwrap(), End::Closed);
    assert_eq!((t.counts.sent(), t.counts.received()), (11, 9));
}

async fn a_reset_by_the_client_reaches_the_far_side(copier: Copier) {
    let mut t = Tunnel::open(copier).await;
    t.client.write_all(b"half a mess").await.unwrap();
    let mut got = [0; 11];
    t.far.read_exact(&mut got).await.unwrap();
    t.client.set_zero_linger().unwrap();
    drop(t.client);
    assert_reset(&mut t.far).await;
    assert_eq!(t.relay.await.unwrap(), End::Reset { by: Side::Client });
    assert_eq!((t.counts.sent(), t.counts.received()), (11, 0));
}

async fn a_reset_by_the_far_side_reaches_the_client(copier: Copier) {
    let mut t = Tunnel::open(copier).await;
    t.far.write_all(b"half an ans").await.unwrap();
    let mut got = [0; 11];
    t.client.read_exact(&mut got).await.unwrap();
    t.far.set_zero_linger().unwrap();
    drop(t.far);
    assert_reset(&mut t.client).await;
    assert_eq!(t.relay.await.unwrap(), End::Reset { by: Side::Far });
    assert_eq!((t.counts.sent(), t.counts.received()), (0, 11));
}

async fn a_reset_after_half_close_reaches_the_other_side(copier: Copier) {
    let mut t = Tunnel::open(copier).await;
    t.client.write_all(b"question").await.unwrap();
    t.client.shutdown().await.unwrap();
    assert_eq!(read_all(&mut t.far).await, b"question");
    t.far.set_zero_linger().unwrap();
    drop(t.far);
    assert_reset(&mut t.client).await;
    assert_eq!(t.relay.await.unwrap(), End::Reset { by: Side::Far });
}

async fn a_client_that_goes_away_during_an_answer_is_noticed(copier: Copier) {
    let mut t = Tunnel::open(copier).await;
    t.client.shutdown().await.unwrap();
    drop(t.client);
    let chunk = vec![7; 64 * 1024];
    // Nobody reads: sooner or later the far side must learn of it rather than stall for ever.
    while t.far.write_all(&chunk).await.is_ok() {}
    assert_eq!(t.relay.await.unwrap(), End::Reset { by: Side::Client });
}

async fn a_slow_reader_holds_the_writer_back(copier: Copier) {
    let mut t = Tunnel::open(copier).await;
    // The socket buffers of this machine and one turn of the relay, and not one octet more.
    let offered = t.stall().await;
    let delivered = t.counts.received();
    assert!(delivered < offered, "nothing is on its way");
    t.far.shutdown().await.unwrap();
    t.client.shutdown().await.unwrap();
    assert_eq!(read_all(&mut t.client).await.len() as u64, offered);
    assert_eq!(read_all(&mut t.far).await, b"");
    t.check_copier();
    assert_eq!(t.relay.await.unwrap(), End::Closed);
    assert_eq!(t.counts.received(), offered);
}

async fn both_directions_at_full_speed_arrive_whole(copier: Copier) {
    let octets: u64 = if copier == Copier::Copy {
        1 << 26
    } else {
        1 << 30
    };
    let t = Tunnel::open(copier).await;
    tokio::join!(talk(t.client, 1, octets, 2), talk(t.far, 2, octets, 1));
    assert_eq!(t.relay.await.unwrap(), End::Closed);
    assert_eq!((t.counts.sent(), t.counts.received()), (octets, octets));
    assert_eq!(t.counts.spliced() > 0, copier != Copier::Copy);
}

/// Says so many octets of one pattern, while hearing as many of another.
async fn talk(stream: TcpStream, say: u8, octets: u64, hear: u8) {
    /// A prime, so that a piece that is lost, doubled or moved shows.
    const PERIOD: usize = 65_521;
    const CHUNK: usize = 128 * 1024;
    let pattern = |seed: u8| -> Vec<u8> {
        let period = (0..PERIOD).map(|i| u8::try_from((i * 31 + i / 251) % 251).unwrap() ^ seed);
        period.cycle().take(PERIOD + CHUNK).collect()
    };
    let chunk = |at: u64| {
        let len = usize::try_from(octets - at).unwrap().min(CHUNK);
        let start = usize::try_from(at).unwrap() % PERIOD;
        start..start + len
    };
    let (said, heard) = (pattern(say), pattern(hear));
    let (mut read, mut write) = stream.into_split();
    let saying = async {
        let mut at = 0;
        while at < octets {
            at += write.write(&said[chunk(at)]).await.unwrap() as u64;
        }
        write.shutdown().await.unwrap();
    };
    let hearing = async {
        let (mut at, mut buffer) = (0, vec![0; CHUNK]);
        loop {
            let got = read.read(&mut buffer).await.unwrap();
            if got == 0 {
                break;
            }
            assert!(
                buffer[..got] == heard[chunk(at)][..got],
                "after {at} octets"
            );
            at += got as u64;
        }
        assert_eq!(at, octets);
    };
    tokio::join!(saying, hearing);
}

async fn the_far_side_may_finish_in_the_middle_of_bulk(copier: Copier) {
    let mut t = Tunnel::open(copier).await;
    let said = t.warm_up().await;
    let last = vec![9; BULK];
    t.far.write_all(&last).await.unwrap();
    t.far.shutdown().await.unwrap();
    assert!(read_all(&mut t.client).await == last);
    t.client.write_all(b"still talking").await.unwrap();
    t.client.shutdown().await.unwrap();
    assert_eq!(read_all(&mut t.far).await, b"still talking");
    t.check_copier();
    assert_eq!(t.relay.await.unwrap(), End::Closed);
    assert_eq!(
        (t.counts.sent(), t.counts.received()),
        (13, said + BULK as u64)
    );
}

async fn bulk_one_way_and_words_the_other(copier: Copier) {
    let mut t = Tunnel::open(copier).await;
    let mut said = 0;
    for _ in 0..20 {
        said += t.warm_up().await;
        t.client.write_all(b"more").await.unwrap();
        let mut word = [0; 4];
        t.far.read_exact(&mut word).await.unwrap();
        assert_eq!(&word, b"more");
        // Words in the direction of the bulk too.
        t.far.write_all(b"soon").await.unwrap();
        t.client.read_exact(&mut word).await.unwrap();
        assert_eq!(&word, b"soon");
        said += 4;
    }
    t.client.shutdown().await.unwrap();
    t.far.shutdown().await.unwrap();
    t.check_copier();
    assert_eq!(t.relay.await.unwrap(), End::Closed);
    assert_eq!((t.counts.sent(), t.counts.received()), (80, said));
}

async fn a_reset_by_the_sender_follows_what_was_on_its_way(copier: Copier) {
    let mut t = Tunnel::open(copier).await;
    let said = t.warm_up().await;
    let offered = t.stall().await;
    t.check_copier();
    t.far.set_zero_linger().unwrap();
    drop(t.far);
    let heard = assert_reset(&mut t.client).await;
    assert_eq!(t.relay.await.unwrap(), End::Reset { by: Side::Far });
    let delivered = t.counts.received();
    // The reset overtakes what lies in the receiver's socket, never what was not handed to it.
    assert!(said + heard <= delivered && delivered <= said + offered);
}

async fn a_reset_by_the_receiver_loses_what_was_on_its_way(copier: Copier) {
    let mut t = Tunnel::open(copier).await;
    let said = t.warm_up().await;
    let offered = t.stall().await;
    t.check_copier();
    t.client.set_zero_linger().unwrap();
    drop(t.client);
    assert_reset(&mut t.far).await;
    assert_eq!(t.relay.await.unwrap(), End::Reset { by: Side::Client });
    // What was read and not taken any more does not count.
    assert!(t.counts.received() < said + offered);
}

async fn silence_after_bulk_is_idle(copier: Copier) {
    let mut t = Tunnel::open(copier).await;
    let said = t.warm_up().await;
    t.check_copier();
    // From here on an hour without traffic is over as soon as nobody has anything to do.
    tokio::time::pause();
    assert_eq!(t.relay.await.unwrap(), End::Idle);
    assert_reset(&mut t.client).await;
    assert_reset(&mut t.far).await;
    assert_eq!((t.counts.sent(), t.counts.received()), (0, said));
}

async fn a_stalled_receiver_is_idle_too(copier: Copier) {
    let mut t = Tunnel::open(copier).await;
    let said = t.warm_up().await;
    let offered = t.stall().await;
    t.check_copier();
    tokio::time::pause();
    assert_eq!(t.relay.await.unwrap(), End::Idle);
    assert_reset(&mut t.far).await;
    assert!(t.counts.received() < said + offered);
}

async fn an_urgent_octet_holds_nothing_up(copier: Copier) {
    let mut t = Tunnel::open(copier).await;
    let said = t.warm_up().await;
    // Urgent data has no place in a tunnel and is dropped; what follows it must come through.
    SockRef::from(&t.far).send_out_of_band(b"!").unwrap();
    t.far.write_all(b"after it").await.unwrap();
    let mut word = [0; 8];
    t.client.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"after it");
    SockRef::from(&t.far).send_out_of_band(b"!").unwrap();
    t.far.write_all(b"the last").await.unwrap();
    t.far.shutdown().await.unwrap();
    assert_eq!(read_all(&mut t.client).await, b"the last");
    t.client.shutdown().await.unwrap();
    t.check_copier();
    assert_eq!(t.relay.await.unwrap(), End::Closed);
    assert_eq!(t.counts.received(), said + 16);
}
