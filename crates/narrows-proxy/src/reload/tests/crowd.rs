//! Ten thousand tunnels, a hundred reloads: none is lost, and no request is served by two configurations.
//!
//! The client's legs are in memory, and the targets leave what comes in their queues until the end: a tunnel
//! costs this process one descriptor.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use narrows_server::Server;
use narrows_tunnel::Transport;
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex,
};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;

use super::*;

const TUNNELS: usize = 10_000;
const RELOADS: usize = 100;
/// Tunnels that are being opened, and requests that are under way, at a time.
const AT_ONCE: usize = 64;
const ASKING: usize = 4;

pub(super) struct InMemory(pub(super) DuplexStream);

impl Transport for InMemory {
    fn reset_on_drop(&mut self) {}
}

impl AsyncRead for InMemory {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for InMemory {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

pub(super) type Proxy = Server<RulePolicy, ()>;

/// Asks for a tunnel and gives the client's end of it with the answer's head read.
pub(super) async fn open(server: &Proxy, target: SocketAddr) -> DuplexStream {
    let (mut ours, theirs) = duplex(256);
    let server = server.clone();
    tokio::spawn(async move {
        let client = (Ipv4Addr::LOCALHOST, 40_000).into();
        server.serve_connection(InMemory(theirs), client, ()).await;
    });
    let head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    ours.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(ours.read_u8().await.unwrap());
    }
    assert!(
        answer.starts_with(b"HTTP/1.1 200 "),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    ours
}

/// Listeners that hold so many connections in their queues, without anybody who accepts.
fn queues(connections: usize) -> Vec<TcpListener> {
    let most = std::fs::read_to_string("/proc/sys/net/core/somaxconn");
    let most = most.ok().and_then(|most| most.trim().parse::<u32>().ok());
    // The queue of one more than was asked for is the system's affair.
    let room = most.unwrap_or(128).min(2048) as usize;
    let listeners = (0..connections.div_ceil(room / 2)).map(|_| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        socket.listen(u32::try_from(room).unwrap()).unwrap()
    });
    listeners.collect()
}

/// An enterprise proxy that opens every tunnel, ends it, and keeps who was asked for.
async fn enterprise_proxy() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard = Arc::<Mutex<Vec<String>>>::default();
    let hears = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let hears = Arc::clone(&hears);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(octet) = stream.read_u8().await else {
                        return;
                    };
                    head.push(octet);
                }
                let head = String::from_utf8(head).unwrap();
                let target = head.split(' ').nth(1).unwrap().to_owned();
                hears.lock().unwrap().push(target);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            });
        }
    });
    (address, heard)
}

