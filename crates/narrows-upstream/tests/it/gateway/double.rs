//! A gateway that does what the target's name says, and counts what it is asked for.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::{Reason, RecvStream, SendStream};
use http::Response;
use narrows_endpoint::Target;
use narrows_upstream::{Dialer, Gateway, GatewayConfig, Protocol, StaticResolver, Timeouts};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The name that the double's certificate bears, and the resolver knows.
pub(crate) const NAME: &str = "gateway.example";

/// Targets whose names say what the double does for them.
pub(crate) const ECHO: &str = "echo.example:443";
/// Greets before anything is sent, glued to the answer if the protocol can.
pub(crate) const GREETING: &str = "greeting.example:443";
/// Answers 403.
pub(crate) const REFUSED: &str = "refused.example:443";
/// Answers 407.
pub(crate) const LOGIN: &str = "login.example:443";
/// Never answers.
pub(crate) const SILENT: &str = "silent.example:443";
/// Ends the session or stream instead of answering.
pub(crate) const CLOSED: &str = "closed.example:443";
/// Opens, waits for one octet, and resets.
pub(crate) const RESET: &str = "reset.example:443";
/// Opens and never reads.
pub(crate) const HOLE: &str = "hole.example:443";
/// Sends [`FLOOD_OCTETS`] and ends.
pub(crate) const FLOOD: &str = "flood.example:443";
/// Opens, ends its direction at once, and then counts what it receives until the end.
pub(crate) const SINK: &str = "sink.example:443";

/// Many times a first window.
pub(crate) const FLOOD_OCTETS: usize = 24 << 20;

