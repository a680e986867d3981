//! [`Gateway`]: the far end that carries tunnels inside TLS, and what is held open to it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use http::HeaderValue;
use narrows_connect::Via;
use narrows_endpoint::Target;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::sync::{Mutex as AsyncMutex, Notify, Semaphore};
use tokio::task::AbortHandle;

use crate::facts::Notebook;
use crate::{DialError, Dialer, Upstream};

mod ahead;
mod config;
mod credentials;
mod demand;
mod h1;
mod h2;
mod handshake;
mod health;
mod issuer;
mod keep;
mod lease;
mod open;
mod overheard;
pub(crate) mod pem;
mod session;
mod socket;
mod standing;
mod stream;
mod verifier;

pub use ahead::Verdict;
pub use config::{GatewayConfig, GatewayConfigError};
pub use credentials::{BearerToken, BearerTokenError, GatewayCredentials};
pub(crate) use handshake::handshake;
pub use health::GatewayHealth;
pub use pem::PemError;
pub use stream::GatewayStream;
pub(crate) use verifier::Witness;

/// How many TLS handshakes with one gateway may run at once when each tunnel needs its own session.
const HANDSHAKES: usize = 64;

/// A gateway: one host and port that carries tunnels to many targets, by CONNECT inside TLS.
///
/// Once it is in use, sessions are kept ready so that opening a tunnel costs one round trip to it.
///
/// - **HTTP/1.1**: each tunnel has a TLS session of its own, which is never used again. As many as there
///   were opens in the last 10 s are kept ready, 4 to 64. One that the gateway closes, or that is older
///   than 200 s, is replaced.
/// - **HTTP/2**: up to 100 tunnels share a session, less if the gateway says so or if their windows have
///   grown; the next session is made when the last one is full. Up to 32 sessions. Pings find dead ones;
///   after GOAWAY a session's tunnels live on and new ones go elsewhere.
///
/// Ten minutes after the last open nothing is kept any more. Share one `Gateway` behind an `Arc` between
/// all tunnels; dropping it closes what is ready and leaves open tunnels alone.
pub struct Gateway {
    shared: Arc<Shared>,
    keeper: OnceLock<AbortHandle>,
}

/// Which protocols are offered to a gateway (by ALPN).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/2 and HTTP/1.1: the gateway chooses, and its choice is remembered.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    H1,
    /// HTTP/2 only.
    H2,
}

/// Which protocol a gateway speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spoken {
    /// HTTP/1.1: one session for each tunnel.
    H1,
    /// HTTP/2: tunnels share sessions.
    H2,
}

/// An open tunnel through a gateway.
#[derive(Debug)]
#[non_exhaustive]
pub struct GatewayConnected {
    /// The tunnel.
    pub io: GatewayStream,
    /// What came behind the gateway's answer: the first bytes from the target, to be read before `io`.
    pub early: Bytes,
    /// The address that was dialled: the gateway's, or the upstream proxy's.
    pub peer: SocketAddr,
    /// What the gateway speaks.
    pub spoken: Spoken,
    /// Whether the session was there before this tunnel was asked for.
    pub warm: bool,
    /// What becomes known later of a tunnel that is used [`ahead`](Gateway::ahead) of the gateway's answer;
    /// `None` if the gateway has answered.
    pub verdict: Option<Verdict>,
}

/// What the gateway, its keeper and its opens share.
struct Shared {
    config: GatewayConfig,
    tls: Arc<ClientConfig>,
    name: ServerName<'static>,
    authorization: Option<HeaderValue>,
    standing: standing::Standing,
    demand: demand::Demand,
    facts: Notebook,
    spoken: Mutex<Option<Spoken>>,
    /// The proxy on the way when it was last dialled.
    proxy: Mutex<Option<Arc<Upstream>>>,
    failures: lease::Failures,
    ready: h1::Ready,
    handshakes: Semaphore,
    sessions: h2::Sessions,
    /// Held by the one dial that finds out the protocol, or makes the next shared session.
    flight: AsyncMutex<()>,
    /// Something was taken or learnt: the keeper looks again.
    changed: Notify,
}

// === impl Gateway ===

impl Gateway {
    /// Prepares for a gateway; nothing is contacted yet. The operating system's trust store is read now.
    ///
    /// # Errors
    ///
    /// [`GatewayConfigError`] if the trust store, the client certificate or the gateway's name is unfit.
    pub fn new(config: GatewayConfig) -> Result<Self, GatewayConfigError> {
        let shared = Shared {
            tls: Arc::new(config.client_config()?),
            name: config.server_name()?,
            authorization: config.credentials.as_ref().map(header),
            standing: standing::Standing::default(),
            demand: demand::Demand::new(),
            facts: Notebook::default(),
            spoken: Mutex::default(),
            proxy: Mutex::default(),
            failures: lease::Failures::default(),
            ready: h1::Ready::default(),
            handshakes: Semaphore::new(HANDSHAKES),
            sessions: h2::Sessions::default(),
            flight: AsyncMutex::default(),
            changed: Notify::new(),
            config,
        };
        Ok(Self {
            shared: Arc::new(shared),
            keeper: OnceLock::new(),
        })
    }

