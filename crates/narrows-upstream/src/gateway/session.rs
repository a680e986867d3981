//! From an address to a session: TCP, perhaps through a proxy, TLS, and the protocol on it.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::h2::Session as H2Session;
use super::health::Stage;
use super::socket::Socket;
use super::verifier::witnessed;
use super::{Protocol, Shared, Spoken};
use crate::Connected;
use crate::answer::ProxyAnswer;
use crate::dialer::Dialer;
use crate::error::{DialError, DialErrorKind, Path};
use crate::tls_fault::TlsFault;

/// A TLS session on which nothing was said yet.
#[derive(Debug)]
pub(super) struct TlsSession {
    /// Boxed, since TLS keeps a kilobyte of state inline.
    pub(super) io: Box<TlsStream<Socket>>,
    pub(super) peer: SocketAddr,
}

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
        let start = Instant::now();
        let upstream = self.config.upstream.as_deref();
        let connected = dialer.to_gateway(&self.config.address, upstream).await;
        self.note(Stage::Tcp, start, connected.as_ref().err());
        let connected = connected?;

        let start = Instant::now();
        let session = self.secure(connected, dialer).await.map_err(|fault| {
            let path = self.path(None);
            DialError::new(path, start.elapsed(), DialErrorKind::Tls(fault))
        });
        self.note(Stage::Tls, start, session.as_ref().err());
        let session = session?;

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

    /// The TLS handshake.
    async fn secure(&self, connected: Connected, dialer: &Dialer) -> Result<TlsSession, TlsFault> {
        let Connected { io, early, peer } = connected;
        let socket = Socket::new(io, early);
        let heard = socket.heard().clone();
        let connector = TlsConnector::from(self.tls.clone());
        let handshake = connector.connect(self.name.clone(), socket).into_fallible();
        let outcome = timeout(dialer.timeouts().tls, witnessed(handshake)).await;
        let received = heard.load(Ordering::Relaxed);
        let Ok((outcome, issuer)) = outcome else {
            return Err(TlsFault::Silent { received });
        };
        match outcome {
            Ok(io)
                if self.config.protocol == Protocol::H2
                    && io.get_ref().1.alpn_protocol().is_none() =>
            {
                Err(TlsFault::NoProtocol)
            }
            Ok(io) => Ok(TlsSession {
                io: Box::new(io),
                peer,
            }),
            Err((error, socket)) => Err(TlsFault::new(&error, socket.first(), received, issuer)),
        }
    }

    fn note(&self, stage: Stage, start: Instant, error: Option<&DialError>) {
        let error = error.map(|error| error as &dyn std::fmt::Display);
        self.facts.note(stage, start.elapsed(), error);
    }

    /// The path to the gateway, or to a target behind it.
    pub(super) fn path(&self, target: Option<&narrows_endpoint::Target>) -> Path {
        Path::Gateway {
            gateway: self.config.address.clone(),
            proxy: self
                .config
                .upstream
                .as_ref()
                .map(|proxy| proxy.endpoint().clone()),
            target: target.cloned(),
        }
    }
}