/// A target that takes every connection and ends it.
async fn target(ip: [u8; 4]) -> SocketAddr {
    let listener = TcpListener::bind(SocketAddr::from((ip, 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    address
}

/// A proxy whose configuration is read from a file, without listeners.
pub(super) fn proxy(dir: &TempDir, file: &str) -> (Proxy, Reloader) {
    let path = dir.path().join("proxy.toml");
    std::fs::write(&path, file).unwrap();
    let (cli, origins) = cli::parse(["narrows-proxy", "--config", path.to_str().unwrap()]).unwrap();
    let sources = Sources::new(cli.options, origins, Box::new(|_| None));
    let settings = sources.settings().unwrap();
    let ways = ways::ways(&settings, None).unwrap();
    let egress = ways::egress(&settings, ways.clone(), vec![]);
    let policy = RulePolicy::new(&settings).unwrap();
    let server = Server::new(policy.clone(), egress, (), settings.server.clone());
    let reloaded = server.clone();
    let apply: Box<Apply> = Box::new(move |policy, egress, settings, _| {
        reloaded.reload(policy, egress, settings.server.clone())
    });
    (
        server,
        Reloader::new(sources, &settings, policy, ways, vec![], None, apply),
    )
}

/// Row 45, at its size. By one configuration the first name goes through proxy A and the second straight; by
/// the other the first goes straight and the second through proxy B. Rules of one with ways of the other
/// would have A hear of the second, or B of the first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_45_ten_thousand_tunnels_and_a_hundred_reloads() {
    let descriptors = descriptors::raise_descriptors().unwrap_or(u64::MAX);
    let room = usize::try_from(descriptors.saturating_sub(1000)).unwrap_or(usize::MAX);
    assert!(
        room > 2000,
        "{descriptors} descriptors are too few for a crowd"
    );
    let ((a, a_heard), (b, b_heard)) = (enterprise_proxy().await, enterprise_proxy().await);
    let (first, second) = (target([127, 0, 0, 2]).await, target([127, 0, 0, 3]).await);
    let file = |proxy: SocketAddr, straight: SocketAddr| {
        let ip = straight.ip();
        format!("proxy.url = \"http://{proxy}\"\nrules.bypass = [\"127.0.0.1\", \"{ip}\"]\n")
    };
    let files = [
        file(a, second),
        file(b, first),
        file(a, second) + "rules.defalt = \"deny\"\n",
    ];
    let dir = tempfile::tempdir().unwrap();
    let (server, reloader) = proxy(&dir, &files[0]);

    let mut crowd = crowd(&server, TUNNELS.min(room)).await;
    let (stop, asked) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let mut asking = JoinSet::new();
    for _ in 0..ASKING {
        let (server, stop, asked) = (server.clone(), Arc::clone(&stop), Arc::clone(&asked));
        asking.spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                drop(open(&server, first).await);
                drop(open(&server, second).await);
                asked.fetch_add(1, Ordering::SeqCst);
            }
        });
    }

    let (path, beside) = (dir.path().join("proxy.toml"), dir.path().join("new"));
    for n in 1..=RELOADS {
        let broken = n % 10 == 0;
        let file = &files[if broken { 2 } else { n % 2 }];
        std::fs::write(&beside, file).unwrap();
        std::fs::rename(&beside, &path).unwrap();
        match tokio::task::block_in_place(|| reloader.reload()) {
            Outcome::Refused(why) if broken => assert!(why[0].contains("proxy.toml:3"), "{why:?}"),
            // What was broken held nothing up: the same file as before it is no change.
            Outcome::Applied { .. } if !broken => {}
            other => panic!("{n}: {other:?}"),
        }
        // Requests begin and end under each of them.
        let before = asked.load(Ordering::SeqCst);
        while asked.load(Ordering::SeqCst) <= before {
            tokio::task::yield_now().await;
        }
    }
    stop.store(true, Ordering::SeqCst);
    while let Some(ended) = asking.join_next().await {
        ended.unwrap();
    }

    let applied = RELOADS - RELOADS / 10;
    assert_eq!(server.generation(), 1 + applied as u64);
    for (heard, only) in [(a_heard, first), (b_heard, second)] {
        let heard = heard.lock().unwrap();
        assert!(!heard.is_empty());
        assert!(heard.iter().all(|target| *target == only.to_string()));
    }
    assert_eq!(crowd.count_alive().await, crowd.clients.len());
}

/// Open tunnels, and the queues that hold their far ends.
struct Crowd {
    clients: Vec<DuplexStream>,
    queues: Vec<TcpListener>,
}

async fn crowd(server: &Proxy, tunnels: usize) -> Crowd {
    let queues = queues(tunnels);
    let addresses: Vec<_> = queues
        .iter()
        .map(|queue| queue.local_addr().unwrap())
        .collect();
    let mut clients = Vec::with_capacity(tunnels);
    let mut opening = JoinSet::new();
    for n in 0..tunnels {
        if opening.len() >= AT_ONCE {
            clients.push(opening.join_next().await.unwrap().unwrap());
        }
        let (server, target) = (server.clone(), addresses[n % addresses.len()]);
        opening.spawn(async move { open(&server, target).await });
    }
    while let Some(opened) = opening.join_next().await {
        clients.push(opened.unwrap());
    }
    Crowd { clients, queues }
}

impl Crowd {
    /// How many tunnels carry an octet each way, and end as their targets end them.
    async fn count_alive(&mut self) -> usize {
        for client in &mut self.clients {
            client.write_all(b"?").await.unwrap();
        }
        let total = self.clients.len();
        let mut answered = 0;
        for (at, queue) in self.queues.iter().enumerate() {
            let of_queue = (total + self.queues.len() - 1 - at) / self.queues.len();
            for _ in 0..of_queue {
                let (mut far, _) = queue.accept().await.unwrap();
                assert_eq!(far.read_u8().await.unwrap(), b'?');
                far.write_all(b"!").await.unwrap();
                answered += 1;
            }
        }
        let mut alive = 0;
        for client in &mut self.clients {
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).await.unwrap();
            alive += usize::from(answer == b"!");
        }
        assert_eq!(answered, alive);
        alive
    }
}