/// An authority made for one test.
pub(crate) struct Authority {
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate and its key, in PEM.
    pub(crate) fn sign(&self, change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([NAME.to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// A server's side of TLS with a certificate of this authority.
    pub(crate) fn server(&self, change: impl FnOnce(&mut CertificateParams)) -> ServerConfig {
        let builder = ServerConfig::builder_with_provider(provider());
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([NAME.to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        builder
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}

pub(crate) fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// What a double has seen.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) connections: AtomicUsize,
    pub(crate) handshakes: AtomicUsize,
    /// Handshakes under way at most at once.
    pub(crate) at_once: AtomicUsize,
    now: AtomicUsize,
    /// The heads of all nested CONNECTs; for HTTP/2 written as `CONNECT target authorization`.
    pub(crate) heads: Mutex<Vec<String>>,
    /// How the last stream was reset by the client.
    pub(crate) resets: Mutex<Vec<Reason>>,
    /// What floods have sent, in octets.
    pub(crate) flooded: AtomicUsize,
    /// What sinks received, in octets.
    pub(crate) sunk: AtomicUsize,
    /// Something was counted.
    pub(crate) changed: Notify,
}

/// A path on which everything takes `each_way`; gives the address of its near end.
pub(crate) async fn long_path(to: SocketAddr, each_way: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(to).await.unwrap();
            near.set_nodelay(true).unwrap();
            far.set_nodelay(true).unwrap();
            let (near_read, near_write) = near.into_split();
            let (far_read, far_write) = far.into_split();
            tokio::spawn(carry(near_read, far_write, each_way));
            tokio::spawn(carry(far_read, near_write, each_way));
        }
    });
    addr
}

/// A path that says how often something came back from its far end; gives the address of its near end.
pub(crate) async fn watched_path(to: SocketAddr) -> (SocketAddr, mpsc::UnboundedReceiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (told, came) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (near, _) = listener.accept().await.unwrap();
        let far = TcpStream::connect(to).await.unwrap();
        let (mut near_read, mut near_write) = near.into_split();
        let (mut far_read, mut far_write) = far.into_split();
        tokio::spawn(async move { tokio::io::copy(&mut near_read, &mut far_write).await });
        let mut buf = BytesMut::new();
        while let Ok(1..) = far_read.read_buf(&mut buf).await {
            let _ = near_write.write_all_buf(&mut buf).await;
            let _ = told.send(());
        }
    });
    (addr, came)
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Duration) {
    let (sender, mut receiver) = mpsc::unbounded_channel::<(_, Bytes)>();
    tokio::spawn(async move {
        while let Some((due, bytes)) = receiver.recv().await {
            tokio::time::sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    let mut buf = BytesMut::new();
    while let Ok(1..) = from.read_buf(&mut buf).await {
        let due = tokio::time::Instant::now() + delay;
        if sender.send((due, buf.split().freeze())).is_err() {
            return;
        }
        buf.reserve(65536);
    }
}

/// A gateway on a loopback port.
pub(crate) struct Double {
    pub(crate) addr: SocketAddr,
    pub(crate) authority: Authority,
    pub(crate) seen: Arc<Seen>,
    orders: watch::Sender<Order>,
    accepting: JoinHandle<()>,
    settings: Settings,
}

/// How a double behaves.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    pub(crate) alpn: Vec<&'static str>,
    /// The most streams of a session; the protocol's default if `None`.
    pub(crate) streams: Option<u32>,
    /// How long a handshake takes at least.
    pub(crate) slow: Duration,
}

/// What all connections are told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Serve,
    /// Send GOAWAY, and finish what is open.
    Drain,
    /// Close sessions that wait for a CONNECT.
    CloseIdle,
    /// Go, by RST.
    Die,
    /// Keep the connection and do nothing any more.
    Freeze,
}

impl Double {
    pub(crate) async fn h1() -> Self {
        Self::start(Settings {
            alpn: vec!["http/1.1"],
            ..Settings::default()
        })
        .await
    }

    pub(crate) async fn h2() -> Self {
        Self::start(Settings {
            alpn: vec!["h2"],
            ..Settings::default()
        })
        .await
    }

    pub(crate) async fn start(settings: Settings) -> Self {
        let authority = Authority::new("Test CA");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (orders, _) = watch::channel(Order::Serve);
        let mut double = Self {
            addr,
            authority,
            seen: Arc::default(),
            orders,
            accepting: tokio::spawn(async {}),
            settings,
        };
        double.serve(listener);
        double
    }

    /// Serves again after [`Order::Die`], on the same port.
    pub(crate) async fn restart(&mut self) {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.addr).unwrap();
        self.orders.send_replace(Order::Serve);
        self.serve(socket.listen(128).unwrap());
    }

    fn serve(&mut self, listener: TcpListener) {
        let mut tls = self.authority.server(|_| {});
        tls.alpn_protocols = self
            .settings
            .alpn
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let seen = self.seen.clone();
        let orders = self.orders.subscribe();
        let settings = self.settings.clone();
        self.accepting = tokio::spawn(async move {
            while let Ok((io, _)) = listener.accept().await {
                seen.connections.fetch_add(1, Ordering::SeqCst);
                let (acceptor, seen) = (acceptor.clone(), seen.clone());
                let (orders, settings) = (orders.clone(), settings.clone());
                tokio::spawn(connection(io, acceptor, seen, orders, settings));
            }
        });
    }

    pub(crate) fn order(&self, order: Order) {
        if order == Order::Die {
            self.accepting.abort();
        }
        self.orders.send_replace(order);
    }

    pub(crate) fn config(&self) -> GatewayConfig {
        self.config_at(self.addr)
    }

    /// For a double that is reached at another address.
    pub(crate) fn config_at(&self, addr: SocketAddr) -> GatewayConfig {
        GatewayConfig::new(format!("{NAME}:{}", addr.port()).parse().unwrap())
            .with_authorities(self.authority.pem.as_bytes())
            .unwrap()
    }

    pub(crate) fn gateway(&self) -> Gateway {
        Gateway::new(self.config()).unwrap()
    }

    pub(crate) fn handshakes(&self) -> usize {
        self.seen.handshakes.load(Ordering::SeqCst)
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.seen.heads.lock().unwrap().clone()
    }

    /// Waits until what was seen is so.
    pub(crate) async fn until(&self, mut so: impl FnMut(&Seen) -> bool) {
        let wait = async {
            loop {
                let changed = self.seen.changed.notified();
                if so(&self.seen) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait)
            .await
            .expect("it never came to that");
    }
}

pub(crate) fn target(text: &str) -> Target {
    text.parse().unwrap()
}

pub(crate) fn protocols() -> [(Protocol, Settings); 2] {
    [
        (
            Protocol::H1,
            Settings {
                alpn: vec!["http/1.1"],
                ..Settings::default()
            },
        ),
        (
            Protocol::H2,
            Settings {
                alpn: vec!["h2"],
                ..Settings::default()
            },
        ),
    ]
}

/// A dialler that knows the gateway's name and `other.example`, with these timeouts.
pub(crate) fn dialer(timeouts: Timeouts) -> Dialer {
    let here = [[127, 0, 0, 1].into()];
    let resolver = StaticResolver::new()
        .with(NAME.parse().unwrap(), here)
        .with("other.example".parse().unwrap(), here);
    Dialer::new(resolver, timeouts)
}

async fn connection(
    io: TcpStream,
    acceptor: TlsAcceptor,
    seen: Arc<Seen>,
    mut orders: watch::Receiver<Order>,
    settings: Settings,
) {
    io.set_nodelay(true).unwrap();
    let now = seen.now.fetch_add(1, Ordering::SeqCst) + 1;
    seen.at_once.fetch_max(now, Ordering::SeqCst);
    tokio::time::sleep(settings.slow).await;
    let accepted = acceptor.accept(io).await;
    seen.now.fetch_sub(1, Ordering::SeqCst);
    let Ok(io) = accepted else { return };
    seen.handshakes.fetch_add(1, Ordering::SeqCst);
    seen.changed.notify_waiters();
    // The socket's own handle, to reset what a library owns.
    let socket = socket2::SockRef::from(io.get_ref().0).try_clone().unwrap();
    let h2 = io.get_ref().1.alpn_protocol() == Some(b"h2");
    let (mut die, mut freeze) = (orders.clone(), orders.clone());
    let serve = async {
        if h2 {
            serve_h2(io, &seen, &mut orders, settings).await;
        } else {
            serve_h1(io, &seen, &mut orders).await;
        }
    };
    tokio::select! {
        () = serve => {}
        () = told(&mut freeze, Order::Freeze) => std::future::pending().await,
        () = told(&mut die, Order::Die) => {
            socket.set_linger(Some(Duration::ZERO)).unwrap();
        }
    }
}

async fn told(orders: &mut watch::Receiver<Order>, wanted: Order) {
    // A double that was dropped gives no more orders.
    if orders.wait_for(|order| *order == wanted).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn serve_h1(mut io: TlsStream<TcpStream>, seen: &Seen, orders: &mut watch::Receiver<Order>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        tokio::select! {
            read = io.read_buf(&mut head) => if read.unwrap_or(0) == 0 { return },
            () = told(orders, Order::CloseIdle) => {
                let _ = io.shutdown().await;
                return;
            }
        }
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.split(' ').nth(1).unwrap().to_owned();
    seen.heads.lock().unwrap().push(head);
    seen.changed.notify_waiters();
    let answer: &[u8] = match &target[..] {
        REFUSED => b"HTTP/1.1 403 Forbidden\r\nProxy-Status: gw; error=http_request_denied; details=\"not carried\"\r\nContent-Length: 11\r\n\r\nnot carried",
        LOGIN => b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Bearer realm=\"gw\"\r\nContent-Length: 0\r\n\r\n",
        GREETING => b"HTTP/1.1 200 OK\r\n\r\n220 ready",
        SILENT | CLOSED => b"",
        _ => b"HTTP/1.1 200 OK\r\n\r\n",
    };
    let _ = io.write_all(answer).await;
    let _ = io.flush().await;
    match &target[..] {
        ECHO | GREETING => {
            let (mut from, mut to) = tokio::io::split(io);
            let _ = tokio::io::copy(&mut from, &mut to).await;
            let _ = to.shutdown().await;
        }
        SILENT | HOLE => std::future::pending().await,
        RESET => {
            let _ = io.read(&mut [0]).await;
            let socket = socket2::SockRef::from(io.get_ref().0);
            socket.set_linger(Some(Duration::ZERO)).unwrap();
        }
        SINK => {
            let _ = io.shutdown().await;
            let mut buf = vec![0; 65536];
            while let Ok(read @ 1..) = io.read(&mut buf).await {
                seen.sunk.fetch_add(read, Ordering::SeqCst);
            }
            seen.changed.notify_waiters();
        }
        FLOOD => {
            let _ = io.write_all(&vec![7; FLOOD_OCTETS]).await;
            let _ = io.shutdown().await;
        }
        _ => {}
    }
}

async fn serve_h2(
    io: TlsStream<TcpStream>,
    seen: &Arc<Seen>,
    orders: &mut watch::Receiver<Order>,
    settings: Settings,
) {
    let mut builder = h2::server::Builder::new();
    if let Some(streams) = settings.streams {
        builder.max_concurrent_streams(streams);
    }
    let Ok(mut connection) = builder.handshake::<_, Bytes>(io).await else {
        return;
    };
    let mut streams = JoinSet::new();
    let mut draining = false;
    loop {
        tokio::select! {
            accepted = connection.accept() => {
                let Some(Ok((request, answer))) = accepted else { return };
                let target = request.uri().authority().unwrap().to_string();
                let login = request.headers().get("proxy-authorization");
                let login = login.map_or("", |value| value.to_str().unwrap());
                seen.heads.lock().unwrap().push(format!("CONNECT {target} {login}"));
                seen.changed.notify_waiters();
                streams.spawn(stream(target, request.into_body(), answer, seen.clone()));
            }
            () = told(orders, Order::Drain), if !draining => {
                draining = true;
                connection.graceful_shutdown();
            }
        }
    }
}

async fn stream(
    target: String,
    mut receive: RecvStream,
    mut answer: h2::server::SendResponse<Bytes>,
    seen: Arc<Seen>,
) {
    let respond = |status: u16| Response::builder().status(status);
    match &target[..] {
        SILENT => std::future::pending::<()>().await,
        CLOSED => return answer.send_reset(Reason::CONNECT_ERROR),
        REFUSED => {
            let head = respond(403).header(
                "proxy-status",
                "gw; error=http_request_denied; details=\"not carried\"",
            );
            let mut send = answer.send_response(head.body(()).unwrap(), false).unwrap();
            return send.send_data("not carried".into(), true).unwrap();
        }
        LOGIN => {
            let head = respond(407).header("proxy-authenticate", "Bearer realm=\"gw\"");
            answer.send_response(head.body(()).unwrap(), true).unwrap();
            return;
        }
        _ => {}
    }
    let mut send = answer
        .send_response(respond(200).body(()).unwrap(), false)
        .unwrap();
    match &target[..] {
        ECHO | GREETING => {
            if target == GREETING {
                send.send_data("220 ready".into(), false).unwrap();
            }
            while let Some(data) = receive.data().await {
                let Ok(data) = data else {
                    return note_reset(&seen, &data.unwrap_err());
                };
                let _ = receive.flow_control().release_capacity(data.len());
                if !send_all(&mut send, data, &seen).await {
                    return;
                }
            }
            let _ = send.send_data(Bytes::new(), true);
        }
        HOLE => {
            let reset = poll_fn(|cx| send.poll_reset(cx)).await;
            seen.resets.lock().unwrap().extend(reset);
            seen.changed.notify_waiters();
        }
        RESET => {
            let _ = receive.data().await;
            send.send_reset(Reason::CONNECT_ERROR);
        }
        SINK => {
            send.send_data(Bytes::new(), true).unwrap();
            while let Some(Ok(data)) = receive.data().await {
                let _ = receive.flow_control().release_capacity(data.len());
                seen.sunk.fetch_add(data.len(), Ordering::SeqCst);
            }
            seen.changed.notify_waiters();
        }
        FLOOD if send_all(&mut send, vec![7; FLOOD_OCTETS].into(), &seen).await => {
            let _ = send.send_data(Bytes::new(), true);
        }
        _ => {}
    }
}

/// Sends as the client's windows allow; says whether it all went.
async fn send_all(send: &mut SendStream<Bytes>, mut data: Bytes, seen: &Seen) -> bool {
    while !data.is_empty() {
        send.reserve_capacity(data.len());
        match poll_fn(|cx| send.poll_capacity(cx)).await {
            Some(Ok(room)) => {
                let part = data.split_to(room.min(data.len()));
                seen.flooded.fetch_add(part.len(), Ordering::SeqCst);
                seen.changed.notify_waiters();
                send.send_data(part, false).unwrap();
            }
            Some(Err(error)) => {
                note_reset(seen, &error);
                return false;
            }
            None => return false,
        }
    }
    true
}

fn note_reset(seen: &Seen, error: &h2::Error) {
    seen.resets.lock().unwrap().extend(error.reason());
    seen.changed.notify_waiters();
}
