//! A server in memory, and one origin on loopback that is the enterprise proxy too: nothing else is dialled.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use narrows_endpoint::{Route, Target};
use narrows_server::{Action, Counters, Egress, Policy, Request, Server, Settings};
use narrows_tunnel::Transport;
use narrows_upstream::{Dialer, SystemResolver, Timeouts, Upstream};
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use tokio::time::timeout;

mod strict;

/// What a session has to end in once its client has said everything. Nothing in it waits for a clock; this is
/// for machines that are busy.
const PATIENCE: Duration = Duration::from_secs(20);
/// What waits for a clock instead of an end would wait for this.
const NEVER: Duration = Duration::from_secs(3600);
/// So many turns of all tasks are enough for an exchange with the origin.
const TURNS: usize = 64;
/// What the client and the server have room for at a time.
const PIPE: usize = 4096;

/// A server and its origin, which are used for one input after another.
pub struct House {
    by_proxy: Arc<AtomicBool>,
    counters: Arc<Counters>,
    origin: SocketAddr,
    runtime: Runtime,
    server: Server<Ways, Arc<Counters>>,
    traffic: Arc<Traffic>,
}

/// What a client does when it has said everything.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Client {
    /// Ends soon.
    Leaves,
    /// The same, over HTTP/2.
    Multiplexes,
    /// Reads to the end first.
    Waits,
}

/// What came to the origin.
#[derive(Default)]
struct Traffic {
    /// What it says to whatever comes, and closes then; what is right if there is none.
    answer: Mutex<Option<Vec<u8>>>,
    open: AtomicUsize,
    requests: AtomicUsize,
}

/// Straight to the origin, and everything else to the proxy, which is the origin too.
struct Ways {
    by_proxy: Arc<AtomicBool>,
    origin: Target,
}

impl Policy for Ways {
    type Connection = ();

    fn decide(&self, request: &Request<'_, ()>) -> Action {
        let straight = *request.target == self.origin && !self.by_proxy.load(Ordering::Relaxed);
        Action::forward(if straight {
            Route::Direct
        } else {
            Route::Proxy
        })
    }
}

impl Default for House {
    fn default() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let traffic = Arc::<Traffic>::default();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let origin = listener.local_addr().unwrap();
        runtime.spawn(accept(listener, Arc::clone(&traffic)));
        let by_proxy = Arc::<AtomicBool>::default();
        let ways = Ways {
            by_proxy: Arc::clone(&by_proxy),
            origin: origin.to_string().parse().unwrap(),
        };
        let proxy = format!("http://{origin}").parse().unwrap();
        let egress = Egress::new(Dialer::new(SystemResolver::default(), Timeouts::default()))
            .with_upstream(Arc::new(Upstream::new(proxy)));
        let mut settings = Settings::default();
        settings.head_time = NEVER;
        let counters = Arc::<Counters>::default();
        let server = Server::new(ways, egress, Arc::clone(&counters), settings);
        Self {
            by_proxy,
            counters,
            origin,
            runtime,
            server,
            traffic,
        }
    }
}

impl House {
    /// Serves a client that speaks plain HTTP and says `input` in pieces of so many octets. `ORIGIN` in it is
    /// the origin's address.
    ///
    /// # Panics
    ///
    /// When the session outlives its client, or the origin is asked for something else than whole, unambiguous
    /// requests, or more often than the server says.
    pub fn http(&self, input: &[u8], piece: usize) {
        let input = replace(input, b"ORIGIN", self.origin.to_string().as_bytes());
        // A tunnel straight to the origin would bring it any octets; to the proxy they come behind a CONNECT.
        let has_tunnels = input
            .windows(7)
            .any(|seven| seven.eq_ignore_ascii_case(b"CONNECT"));
        self.by_proxy.store(has_tunnels, Ordering::Relaxed);
        let before = (self.requests(), self.carried());
        let _ = self.session(&input, piece, Client::Leaves);
        let (came, carried) = (self.requests() - before.0, self.carried() - before.1);
        assert!(
            came <= carried,
            "{carried} requests were carried, and {came} came"
        );
    }

    /// Serves a client that speaks HTTP/2 and says `input`, preface and all, in pieces of so many octets.
    ///
    /// # Panics
    ///
    /// When the session outlives its client.
    pub fn h2(&self, input: &[u8], piece: usize) {
        self.by_proxy.store(true, Ordering::Relaxed);
        let _ = self.session(input, piece, Client::Multiplexes);
    }

