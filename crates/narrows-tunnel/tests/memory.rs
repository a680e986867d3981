//! Row 34, in a process of its own: what a tunnel holds while nobody reads what it carries.
#![allow(clippy::unwrap_used, missing_docs)]

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use narrows_tunnel::{Counts, Leg, RelayOptions, relay};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What each direction may hold: the piece that its receiver did not take.
const BUFFER: u64 = 64 * 1024;
/// Stalled at the same time.
const TUNNELS: usize = 32;
/// Small, so that what is measured is the tunnel and not the system.
const SOCKET: usize = 32 * 1024;
static CHUNK: [u8; 256 * 1024] = [7; 256 * 1024];

struct Tunnel {
    client: TcpStream,
    counts: Arc<Counts>,
    far: TcpStream,
    /// What was offered from both ends.
    offered: u64,
    relay: JoinHandle<()>,
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (ours, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    let pair = (ours.unwrap(), accepted.unwrap().0);
    for end in [SockRef::from(&pair.0), SockRef::from(&pair.1)] {
        end.set_send_buffer_size(SOCKET).unwrap();
        end.set_recv_buffer_size(SOCKET).unwrap();
    }
    pair
}

impl Tunnel {
    async fn open(splice: bool) -> Self {
        let (client, client_io) = pair().await;
        let (far, far_io) = pair().await;
        let counts = Arc::<Counts>::default();
        let shared = Arc::clone(&counts);
        let relay = tokio::spawn(async move {
            let options = RelayOptions::default().with_splice(splice);
            relay(Leg::from(client_io), Leg::from(far_io), shared, &options).await;
        });
        Self {
            client,
            counts,
            far,
            offered: 0,
            relay,
        }
    }

    /// Offers as much as is taken, from both ends, and reads nothing; whether anything was taken.
    fn push(&mut self) -> bool {
        let before = self.offered;
        for end in [&self.client, &self.far] {
            match end.try_write(&CHUNK) {
                Ok(taken) => self.offered += taken as u64,
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
        self.offered > before
    }
}

/// Fills tunnels until nothing more is taken for a while; they are stalled, or the bound holds all the more.
async fn stall(splice: bool) -> Vec<Tunnel> {
    let mut tunnels = Vec::with_capacity(TUNNELS);
    for _ in 0..TUNNELS {
        tunnels.push(Tunnel::open(splice).await);
    }
    let mut quiet = 0;
    while quiet < 20 {
        let mut taken = false;
        for tunnel in &mut tunnels {
            taken |= tunnel.push();
        }
        quiet = if taken { 0 } else { quiet + 1 };
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    tunnels
}

/// What each held at most.
fn holds_two_buffers_at_most(splice: bool) -> u64 {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    // What a thread makes once.
    runtime().block_on(stall(splice));
    let counted = allocation_counter::measure(|| {
        runtime().block_on(async {
            for tunnel in stall(splice).await {
                let delivered = tunnel.counts.sent() + tunnel.counts.received();
                assert!(tunnel.offered > delivered, "nothing is on its way");
                assert!(!tunnel.relay.is_finished());
            }
        });
    });
    // Tasks, counts and the runtime's own come on top.
    let rest = 8 * 1024;
    let most = TUNNELS as u64 * (2 * BUFFER + rest);
    let each = counted.bytes_max / TUNNELS as u64;
    assert!(counted.bytes_max <= most, "{each} octets each: {counted:?}");
    each
}

#[test]
fn row_34_a_stalled_tunnel_holds_two_buffers_at_most() {
    for splice in [false, true] {
        let each = holds_two_buffers_at_most(splice);
        println!("splice {splice}: at most {each} octets for each of {TUNNELS} stalled tunnels");
    }
}
