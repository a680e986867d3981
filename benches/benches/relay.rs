//! The relay between two sockets: what the two copiers cost, by what the peers are like.
//!
//! Times are from the client's question to the last octet of the answer, so they hold the peers' own work
//! as well; the two copiers differ by the relay's. All sockets use reno, where the kernel has it: bbr, the
//! default of some, paces by what it believes of a path that loopback has not.

#![expect(
    clippy::expect_used,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use narrows_tunnel::{Counts, End, Leg, RelayOptions, relay};
use socket2::SockRef;

/// What is asked for, and how it is read.
struct Peers {
    name: &'static str,
    /// Octets of one answer.
    answer: usize,
    /// Octets that the client reads at a time.
    read: usize,
    /// What the client's socket may hold; `None` leaves it to the kernel.
    room: Option<usize>,
}

const PEERS: &[Peers] = &[
    // One octet to and fro: what it costs to be relayed at all.
    Peers {
        name: "words",
        answer: 1,
        read: 1,
        room: None,
    },
    // An answer that fits into a few reads, and then silence until the next question.
    Peers {
        name: "bursty",
        answer: 96 * 1024,
        read: 256 * 1024,
        room: None,
    },
    // As much as goes.
    Peers {
        name: "bulk",
        answer: 16 * 1024 * 1024,
        read: 256 * 1024,
        room: None,
    },
    // A client that takes little at a time, so that the relay has to wait for it again and again.
    Peers {
        name: "slow",
        answer: 2 * 1024 * 1024,
        read: 8 * 1024,
        room: Some(16 * 1024),
    },
];

/// Two connected sockets.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener on loopback");
    let ours = TcpStream::connect(listener.local_addr().expect("its address")).expect("connects");
    let theirs = listener.accept().expect("accepts").0;
    for stream in [&ours, &theirs] {
        stream.set_nodelay(true).expect("a socket option");
        #[cfg(target_os = "linux")]
        // A kernel without reno keeps what it has.
        let _ = SockRef::from(stream).set_tcp_congestion(b"reno");
    }
    (ours, theirs)
}

/// Answers every octet with so many.
fn answer(mut stream: TcpStream, octets: usize) -> JoinHandle<()> {
    let answer = vec![7; octets];
    thread::spawn(move || {
        let mut question = [0];
        while stream.read_exact(&mut question).is_ok() {
            stream.write_all(&answer).expect("the client reads on");
        }
    })
}

/// Relays on a thread of its own, as a proxy with one worker does.
fn relayed(client: TcpStream, far: TcpStream, splice: bool) -> JoinHandle<End> {
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let [client, far] = [client, far].map(|stream| {
                stream.set_nonblocking(true).expect("a socket option");
                Leg::from(tokio::net::TcpStream::from_std(stream).expect("a socket"))
            });
            let options = RelayOptions::default().with_splice(splice);
            relay(client, far, Arc::<Counts>::default(), &options).await
        })
    })
}

fn copiers(c: &mut Criterion) {
    for peers in PEERS {
        let mut group = c.benchmark_group(format!("relay_{}", peers.name));
        group.throughput(Throughput::Bytes(peers.answer as u64));
        for (copier, splice) in [("copy", false), ("splice", true)] {
            let (mut client, client_io) = pair();
            let (far, far_io) = pair();
            if let Some(room) = peers.room {
                SockRef::from(&client)
                    .set_recv_buffer_size(room)
                    .expect("a socket option");
            }
            let relay = relayed(client_io, far_io, splice);
            let far = answer(far, peers.answer);
            let mut buffer = vec![0; peers.read.min(peers.answer)];
            group.bench_function(copier, |b| {
                b.iter(|| {
                    client.write_all(b"?").expect("the relay reads on");
                    let mut left = peers.answer;
                    while left > 0 {
                        let most = left.min(buffer.len());
                        left -= client.read(&mut buffer[..most]).expect("an answer");
                    }
                });
            });
            drop(client);
            assert_eq!(relay.join().expect("no panic"), End::Closed);
            far.join().expect("no panic");
        }
        group.finish();
    }
}

criterion_group!(benches, copiers);
criterion_main!(benches);
