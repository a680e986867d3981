//! From an address to a session: TCP, perhaps through a proxy, TLS, and the protocol on it.

use std::sync::Arc;

use tokio::time::Instant;

use super::h2::Session as H2Session;
use super::handshake::{TlsSession, handshake};
use super::{Protocol, Shared, Spoken, lock};
use crate::answer::ProxyAnswer;
use crate::dialer::Dialer;
use crate::error::{DialError, DialErrorKind, Path};
use crate::facts::Stage;
use crate::tls_fault::TlsFault;
use crate::upstreams::{Proof, Tour};
use crate::{Connected, Upstream, Upstreams};

/// A session of either protocol.
#[derive(Debug)]
pub(super) enum Session {
    H1(TlsSession),
    H2(H2Session),
}

/// Why a nested CONNECT opened no tunnel.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The gateway said so.
    Answered(Box<ProxyAnswer>),
    /// The session ended before any answer; another one may serve.
    Died(DialErrorKind),
    /// Anything else.
    Failed(DialErrorKind),
}

impl Shared {
    /// Makes a session.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future closes its socket.
    pub(super) async fn dial(&self, dialer: &Dialer) -> Result<Session, DialError> {
        let session = match &self.config.upstreams {
            None => self.reach(dialer, None).await?,
            Some(upstreams) => self.reach_through(dialer, upstreams).await?,
        };

        let start = Instant::now();
        let spoken = match (session.io.get_ref().1.alpn_protocol(), self.config.protocol) {
            (Some(b"h2"), _) => Spoken::H2,
            _ => Spoken::H1,
        };
        self.spoke(spoken);
        match spoken {
            Spoken::H1 => Ok(Session::H1(session)),
            Spoken::H2 => {
                let opened = H2Session::start(session, dialer.timeouts()).await;
                let opened = opened
                    .map_err(|kind| DialError::new(self.path(None), start.elapsed(), kind))?;
                Ok(Session::H2(opened))
            }
        }
    }

    /// A session through the first upstream that leads to the gateway.
    async fn reach_through(
        &self,
        dialer: &Dialer,
        upstreams: &Arc<Upstreams>,
    ) -> Result<TlsSession, DialError> {
        let gateway = &self.config.address;
        let mut tour = Tour::new(upstreams, gateway, Proof::Alive);
        while let Some(turn) = tour.next() {
            let attempt = self.reach(dialer, Some(turn.upstream()));
            let late = |proxy: &Upstream, elapsed, kind| {
                let (proxy, gateway) = (proxy.endpoint().clone(), gateway.clone());
                DialError::new(Path::ProxyToGateway { proxy, gateway }, elapsed, kind)
            };
            match turn.run(attempt, late).await {
                Ok(session) => {
                    tour.succeeded(turn, Proof::Opened).alive(gateway);
                    return Ok(session);
                }
                Err(error) => tour.failed(turn, error)?,
            }
        }
        Err(tour.failure())
    }

    /// TCP, perhaps through a proxy, and TLS.
    async fn reach(
        &self,
        dialer: &Dialer,
        upstream: Option<&Arc<Upstream>>,
    ) -> Result<TlsSession, DialError> {
        let start = Instant::now();
        *lock(&self.proxy) = upstream.map(Arc::clone);
        let upstream = upstream.map(Arc::as_ref);
        let connected = dialer.to_gateway(&self.config.address, upstream).await;
        self.note(Stage::Tcp, start, connected.as_ref().err());
        let connected = connected?;

        let start = Instant::now();
        let session = self.secure(connected, dialer).await.map_err(|fault| {
            let proxy = upstream.map(|proxy| proxy.endpoint().clone());
            let path = self.path_by(proxy, None);
            DialError::new(path, start.elapsed(), DialErrorKind::Tls(fault))
        });
        self.note(Stage::Tls, start, session.as_ref().err());
        if let (Some(upstream), Err(error)) = (upstream, &session) {
            upstream.note(Stage::Tls, start.elapsed(), Some(error));
        }
        session
    }

    /// The TLS handshake.
    async fn secure(&self, connected: Connected, dialer: &Dialer) -> Result<TlsSession, TlsFault> {
        let (config, name) = (self.tls.clone(), self.name.clone());
        let session = handshake(config, name, connected, dialer.timeouts().tls).await?;
        let agreed = session.io.get_ref().1.alpn_protocol().is_some();
        if self.config.protocol == Protocol::H2 && !agreed {
            return Err(TlsFault::NoProtocol);
        }
        Ok(session)
    }

    fn note(&self, stage: Stage, start: Instant, error: Option<&DialError>) {
        let error = error.map(|error| error as &dyn std::fmt::Display);
        self.facts.note(stage, start.elapsed(), error);
    }

    /// The path to the gateway, or to a target behind it; by the proxy that was used last.
    pub(super) fn path(&self, target: Option<&narrows_endpoint::Target>) -> Path {
        let proxy = lock(&self.proxy);
        let proxy = proxy.as_ref().map(|proxy| proxy.endpoint().clone());
        self.path_by(proxy, target)
    }

    fn path_by(
        &self,
        proxy: Option<narrows_endpoint::Target>,
        target: Option<&narrows_endpoint::Target>,
    ) -> Path {
        Path::Gateway {
            gateway: self.config.address.clone(),
            proxy,
            target: target.cloned(),
        }
    }
}