    /// Serves a client that asks once, by an origin that says `answer` and closes.
    ///
    /// # Panics
    ///
    /// When the session outlives them, or the client gets something else than one unambiguous answer, or a part
    /// of one.
    pub fn answered(&self, answer: &[u8]) {
        self.by_proxy.store(false, Ordering::Relaxed);
        *self.traffic.answer.lock().unwrap() = Some(answer.to_vec());
        let origin = self.origin;
        let ask =
            format!("GET http://{origin}/ HTTP/1.1\r\nHost: {origin}\r\nConnection: close\r\n\r\n");
        strict::read_answer(&self.session(ask.as_bytes(), ask.len(), Client::Waits));
    }

    fn requests(&self) -> usize {
        self.traffic.requests.load(Ordering::Relaxed)
    }

    fn carried(&self) -> usize {
        usize::try_from(self.counters.totals().opened).unwrap()
    }

    /// What the client got.
    fn session(&self, input: &[u8], piece: usize, kind: Client) -> Vec<u8> {
        let (ours, theirs) = duplex(PIPE);
        let client = ([127, 0, 0, 1], 1).into();
        let server = self.server.clone();
        let whole = async {
            let serving = self.runtime.spawn(async move {
                match kind {
                    Client::Multiplexes => server.serve_h2(InMemory(theirs), client, ()).await,
                    _ => server.serve_connection(InMemory(theirs), client, ()).await,
                }
            });
            let got = say(ours, input, piece, kind).await;
            serving.await.unwrap();
            while self.server.connections() > 0 || self.traffic.open.load(Ordering::Relaxed) > 0 {
                yield_now().await;
            }
            got
        };
        let ended = self
            .runtime
            .block_on(async { timeout(PATIENCE, whole).await });
        ended.expect("the session outlives its client")
    }
}

/// Says `input` in pieces, ends, and reads to the end meanwhile.
async fn say(ours: DuplexStream, input: &[u8], piece: usize, kind: Client) -> Vec<u8> {
    let (mut read, mut write) = tokio::io::split(ours);
    let reading = tokio::spawn(async move {
        let mut got = Vec::new();
        read.read_to_end(&mut got).await.unwrap();
        got
    });
    for part in input.chunks(piece.max(1)) {
        if write.write_all(part).await.is_err() {
            break;
        }
        yield_now().await;
    }
    if kind == Client::Waits {
        return reading.await.unwrap();
    }
    // What is under way when a client ends is dropped; it shall have come far before that.
    for _ in 0..TURNS {
        yield_now().await;
    }
    // A server that has closed needs no end.
    let _ = write.shutdown().await;
    reading.await.unwrap()
}

async fn accept(listener: TcpListener, traffic: Arc<Traffic>) {
    loop {
        let (io, _) = listener.accept().await.unwrap();
        traffic.open.fetch_add(1, Ordering::Relaxed);
        let traffic = Arc::clone(&traffic);
        tokio::spawn(async move {
            // The server may go at any time.
            let _ = answer(io, &traffic).await;
            traffic.open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// Answers each request, strictly read; a tunnel gets its octets back.
async fn answer(mut io: TcpStream, traffic: &Traffic) -> io::Result<()> {
    let mut octets = Vec::new();
    loop {
        while let Some(request) = strict::read(&octets) {
            octets.drain(..request.length);
            if request.is_connect {
                io.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                return echo(io, &octets).await;
            }
            traffic.requests.fetch_add(1, Ordering::Relaxed);
            let answer = traffic.answer.lock().unwrap().clone();
            if let Some(answer) = answer {
                return io.write_all(&answer).await;
            }
            let body = if request.is_head { "" } else { "ok" };
            io.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{body}").as_bytes())
                .await?;
        }
        if io.read_buf(&mut octets).await? == 0 {
            return Ok(());
        }
    }
}

async fn echo(mut io: TcpStream, early: &[u8]) -> io::Result<()> {
    io.write_all(early).await?;
    let (mut read, mut write) = io.split();
    tokio::io::copy(&mut read, &mut write).await?;
    Ok(())
}

fn replace(text: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(what.len()).position(|part| part == what) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(with);
        rest = &rest[at + what.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

/// The server's end of a connection.
struct InMemory(DuplexStream);

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
