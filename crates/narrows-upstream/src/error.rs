//! [`DialError`]: why a target was not reached, who is to blame, and what to answer.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use narrows_connect::{ProxyError, ResponseError};
use narrows_endpoint::{Hop, Step, Target};

use crate::answer::ProxyAnswer;
use crate::attempt::{Cause, ConnectFailure};
use crate::socks::{LoginLength, NotSocks, Refused};
use crate::tls_fault::TlsFault;
use crate::{Denied, ResolveError};

mod sentence;
mod verdict;

/// Why a target could not be reached.
///
/// `Display` is one line for the person who has the problem: what was tried, what happened, and what to
/// look at. It holds the whole story, so `source()` is empty and chains do not say things twice. It
/// never holds credentials, and texts of others in it are printable.
///
/// Clones are the same error: several requests may have waited for one connection.
#[derive(Clone, Debug)]
pub struct DialError(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: Path,
    elapsed: Duration,
    kind: DialErrorKind,
    /// What had failed before it, at other upstreams.
    earlier: Option<DialError>,
}

/// What was to be reached.
#[derive(Clone, Debug)]
pub(crate) enum Path {
    Direct(Target),
    /// The gateway, perhaps for a target, perhaps through a proxy that has done its part.
    Gateway {
        gateway: Target,
        proxy: Option<Target>,
        target: Option<Target>,
    },
    /// The proxy, on the way to the gateway.
    ProxyToGateway {
        proxy: Target,
        gateway: Target,
    },
    Through {
        proxy: Target,
        target: Target,
    },
    ToProxy(Target),
}

/// What went wrong, with the evidence.
#[derive(Debug)]
#[non_exhaustive]
pub enum DialErrorKind {
    /// The proxy or gateway answered CONNECT, and not with a 2xx or 407.
    Answered(Box<ProxyAnswer>),
    /// The proxy or gateway answered 407, and no credentials could change that.
    Authentication(AuthenticationFault, Box<ProxyAnswer>),
    /// The connection to the proxy or gateway broke before its answer was complete.
    Broken(io::Error),
    /// Every session that may be held with the gateway is full, or too many handshakes with it are under
    /// way.
    Busy {
        /// How many shared sessions there are.
        sessions: usize,
        /// How many tunnels they carry.
        tunnels: usize,
    },
    /// The proxy or gateway closed the connection before its answer was complete.
    Closed {
        /// How many octets of an answer had come.
        received: usize,
    },
    /// No address could be connected to.
    Connect(ConnectFailure),
    /// No address may be dialled. Nothing was sent to any.
    Denied {
        /// The first address that was denied.
        address: IpAddr,
        /// How many addresses were denied.
        addresses: usize,
        /// Why the first was.
        denied: Denied,
    },
    /// The gateway takes no more tunnels on its session (GOAWAY), with its reason.
    GoneAway(String),
    /// The proxy or gateway answered CONNECT with something that is not HTTP, or with too much of it.
    Nonsense(ResponseError),
    /// The name gave no addresses.
    Resolve(ResolveError),
    /// The proxy or gateway did not complete an answer in time.
    Silent,
    /// A SOCKS5 proxy opened no connection.
    Socks(SocksFault),
    /// The gateway reset the tunnel's stream instead of answering, with its reason.
    StreamReset(String),
    /// The TLS handshake with the gateway failed.
    Tls(TlsFault),
}

/// Why a SOCKS5 proxy opened no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SocksFault {
    /// It closed the connection before its answer was complete.
    #[error("closed the connection before its answer was complete (is it a SOCKS5 proxy?)")]
    Closed,
    /// It wants a login, or another one.
    #[error("wants a login, {0}")]
    Login(AuthenticationFault),
    /// The login does not fit.
    #[error("cannot be sent the login: {0}")]
    LoginLength(#[from] LoginLength),
    /// What answers is not SOCKS5.
    #[error("did not answer in SOCKS5: {0} (is it a SOCKS5 proxy?)")]
    NotSocks(#[from] NotSocks),
    /// It refused.
    #[error("did not connect: {0}")]
    Refused(Refused),
}

/// Why a 407 could not be helped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticationFault {
    /// There are credentials, but the proxy offers no scheme that may carry them. They were not sent.
    #[error(
        "none of which can be used with the configured ones; basic and digest carry a password, bearer a token"
    )]
    NotOffered,
    /// No credentials are configured for this proxy or gateway.
    #[error("but none are configured for it")]
    NotConfigured,
    /// It accepts the credentials, but calls each nonce that it gives out too old.
    #[error("but calls the nonce stale that it has just given out")]
    Stale,
    /// It has just rejected the credentials.
    #[error("and rejected the configured ones")]
    Rejected,
    /// It rejected the credentials before; they were not sent again.
    #[error("and rejected the configured ones before; they are not sent again until changed")]
    RejectedBefore,
    /// Other requests have tried the credentials for too long without an answer. They were not sent.
    #[error("and other requests are still waiting to learn whether the configured ones are good")]
    Untried,
}

