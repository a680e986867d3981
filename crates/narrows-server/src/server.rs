//! [`Server`]: the accept loop, and what all connections share.

use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;

use arc_swap::ArcSwap;
use narrows_log::ConnId;
use narrows_tunnel::{Transport, Turns};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::admission::{Admission, Full, Place};
use crate::backoff::Backoff;
use crate::egress::Egress;
use crate::h2;
use crate::live::{Live, Phase};
use crate::observe::Observe;
use crate::policy::Policy;
use crate::refusals::Failure;
use crate::serving::Serving;
use crate::settings::Settings;
use crate::setup::Setup;

/// A forward proxy: asks the policy, goes out by the egress, tells the observer.
///
/// Cloning gives another handle to the same server.
pub struct Server<P, O> {
    shared: Arc<Shared<P, O>>,
}

/// What all connections of a server share.
pub(crate) struct Shared<P, O> {
    pub(crate) admission: Arc<Admission>,
    pub(crate) live: Arc<Live>,
    pub(crate) observer: O,
    /// The name of this very server in `Via`, by which it finds loops.
    pub(crate) pseudonym: Box<str>,
    /// Held while the setup is replaced, so that generations are counted one after the other.
    reloading: Mutex<()>,
    requests: AtomicU64,
    setup: ArcSwap<Setup<P>>,
    pub(crate) turns: Arc<Turns>,
}

/// How a server came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// Connections that were cut because they outlived [`Settings::drain`].
    pub cut: usize,
}

// === impl Server ===

impl<P: Policy, O: Observe> Server<P, O> {
    /// Puts a server together. Nothing happens until [`Server::serve`].
    pub fn new(policy: P, egress: Egress, observer: O, settings: Settings) -> Self {
        let shared = Shared {
            admission: Admission::new(&settings),
            live: Live::new(),
            observer,
            pseudonym: pseudonym(&settings.name),
            reloading: Mutex::default(),
            requests: AtomicU64::new(0),
            setup: ArcSwap::from_pointee(Setup {
                egress,
                generation: 1,
                policy,
                settings,
            }),
            turns: Turns::new(available_parallelism().unwrap_or(NonZeroUsize::MIN)),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Replaces policy, egress and settings together, and returns the generation that begins: 2 after the
    /// first time. Connection ids carry it (`P:` in arcproxy.log).
    ///
    /// - Each request takes all three once, when its head is there: none is judged by the old policy and
    ///   carried by the new egress, or the other way round.
    /// - What is open keeps what it had, its time limits too. A kept-alive connection stays, and its next
    ///   request is judged anew, the client's address included.
    /// - What the egress knew of refused targets, and the dials that are under way, go on counting, if the
    ///   new egress has the same [`Gateway`](narrows_upstream::Gateway) and the same limit. Give it the same
    ///   `Arc`s of gateways and upstream proxies that have not changed: their warm sessions, and what was
    ///   learnt of their credentials, are in them.
    /// - Limits hold for the next connection: nobody is turned out because there are fewer places now. A
    ///   limit for each client where there was none counts the connections that come from then on.
    ///
    /// Only the name in `Via`, by which loops are found, stays what it was.
    pub fn reload(&self, policy: P, egress: Egress, settings: Settings) -> u64 {
        let shared = &self.shared;
        let _reloading = shared
            .reloading
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let old = shared.setup.load();
        let generation = old.generation + 1;
        shared.admission.resize(&settings);
        shared.setup.store(Arc::new(Setup {
            egress: egress.inherit(&old.egress),
            generation,
            policy,
            settings,
        }));
        generation
    }

    /// How often policy, egress and settings were set: 1 from the start, one more for each
    /// [`reload`](Self::reload).
    pub fn generation(&self) -> u64 {
        self.shared.setup.load().generation
    }

    /// The settings that hold now: the last that were set.
    pub fn settings(&self) -> Settings {
        self.shared.setup.load().settings.clone()
    }

    /// Serves the listeners until `shutdown` completes, then drains.
    ///
    /// The end has three phases. For [`Settings::unready`] everything goes on, but for
    /// [`phase`](Self::phase), which tells a balancer's health check to send new clients elsewhere. Then the
    /// listeners are closed, so that new connections are refused by the system, and kept-alive connections
    /// that wait for another request are closed. What is open may go on for [`Settings::drain`] and is cut
    /// after it, each with its record. Dropping the future ends the phase that it is in.
    ///
    /// Running out of descriptors or memory does not end it: it stops accepting for a moment, says so
    /// (`tracing`, level warn, at most once a minute) and goes on.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the listeners. Connections that were accepted go on as tasks of the
    /// runtime until they end.
    pub async fn serve(
        &self,
        listeners: Vec<TcpListener>,
        shutdown: impl Future<Output = ()>,
    ) -> Drained {
        let mut accepting = JoinSet::new();
        for listener in listeners {
            accepting.spawn(accept_from(Arc::clone(&self.shared), listener));
        }
        shutdown.await;
        let live = &self.shared.live;
        live.enter(Phase::Unready);
        let unready = self.shared.setup.load().settings.unready;
        if !unready.is_zero() {
            sleep(unready).await;
        }
        accepting.shutdown().await;
        live.enter(Phase::Draining);
        let patience = self.shared.setup.load().settings.drain;
        let cut = match timeout(patience, live.drained()).await {
            Ok(()) => 0,
            Err(_) => live.cut(),
        };
        // What was cut still writes its records, on tasks that are ending.
        live.drained().await;
        Drained { cut }
    }

    /// Serves one connection that was accepted elsewhere, for instance after TLS, to its end.
    ///
    /// `connection` is what the policy is told about it. Limits and client ranges apply as for accepted
    /// connections.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection; an open tunnel still writes its record.
    pub async fn serve_connection<S>(&self, io: S, client: SocketAddr, connection: P::Connection)
    where
        S: Transport + Send + 'static,
    {
        let _counted = self.shared.live.elsewhere();
        serve_accepted(Arc::clone(&self.shared), io, client, connection).await;
    }

    /// Serves one connection that was accepted elsewhere and agreed to HTTP/2 (ALPN `h2`), to its end.
    ///
    /// Each of its CONNECT requests is a tunnel of its own, and counts as a connection for the limits.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection; open tunnels end and write their records.
    pub async fn serve_h2<S>(&self, io: S, client: SocketAddr, connection: P::Connection)
    where
        S: Transport + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        match shared.place(&shared.current(), client) {
            Ok(place) => h2::serve(shared, io, client, connection, place).await,
            // There is no request yet that could be answered.
            Err(failure) => shared.head_refused(client, &failure, ""),
        }
    }

    /// Where the server is on its way to its end: what a readiness check asks for.
    pub fn phase(&self) -> Phase {
        self.shared.live.phase()
    }

    /// Completes when the server stops taking new connections ([`Phase::Draining`]): for those who accept
    /// connections themselves.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn draining(&self) {
        self.shared.live.drains().await;
    }

