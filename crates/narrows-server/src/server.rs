//! [`Server`]: the accept loop, and what all connections share.

use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use narrows_log::ConnId;
use narrows_tunnel::Transport;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

use crate::admission::{Admission, Full};
use crate::connection::Opening;
use crate::egress::Egress;
use crate::h2;
use crate::live::Live;
use crate::observe::Observe;
use crate::policy::Policy;
use crate::refusals::{self, Failure};
use crate::settings::Settings;
use crate::tunnel::Tunnel;

/// A forward proxy: asks the policy, goes out by the egress, tells the observer.
///
/// Cloning gives another handle to the same server.
pub struct Server<P, O> {
    shared: Arc<Shared<P, O>>,
}

/// What all connections of a server share.
pub(crate) struct Shared<P, O> {
    pub(crate) admission: Arc<Admission>,
    pub(crate) egress: Egress,
    pub(crate) live: Arc<Live>,
    pub(crate) observer: O,
    pub(crate) policy: P,
    /// The name of this very server in `Via`, by which it finds loops.
    pub(crate) pseudonym: Box<str>,
    pub(crate) settings: Settings,
    requests: AtomicU64,
}

/// How a server came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// Connections that were cut because they outlived [`Settings::drain`].
    pub cut: usize,
}

/// The number of this server's configuration in connection ids (`P:` in arcproxy.log).
const GENERATION: u64 = 1;

// === impl Server ===

impl<P: Policy, O: Observe> Server<P, O> {
    /// Puts a server together. Nothing happens until [`Server::serve`].
    pub fn new(policy: P, egress: Egress, observer: O, settings: Settings) -> Self {
        let admission = Admission::new(&settings);
        let live = Live::new();
        let requests = AtomicU64::new(0);
        let shared = Shared {
            admission,
            egress,
            live,
            observer,
            policy,
            pseudonym: pseudonym(&settings.name),
            settings,
            requests,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Serves the listeners until `shutdown` completes, then drains.
    ///
    /// Draining has three steps: the listeners are closed, so that new connections are refused by the
    /// system; kept-alive connections that wait for another request are closed; tunnels may go on for
    /// [`Settings::drain`] and are cut after it, each with its record.
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
        accepting.shutdown().await;

        let live = &self.shared.live;
        live.start_draining();
        let cut = match timeout(self.shared.settings.drain, live.drained()).await {
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
        match shared.place(client) {
            Ok(place) => h2::serve(shared, io, client, connection, place).await,
            // There is no request yet that could be answered.
            Err(failure) => shared.head_refused(client, &failure, ""),
        }
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
        f.debug_struct("Server")
            .field("egress", &self.shared.egress)
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}

// === impl Shared ===

impl<P: Policy, O: Observe> Shared<P, O> {
    /// The number of the next request.
    pub(crate) fn next_id(&self) -> ConnId {
        ConnId {
            listener: GENERATION,
            connection: self.requests.fetch_add(1, Ordering::Relaxed) + 1,
        }
    }

    pub(crate) fn place(&self, client: SocketAddr) -> Result<crate::admission::Place, Failure> {
        if !self.settings.serves(client.ip()) {
            return Err(refusals::stranger());
        }
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
                backoff.failures = 0;
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
) -> impl Future<Output = ()> + Send
where
    S: Transport + Send + 'static,
    P: Policy,
    O: Observe,
{
    let opening = Box::pin(shared.admit(io, client, connection));
    async move {
        let Some(Opening {
            place: _place,
            tunnel,
        }) = opening.await
        else {
            return;
        };
        let Tunnel { record, relay } = tunnel;
        let end = relay.await;
        record.finish(end);
    }
}

/// How long a complaint about resources is not repeated.
const SAY_AGAIN: Duration = Duration::from_secs(60);

/// Waits longer and longer while accepting fails for want of resources.
#[derive(Default)]
struct Backoff {
    failures: u32,
    said: Option<Instant>,
}

impl Backoff {
    async fn after(&mut self, error: &io::Error) {
        // The connection died in the queue; the next one is none the worse for it.
        if matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::Interrupted
        ) {
            return;
        }
        if self.said.is_none_or(|said| said.elapsed() >= SAY_AGAIN) {
            self.said = Some(Instant::now());
            warn!(%error, "cannot accept connections; trying again");
        }
        let wait = Duration::from_millis(10) * 2_u32.pow(self.failures.min(5));
        self.failures = self.failures.saturating_add(1);
        pin!(sleep(wait)).await;
    }
}
