//! A running server, and the records that it wrote.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use narrows_endpoint::{Hop, Route, Step, Target};
use narrows_server::{
    Action, Drained, Egress, Ended, Observe, Opened, Policy, Refused, Server, Settings,
};
use narrows_upstream::{Dialer, SystemResolver, Timeouts, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    Opened(String),
    Ended {
        blame: Option<(Hop, String)>,
        sent: u64,
        received: u64,
    },
    Refused {
        status: u16,
        hop: Hop,
        step: Step,
        target: String,
        reason: String,
    },
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Arc<Mutex<Vec<Note>>>);

impl Notes {
    pub(crate) fn all(&self) -> Vec<Note> {
        self.0.lock().unwrap().clone()
    }

    /// Waits until so many tunnels have ended.
    pub(crate) async fn ended(&self, number: usize) {
        let ended = |note: &Note| matches!(note, Note::Ended { .. });
        while self.all().into_iter().filter(ended).count() < number {
            tokio::task::yield_now().await;
        }
    }

    fn push(&self, note: Note) {
        self.0.lock().unwrap().push(note);
    }
}

impl Observe for Notes {
    fn opened(&self, opened: &Opened<'_>) {
        self.push(Note::Opened(opened.asked.target.to_string()));
    }

    fn ended(&self, ended: &Ended<'_>) {
        let blame = ended.blame.map(|(hop, how)| (hop, how.to_string()));
        self.push(Note::Ended {
            blame,
            sent: ended.sent,
            received: ended.received,
        });
    }

    fn refused(&self, refused: &Refused<'_>) {
        self.push(Note::Refused {
            status: refused.status,
            hop: refused.hop,
            step: refused.step,
            target: refused.target.to_owned(),
            reason: refused.reason.to_owned(),
        });
    }
}

pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) notes: Notes,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Drained>,
    over_h2: Box<dyn Fn(TcpStream) -> JoinHandle<()> + Send + Sync>,
}

pub(crate) fn direct(_: &Target) -> Action {
    Action::forward(Route::Direct)
}

impl House {
    pub(crate) async fn start() -> Self {
        Self::with(direct, Settings::default()).await
    }

    pub(crate) async fn with(policy: impl Policy<Connection = ()>, settings: Settings) -> Self {
        let dialer = Dialer::new(SystemResolver::default(), Timeouts::default());
        Self::around(policy, Egress::new(dialer), settings).await
    }

    /// At most so many connections to targets are made at a time.
    pub(crate) async fn dialling(most: usize) -> Self {
        let dialer = Dialer::new(SystemResolver::default(), Timeouts::default());
        let egress = Egress::new(dialer).with_dials(most);
        let mut settings = Settings::default();
        // A slow machine has all requests of a test open at once; only the dials are to be short.
        settings.tunnels = 20_000;
        Self::around(direct, egress, settings).await
    }

    /// All requests go to this proxy.
    pub(crate) async fn behind(proxy: &str) -> Self {
        let dialer = Dialer::new(SystemResolver::default(), Timeouts::default());
        let upstream = Arc::new(Upstream::new(proxy.parse().unwrap()));
        let egress = Egress::new(dialer).with_upstream(upstream);
        let policy = |_: &Target| Action::forward(Route::Proxy);
        Self::around(policy, egress, Settings::default()).await
    }

    pub(crate) async fn around(
        policy: impl Policy<Connection = ()>,
        egress: Egress,
        settings: Settings,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let notes = Notes::default();
        let server = Server::new(policy, egress, notes.clone(), settings);
        let (stop, stopped) = oneshot::channel();
        let handle = server.clone();
        let over_h2 = Box::new(move |io: TcpStream| {
            let server = handle.clone();
            tokio::spawn(async move {
                server.serve_h2(io, ([127, 0, 0, 1], 1).into(), ()).await;
            })
        });
        let serving = tokio::spawn(async move {
            server
                .serve(vec![listener], async { drop(stopped.await) })
                .await
        });
        Self {
            address,
            notes,
            stop,
            serving,
            over_h2,
        }
    }

    /// A socket whose other end is served as HTTP/2.
    pub(crate) async fn h2(&self) -> (TcpStream, JoinHandle<()>) {
        let (ours, theirs) = crate::h2::pair().await;
        (ours, self.serve_h2(theirs))
    }

    /// Serves this socket as HTTP/2.
    pub(crate) fn serve_h2(&self, io: TcpStream) -> JoinHandle<()> {
        (self.over_h2)(io)
    }

    pub(crate) async fn client(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and gives everything that comes back until the connection closes.
    pub(crate) async fn say(&self, bytes: &[u8]) -> String {
        let mut client = self.client().await;
        client.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    /// Asks the server to end and says how it went; all records are written then.
    pub(crate) async fn stop(self) -> (Drained, Vec<Note>) {
        drop(self.stop);
        let drained = self.serving.await.unwrap();
        (drained, self.notes.all())
    }
}

/// Opens a tunnel and gives the client's end of it.
pub(crate) async fn open(house: &House, target: SocketAddr, early: &[u8]) -> TcpStream {
    let mut client = house.client().await;
    let head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    client
        .write_all(&[head.as_bytes(), early].concat())
        .await
        .unwrap();
    assert_eq!(
        read_head(&mut client).await,
        "HTTP/1.1 200 Connection established\r\n\r\n"
    );
    client
}

pub(crate) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// A target that answers each line with itself and a mark, and closes when the client does.
pub(crate) async fn target() -> (SocketAddr, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await.unwrap();
        stream.write_all(b"goodbye").await.unwrap();
        heard
    });
    (address, heard)
}