    /// The gateway's host and port.
    pub fn address(&self) -> &Target {
        &self.shared.config.address
    }

    /// Opens a tunnel to the target.
    ///
    /// The target's name is left to the gateway to resolve. A session that turns out to be dead before it
    /// answered is replaced, once for a session of the tunnel's own. The first call starts a task that
    /// keeps sessions ready with this dialler.
    ///
    /// # Errors
    ///
    /// [`DialError`]: the gateway could not be reached, failed at TLS, refused, or did not answer.
    /// [`is_gateway_policy`](DialError::is_gateway_policy) and
    /// [`is_gateway_down`](DialError::is_gateway_down) say whether another route may be better.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future closes a session that only it used, and cancels its stream on a
    /// shared one.
    pub async fn open(
        &self,
        dialer: &Dialer,
        target: &Target,
    ) -> Result<GatewayConnected, DialError> {
        self.forward(dialer, target, &Via::default()).await
    }

    /// As [`open`](Self::open), for a request that has come this way; the gateway is told, so that a loop
    /// can be found.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    ///
    /// # Cancel safety
    ///
    /// As [`open`](Self::open).
    pub async fn forward(
        &self,
        dialer: &Dialer,
        target: &Target,
        via: &Via,
    ) -> Result<GatewayConnected, DialError> {
        self.keeper.get_or_init(|| {
            let keeper = keep::keep(Arc::clone(&self.shared), dialer.clone());
            tokio::spawn(keeper).abort_handle()
        });
        self.shared.demand.note();
        let opened = self.shared.open(dialer, target, via).await;
        self.shared.changed.notify_one();
        opened
    }

    /// Sends a CONNECT over a shared session that is ready, and gives the tunnel before the gateway has
    /// answered: what is written to it is sent in one flight with the request.
    ///
    /// If the gateway refuses, or does not answer in time, reads and writes fail with
    /// [`ConnectionReset`](std::io::ErrorKind::ConnectionReset), the [`Verdict`] says why, and what was
    /// written is lost. Nothing is tried again. The octets can be taken for nothing else than the tunnel's,
    /// since in HTTP/2 they belong to its stream; HTTP/1.1 has no such bounds (RFC 9931), and its sessions
    /// are not used.
    ///
    /// `None`, and nothing is sent, when no shared session is ready or the gateway has rejected the
    /// credentials; [`forward`](Self::forward) is for that.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn ahead(&self, dialer: &Dialer, target: &Target, via: &Via) -> Option<GatewayConnected> {
        let connected = self.shared.ahead(dialer, target, via)?;
        self.shared.demand.note();
        self.shared.changed.notify_one();
        Some(connected)
    }

    /// What was last learnt about the gateway, and what is held open to it.
    pub fn health(&self) -> GatewayHealth {
        let (sessions, tunnels) = self.shared.sessions.count();
        let facts = self.shared.facts.snapshot();
        GatewayHealth {
            tcp: facts.tcp,
            tls: facts.tls,
            connect: facts.connect,
            spoken: self.shared.spoken(),
            ready: self.shared.ready.len(),
            sessions,
            tunnels,
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.get() {
            keeper.abort();
        }
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("config", &self.shared.config)
            .field("health", &self.health())
            .finish()
    }
}

// === impl Protocol ===

impl Protocol {
    /// What is offered, best first.
    fn alpn(self) -> Vec<Vec<u8>> {
        let names: &[&[u8]] = match self {
            Self::Auto => &[b"h2", b"http/1.1"],
            Self::H1 => &[b"http/1.1"],
            Self::H2 => &[b"h2"],
        };
        names.iter().map(|name| name.to_vec()).collect()
    }
}

// === impl Shared ===

impl Shared {
    fn spoken(&self) -> Option<Spoken> {
        *lock(&self.spoken)
    }

    fn spoke(&self, spoken: Spoken) {
        *lock(&self.spoken) = Some(spoken);
    }
}

/// The credentials as a header that no table of recent headers may keep (RFC 7541 §7.1.3).
#[expect(
    clippy::expect_used,
    reason = "both kinds of credentials are visible ASCII by type"
)]
fn header(credentials: &GatewayCredentials) -> HeaderValue {
    let value = HeaderValue::try_from(credentials.header());
    let mut value = value.expect("visible ASCII is a header value");
    value.set_sensitive(true);
    value
}

/// Locks what no panic leaves half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