// === impl DialError ===

impl DialError {
    pub(crate) fn new(path: Path, elapsed: Duration, kind: DialErrorKind) -> Self {
        Self(Arc::new(Inner {
            path,
            elapsed,
            kind,
            earlier: None,
        }))
    }

    /// Adds what had failed before it.
    pub(crate) fn after(self, earlier: Option<Self>) -> Self {
        if earlier.is_none() {
            return self;
        }
        match Arc::try_unwrap(self.0) {
            Ok(inner) => Self(Arc::new(Inner { earlier, ..inner })),
            // Others have it too; it is told without the rest.
            Err(shared) => Self(shared),
        }
    }

    /// The failure at the upstream that was asked before, if there was one: the request went on from it.
    pub fn earlier(&self) -> Option<&Self> {
        self.0.earlier.as_ref()
    }

    /// Whether this machine ran out of descriptors, memory or ports, which no other way out would change.
    pub(crate) fn is_our_exhaustion(&self) -> bool {
        self.hop() == Hop::Narrows && self.proxy_error() == ProxyError::ProxyInternalError
    }

    /// What went wrong, with the evidence.
    pub fn kind(&self) -> &DialErrorKind {
        &self.0.kind
    }

    /// The party that most likely caused the failure.
    ///
    /// An answer of the proxy or gateway is theirs, also if it says that the target is down: it is up then,
    /// and its words are in the sentence.
    pub fn hop(&self) -> Hop {
        self.0.verdict().hop
    }

    /// What was being done when it failed.
    pub fn step(&self) -> Step {
        self.0.verdict().step
    }

    /// The status to answer the client with: 403, 502, 503 or 504.
    ///
    /// Never 407: that would ask the client for credentials that are not the client's business.
    pub fn status(&self) -> u16 {
        self.0.verdict().status
    }

    /// The RFC 9209 error type to put into `Proxy-Status`.
    pub fn proxy_error(&self) -> ProxyError {
        self.0.verdict().proxy_error
    }

    /// How long it took to fail, from the call on.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// The upstream proxy on the way, if there was one.
    pub fn proxy(&self) -> Option<&Target> {
        match &self.0.path {
            Path::Direct(_) => None,
            Path::Gateway { proxy, .. } => proxy.as_ref(),
            Path::ProxyToGateway { proxy, .. }
            | Path::Through { proxy, .. }
            | Path::ToProxy(proxy) => Some(proxy),
        }
    }

    /// The gateway that was to be used, if there was one.
    pub fn gateway(&self) -> Option<&Target> {
        match &self.0.path {
            Path::Gateway { gateway, .. } | Path::ProxyToGateway { gateway, .. } => Some(gateway),
            _ => None,
        }
    }

    /// Whether the gateway refuses the target by its policy (403), so that another route may carry it.
    pub fn is_gateway_policy(&self) -> bool {
        let gateway = matches!(self.0.path, Path::Gateway { .. });
        gateway && matches!(&self.0.kind, DialErrorKind::Answered(answer) if answer.status == 403)
    }

    /// Whether the gateway could not be used at all: not reached, also through its proxy, no TLS with it, or
    /// its sessions ended without an answer.
    ///
    /// Any HTTP answer shows that it works, and silence after CONNECT may be the target's doing. Our own
    /// lack of resources is not the gateway's fault.
    pub fn is_gateway_down(&self) -> bool {
        use DialErrorKind as Kind;
        match (&self.0.path, &self.0.kind) {
            (Path::ProxyToGateway { .. }, _) => self.hop() != Hop::Narrows,
            (
                Path::Gateway { .. },
                Kind::Broken(_)
                | Kind::Closed { .. }
                | Kind::Connect(_)
                | Kind::GoneAway(_)
                | Kind::Nonsense(_)
                | Kind::Resolve(_)
                | Kind::Tls(_),
            ) => self.hop() != Hop::Narrows,
            _ => false,
        }
    }

    /// Whether the proxy itself could not be reached, or is no HTTP proxy.
    ///
    /// For health. Any HTTP answer shows that the proxy works, however bad the target is; silence and a
    /// closed connection after CONNECT may be the target's doing too, and prove nothing.
    pub fn is_proxy_down(&self) -> bool {
        use DialErrorKind as Kind;
        let telling = matches!(
            self.0.kind,
            Kind::Connect(_) | Kind::Nonsense(_) | Kind::Resolve(_)
        );
        telling && self.hop() == Hop::Proxy
    }
}

impl std::error::Error for DialError {}

impl From<ResponseError> for DialErrorKind {
    fn from(error: ResponseError) -> Self {
        Self::Nonsense(error)
    }
}

impl From<ResolveError> for DialErrorKind {
    fn from(error: ResolveError) -> Self {
        Self::Resolve(error)
    }
}

#[cfg(test)]
mod tests;
