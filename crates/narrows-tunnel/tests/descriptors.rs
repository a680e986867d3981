//! Descriptors, in a process of its own: what an idle tunnel holds, and what happens when there are none.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs::{File, read_dir, read_link};
use std::sync::Arc;

use narrows_tunnel::{Counts, End, Leg, RelayOptions, relay};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Several times what it takes for a direction to be spliced.
const BULK: usize = 1024 * 1024;

struct Tunnel {
    client: TcpStream,
    counts: Arc<Counts>,
    far: TcpStream,
    relay: JoinHandle<End>,
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (ours, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    (ours.unwrap(), accepted.unwrap().0)
}

impl Tunnel {
    async fn open() -> Self {
        let (client, client_io) = pair().await;
        let (far, far_io) = pair().await;
        let counts = Arc::<Counts>::default();
        let shared = Arc::clone(&counts);
        let relay = tokio::spawn(async move {
            let options = RelayOptions::default();
            relay(Leg::from(client_io), Leg::from(far_io), shared, &options).await
        });
        Self {
            client,
            counts,
            far,
            relay,
        }
    }

    async fn carry_bulk(&mut self) {
        let said: Vec<u8> = (0..=u8::MAX).cycle().take(BULK).collect();
        let mut heard = vec![0; BULK];
        let (saying, hearing) = tokio::join!(
            self.far.write_all(&said),
            self.client.read_exact(&mut heard)
        );
        saying.unwrap();
        hearing.unwrap();
        assert!(said == heard);
    }

    async fn close(mut self) {
        self.client.shutdown().await.unwrap();
        self.far.shutdown().await.unwrap();
        assert_eq!(self.relay.await.unwrap(), End::Closed);
    }
}

/// Ends of pipes that this process has open.
fn pipe_ends() -> usize {
    let open = read_dir("/proc/self/fd").unwrap();
    open.filter_map(|entry| read_link(entry.unwrap().path()).ok())
        .filter(|link| link.to_string_lossy().starts_with("pipe:"))
        .count()
}

#[tokio::test]
async fn pipes_are_borrowed_and_never_needed() {
    let standard = pipe_ends();
    without_descriptors(Tunnel::open().await).await;
    idle_tunnels_hold_no_pipe(standard).await;
}

async fn without_descriptors(mut tunnel: Tunnel) {
    let limit = getrlimit(Resource::Nofile);
    let low = Rlimit {
        current: Some(256),
        ..limit
    };
    setrlimit(Resource::Nofile, low).unwrap();
    let all: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    tunnel.carry_bulk().await;
    assert_eq!(tunnel.counts.spliced(), 0);
    drop(all);
    while tunnel.counts.spliced() == 0 {
        tunnel.carry_bulk().await;
        assert!(tunnel.counts.received() < 1 << 30, "never spliced");
    }
    tunnel.close().await;
    setrlimit(Resource::Nofile, limit).unwrap();
}

async fn idle_tunnels_hold_no_pipe(standard: usize) {
    let mut tunnels = Vec::new();
    for _ in 0..20 {
        let mut tunnel = Tunnel::open().await;
        while tunnel.counts.spliced() == 0 {
            tunnel.carry_bulk().await;
        }
        tunnels.push(tunnel);
    }
    // All of them have used the one that lies ready for the next.
    assert_eq!(pipe_ends() - standard, 2);
    for tunnel in tunnels {
        tunnel.close().await;
    }
}
