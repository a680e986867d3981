//! HTTP/2: many tunnels on a few sessions.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, timeout};

use super::handshake::TlsSession;
use super::lock;
use super::overheard::Overheard;
use crate::error::DialErrorKind;
use crate::tls_fault::TlsFault;
use crate::{Timeouts, window};

mod connect;
mod drive;
mod stream;
mod unanswered;

pub(super) use stream::H2Stream;

/// The most sessions with one gateway.
pub(super) const MAX_SESSIONS: usize = 32;
/// The most tunnels on one session, however many the gateway would take.
pub(super) const MAX_STREAMS: usize = 100;
/// The largest answer head that is read, in octets.
const MAX_HEAD: u32 = 16 * 1024;

/// The sessions that take new tunnels, oldest first.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    list: Mutex<Vec<Session>>,
    /// A tunnel ended, so there may be room.
    freed: Arc<Notify>,
}

/// One session; clones are the same session. It ends when all clones and tunnels are gone.
#[derive(Clone, Debug)]
pub(super) struct Session {
    requests: SendRequest<Bytes>,
    state: Arc<State>,
    peer: SocketAddr,
}

/// What the tunnels of a session and the task that drives it tell each other.
#[derive(Debug)]
struct State {
    load: Mutex<Load>,
    /// The windows may need another size.
    resize: Notify,
    /// The gateway stopped answering pings.
    silent: AtomicBool,
    /// Closed when the gateway's settings are known, or the session has ended.
    settled: Semaphore,
    /// The alert that ended the session.
    alert: Arc<OnceLock<TlsFault>>,
}

#[derive(Debug)]
struct Load {
    streams: usize,
    /// The streams' flow-control window, in octets.
    window: u32,
    /// A stream was limited by its window.
    hungry: bool,
    /// The shortest round trip seen.
    rtt: Option<Duration>,
    /// When the last tunnel ended.
    idle_since: Instant,
}

/// Room for one tunnel on a session; dropping it frees the room.
#[derive(Debug)]
pub(super) struct Slot {
    session: Session,
    /// How many tunnels there were before it.
    place: usize,
    freed: Arc<Notify>,
}

// === impl Sessions ===

impl Sessions {
    /// Adds a session that takes tunnels from now on.
    pub(super) fn add(&self, session: Session) {
        lock(&self.list).push(session);
        self.freed.notify_waiters();
    }

    /// Takes room on the oldest session that has some, so that newer ones run empty again.
    pub(super) fn reserve(&self) -> Option<Slot> {
        let mut list = lock(&self.list);
        list.retain_mut(Session::is_open);
        let full = list.len() >= MAX_SESSIONS;
        let take = |beyond| {
            let mut sessions = list.iter();
            sessions.find_map(|session| Some((session, session.take_room(beyond)?)))
        };
        // Rather than turning tunnels away, windows that have grown are overcommitted: the connection's
        // window still bounds the memory.
        let (session, place) = take(false).or_else(|| full.then(|| take(true)).flatten())?;
        Some(Slot {
            session: session.clone(),
            place,
            freed: self.freed.clone(),
        })
    }

    /// Whether another session may be made.
    pub(super) fn may_grow(&self) -> bool {
        let mut list = lock(&self.list);
        list.retain_mut(Session::is_open);
        list.len() < MAX_SESSIONS
    }

    /// Whether a tunnel would have to wait for a new session.
    pub(super) fn lacks_room(&self) -> bool {
        let mut list = lock(&self.list);
        list.retain_mut(Session::is_open);
        list.len() < MAX_SESSIONS && !list.iter().any(Session::has_room)
    }

    /// Lets sessions go that carry nothing for `idle`, but for `keep` of them; and dead ones.
    pub(super) fn tidy(&self, idle: Duration, keep: usize) {
        let mut list = lock(&self.list);
        list.retain_mut(Session::is_open);
        let mut spare = list.len().saturating_sub(keep);
        list.retain(|session| {
            let load = lock(&session.state.load);
            let go = spare > 0 && load.streams == 0 && load.idle_since.elapsed() >= idle;
            spare -= usize::from(go);
            !go
        });
    }