    /// How many connections are being served; of HTTP/2, how many tunnels.
    pub fn connections(&self) -> usize {
        self.shared.live.connections()
    }
}

impl<P, O> Clone for Server<P, O> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<P, O> fmt::Debug for Server<P, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let setup = self.shared.setup.load();
        f.debug_struct("Server")
            .field("egress", &setup.egress)
            .field("generation", &setup.generation)
            .field("settings", &setup.settings)
            .finish_non_exhaustive()
    }
}

// === impl Shared ===

impl<P: Policy, O: Observe> Shared<P, O> {
    /// What holds now. Whoever judges by it keeps it to the end of the request.
    pub(crate) fn current(&self) -> Arc<Setup<P>> {
        self.setup.load_full()
    }

    /// The number of the next request, which that setup serves.
    pub(crate) fn next_id(&self, setup: &Setup<P>) -> ConnId {
        ConnId {
            listener: setup.generation,
            connection: self.requests.fetch_add(1, Ordering::Relaxed) + 1,
        }
    }

    pub(crate) fn place(&self, setup: &Setup<P>, client: SocketAddr) -> Result<Place, Failure> {
        setup.admits(client)?;
        self.admission
            .enter(client.ip().to_canonical())
            .map_err(Full::into)
    }
}

/// A name that no other server has, not even another process of this program: what several instances
/// behind one name pass to each other is no loop.
fn pseudonym(name: &str) -> Box<str> {
    let any = RandomState::new().build_hasher().finish();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let name = if name.bytes().all(is_token) {
        name
    } else {
        "narrows"
    };
    format!("{name}-{any:016x}").into()
}

/// Accepts for ever; each connection becomes a task.
async fn accept_from<P: Policy, O: Observe>(shared: Arc<Shared<P, O>>, listener: TcpListener) {
    let mut backoff = Backoff::default();
    loop {
        match listener.accept().await {
            Ok((io, client)) => {
                backoff.reset();
                // Small messages must not wait for each other's acknowledgements.
                let _ = io.set_nodelay(true);
                let connection = P::Connection::default();
                let serving = serve_accepted(Arc::clone(&shared), io, client, connection);
                shared.live.spawn(serving);
            }
            Err(error) => backoff.after(&error).await,
        }
    }
}

/// Serves a connection to its end.
///
/// What leads to a tunnel is boxed, and the box is gone when the tunnel carries.
fn serve_accepted<S, P, O>(
    shared: Arc<Shared<P, O>>,
    io: S,
    client: SocketAddr,
    connection: P::Connection,
) -> Serving<S, P, O>
where
    S: Transport + Send + 'static,
    P: Policy,
    O: Observe,
{
    Serving::Opening {
        opening: Box::pin(shared.admit(io, client, connection)),
    }
}
