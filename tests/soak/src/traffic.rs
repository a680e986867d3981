//! The origins and the clients.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::end::{End, Seen};
use crate::ledger::{ClientSaw, Ledger};
use crate::plan::{Book, Id, Plan, Route};
use crate::script;

/// How long anything may take that does not wait on purpose: a machine may be slow, a tunnel that stands is a
/// fault.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// More than ever wait at once.
const BACKLOG: i32 = 4096;

/// What all clients and origins know.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) book: Book,
    pub(crate) ledger: Ledger,
    pub(crate) ports: Ports,
    /// Holds [`Ports::closed`].
    _closed: Arc<Socket>,
    /// The next number of each route.
    serials: Arc<[AtomicU64; 4]>,
}

/// Where targets are, at every address of 127.0.0.0/8.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) busy: u16,
    pub(crate) idle: u16,
    pub(crate) closed: u16,
}

impl Ports {
    /// Denied by a rule.
    pub(crate) const DENIED: u16 = 9;
    /// Below those that the gateway carries.
    pub(crate) const NOT_CARRIED: u16 = 11;
}

// === impl World ===

impl World {
    /// Starts the origins.
    pub(crate) fn start(book: Book, ledger: Ledger) -> io::Result<Self> {
        let (busy, idle) = (listen()?, listen()?);
        // Whoever has a port and does not listen refuses connections, and nobody else can have it.
        let closed = socket()?;
        let ports = Ports {
            busy: busy.local_addr()?.port(),
            idle: idle.local_addr()?.port(),
            closed: port(&closed)?,
        };
        let world = Self {
            book,
            ledger,
            ports,
            _closed: Arc::new(closed),
            serials: Arc::default(),
        };
        tokio::spawn(world.clone().serve(busy, Book::plan));
        tokio::spawn(world.clone().serve(idle, Book::idle));
        Ok(world)
    }

    async fn serve(self, listener: TcpListener, plan: fn(Book, Id) -> Plan) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(self.clone().origin(stream, plan))),
                Err(error) => self
                    .ledger
                    .fault(format!("an origin cannot accept: {error}")),
            }
        }
    }

    async fn origin(self, stream: TcpStream, plan: fn(Book, Id) -> Plan) {
        let Ok(SocketAddr::V4(local)) = stream.local_addr() else {
            return self.ledger.fault("an origin has no address".to_owned());
        };
        let id = Id::of(*local.ip());
        let _ = stream.set_nodelay(true);
        let mut end = End::origin(stream, id);
        let done =
            tokio::time::timeout(PATIENCE, script::origin(&mut end, plan(self.book, id))).await;
        let seen = end.seen();
        // The other end must not learn of the end before it is written down.
        if !matches!(done, Ok(Ok(()))) {
            let what = format!("{id}: the origin: {done:?} after {seen:?}");
            self.ledger.fault(what);
        }
        self.ledger.origin(id, seen);
    }

    /// Keeps so many busy and so many idle clients going at this proxy, until it is told to stop; returns when
    /// all have ended.
    pub(crate) async fn load(
        &self,
        route: Route,
        proxy: SocketAddr,
        (busy, idle): (usize, usize),
        stop: watch::Receiver<bool>,
    ) {
        let mut clients = JoinSet::new();
        for number in 0..busy + idle {
            let (world, mut stop) = (self.clone(), stop.clone());
            clients.spawn(async move {
                while !*stop.borrow() {
                    let serial = world.serials[route as usize].fetch_add(1, Ordering::Relaxed);
                    let id = Id::new(route, serial);
                    world.ask(id, proxy, number < busy, &mut stop).await;
                }
            });
        }
        while clients.join_next().await.is_some() {}
    }

    async fn ask(&self, id: Id, proxy: SocketAddr, busy: bool, stop: &mut watch::Receiver<bool>) {
        let (plan, port) = if busy {
            let plan = self.book.plan(id);
            (plan, self.port(plan))
        } else {
            (self.book.idle(id), self.ports.idle)
        };
        let target = SocketAddr::from((id.address(), port));
        self.ledger.asks(id, plan);
        let mut saw = ClientSaw {
            status: 0,
            seen: Seen::default(),
        };
        let asked = async {
            let mut end = End::client(connect(id, proxy).await?, id);
            let done = match plan {
                Plan::Plain { up, down } => plain(&mut end, target, (up, down), &mut saw).await,
                _ => tunnel(&mut end, target, plan, &mut saw, stop).await,
            };
            saw.seen = end.seen();
            done
        };
        let began = Instant::now();
        let done = tokio::time::timeout(PATIENCE, asked).await;
        if !matches!(done, Ok(Ok(()))) {
            let what = format!(
                "{id} ({}, {plan:?}): the client: {done:?} after {:?}, {saw:?}",
                id.route(),
                began.elapsed()
            );
            self.ledger.fault(what);
        }
        self.ledger.client(id, saw);
    }

    const fn port(&self, plan: Plan) -> u16 {
        match plan {
            Plan::Denied => Ports::DENIED,
            Plan::NotCarried => Ports::NOT_CARRIED,
            Plan::Closed => self.ports.closed,
            _ => self.ports.busy,
        }
    }
}

/// Opens a tunnel and plays the client's part in it.
async fn tunnel(
    end: &mut End,
    target: SocketAddr,
    plan: Plan,
    saw: &mut ClientSaw,
    stop: &mut watch::Receiver<bool>,
) -> io::Result<()> {
    let head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: soak\r\n\r\n");
    end.say(head.as_bytes()).await?;
    saw.status = status(&end.head().await?)?;
    end.begin();
    if saw.status == 200 {
        script::client(end, plan, stop).await?;
    }
    Ok(())
}

/// Asks for a page of plain HTTP; counts the bodies alone, since heads are rewritten on the way.
async fn plain(
    end: &mut End,
    target: SocketAddr,
    (up, down): (u64, u64),
    saw: &mut ClientSaw,
) -> io::Result<()> {
    let head = format!(
        "POST http://{target}/soak HTTP/1.1\r\nHost: {target}\r\nContent-Length: {up}\r\n\
         Connection: close\r\n\r\n"
    );
    end.say(head.as_bytes()).await?;
    end.begin();
    end.send(up).await?;
    let sent = end.seen().sent;
    saw.status = status(&end.head().await?)?;
    end.begin();
    end.take(down).await?;
    end.finish().await?;
    end.ended().await?;
    end.count_as_sent(sent);
    Ok(())
}

/// The status of an answer's head.
fn status(head: &str) -> io::Result<u16> {
    let status = head
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3));
    status
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| io::Error::other(format!("not an answer: {head}")))
}

/// Connects from one of many addresses, so that no port is wanted again before the system gives it back.
async fn connect(id: Id, proxy: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    let [.., last] = id.address().octets();
    socket.bind((Ipv4Addr::new(127, 0, 0, last.max(2)), 0).into())?;
    let stream = socket.connect(proxy).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Listens at every loopback address, on a free port.
fn listen() -> io::Result<TcpListener> {
    let socket = socket()?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}

/// A socket with a free port of every address, as far as the loopback device has it.
fn socket() -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind_device(Some(b"lo"))?;
    socket.bind(&SocketAddr::from((IpAddr::from([0, 0, 0, 0]), 0)).into())?;
    Ok(socket)
}

fn port(socket: &Socket) -> io::Result<u16> {
    let address = socket.local_addr()?.as_socket();
    address
        .map(|address| address.port())
        .ok_or_else(|| io::Error::other("no port"))
}