    /// Waits until room may have come.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// How many sessions there are, and how many tunnels on them.
    pub(super) fn count(&self) -> (usize, usize) {
        let list = lock(&self.list);
        let tunnels = list.iter().map(|session| lock(&session.state.load).streams);
        (list.len(), tunnels.sum())
    }
}

// === impl Session ===

impl Session {
    /// Begins HTTP/2 on a TLS session, with a task of its own that lives as long as the session.
    pub(super) async fn start(
        session: TlsSession,
        timeouts: Timeouts,
    ) -> Result<Self, DialErrorKind> {
        let TlsSession { mut io, peer } = session;
        io.get_mut().1.set_buffer_limit(Some(window::TLS_BUFFER));
        let heard = io.get_ref().0.heard().clone();
        let io = Overheard::new(io);
        let alert = io.alert().clone();
        let handshake = Builder::new()
            .enable_push(false)
            .initial_window_size(window::FIRST)
            .initial_connection_window_size(window::CONNECTION)
            .max_frame_size(window::FRAME)
            // Until the gateway has said how many it takes; the others wait.
            .initial_max_send_streams(1)
            .max_header_list_size(MAX_HEAD)
            .max_send_buffer_size(window::SEND_BUFFER)
            .handshake(io);
        let (requests, connection) = match timeout(timeouts.tls, handshake).await {
            Ok(started) => started.map_err(connect::kind)?,
            Err(_) => return Err(DialErrorKind::Silent),
        };
        let state = Arc::new(State {
            load: Mutex::new(Load {
                streams: 0,
                window: window::FIRST,
                hungry: false,
                rtt: None,
                idle_since: Instant::now(),
            }),
            resize: Notify::new(),
            silent: AtomicBool::new(false),
            settled: Semaphore::new(0),
            alert,
        });
        tokio::spawn(drive::drive(connection, state.clone(), heard, timeouts));
        Ok(Self {
            requests,
            state,
            peer,
        })
    }

    /// Whether new tunnels may still be opened: the gateway has not sent GOAWAY, and it lives.
    fn is_open(&mut self) -> bool {
        let cx = &mut Context::from_waker(Waker::noop());
        !self.state.silent.load(Ordering::Acquire)
            && !matches!(self.requests.poll_ready(cx), std::task::Poll::Ready(Err(_)))
    }

    fn has_room(&self) -> bool {
        let load = lock(&self.state.load);
        load.streams < self.limit(load.window)
    }

    /// Takes room for one tunnel, `beyond` what the windows allow if need be; says how many there were.
    fn take_room(&self, beyond: bool) -> Option<usize> {
        let mut load = lock(&self.state.load);
        let window = if beyond { window::FIRST } else { load.window };
        let place = load.streams;
        (place < self.limit(window)).then(|| {
            load.streams += 1;
            place
        })
    }

    fn limit(&self, window: u32) -> usize {
        let ours = MAX_STREAMS.min(window::streams(window));
        if self.state.settled.is_closed() {
            ours.min(self.requests.current_max_send_streams())
        } else {
            ours
        }
    }
}

// === impl Slot ===

impl Slot {
    pub(super) const fn peer(&self) -> SocketAddr {
        self.session.peer
    }

    /// Waits until the gateway has said how many tunnels a session takes, unless this is the first one;
    /// says whether this one is among them.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub(super) async fn is_taken(&self) -> bool {
        if self.place == 0 {
            return true;
        }
        // Nothing is ever put into it: it can only be closed.
        let _ = self.session.state.settled.acquire().await;
        self.place < self.session.requests.current_max_send_streams()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        {
            let mut load = lock(&self.session.state.load);
            load.streams -= 1;
            load.idle_since = Instant::now();
            if load.streams == 0 {
                // Windows that have grown may shrink now.
                self.session.state.resize.notify_one();
            }
        }
        self.freed.notify_one();
    }
}
