//! From an accepted connection to a TLS stream that belongs to a gateway.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use narrows_service::watched::Watched;
use rustls::InvalidMessage;
use rustls::server::{Acceptor, ClientHello};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::definition::GatewayName;
use crate::policy::Peer;
use crate::registry::Registry;
use crate::tls::Tls;

/// Makes TLS handshakes: so many at a time, each within its time.
#[derive(Debug)]
pub struct Handshakes {
    gateways: Arc<Watched<Registry>>,
    places: Semaphore,
    time: Duration,
    tls: Arc<Watched<Tls>>,
}

/// Why there was no handshake.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// TLS failed, or the client left.
    #[error("the TLS handshake failed: {0}")]
    Failed(#[from] io::Error),
    /// Something else than TLS, which is mostly HTTP.
    #[error("the client does not speak TLS: its proxy URL must begin with https://")]
    Plain,
    /// The client took too long, or too many others were ahead of it.
    #[error("the TLS handshake was not complete in time")]
    Slow,
    /// No gateway has the name that the client said.
    #[error("no gateway is named {0:?}")]
    Unknown(Box<str>),
    /// The client said no name, and there is not one gateway alone.
    #[error("the client named no gateway (TLS without SNI)")]
    Unnamed,
}

// === impl Handshakes ===

impl Handshakes {
    /// At most `most` at a time, each within `time`, waiting included.
    pub const fn new(
        tls: Arc<Watched<Tls>>,
        gateways: Arc<Watched<Registry>>,
        most: usize,
        time: Duration,
    ) -> Self {
        Self {
            gateways,
            places: Semaphore::const_new(most),
            time,
            tls,
        }
    }

    /// Makes one handshake. A client that names no gateway of this server is told so by a TLS alert.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`]; the connection is closed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection.
    pub async fn accept(
        &self,
        io: TcpStream,
    ) -> Result<(TlsStream<TcpStream>, Peer), HandshakeError> {
        let deadline = Instant::now() + self.time;
        let accepted = timeout_at(deadline, self.accept_any_time(io)).await;
        accepted.map_err(|_| HandshakeError::Slow)?
    }

    async fn accept_any_time(
        &self,
        io: TcpStream,
    ) -> Result<(TlsStream<TcpStream>, Peer), HandshakeError> {
        let start = LazyConfigAcceptor::new(Acceptor::default(), io).await;
        let mut start = start.map_err(no_hello)?;
        // Only now: clients that say nothing take no place from those that do. It is never closed, so
        // there is always a place some time.
        let _place = self.places.acquire().await.map_err(io::Error::other)?;
        let gateway = match self.gateway(&start.client_hello()) {
            Ok(gateway) => gateway,
            Err(error) => {
                // A client that cannot be told has left.
                let _ = start.io.write_all(UNRECOGNIZED_NAME).await;
                let _ = start.io.shutdown().await;
                return Err(error);
            }
        };
        let config = Arc::clone(&self.tls.load().config);
        let stream = start.into_stream(config).await?;
        let chain = stream.get_ref().1.peer_certificates();
        let peer = Peer {
            chain: chain.map_or_else(Vec::new, <[_]>::to_vec),
            gateway: Some(gateway),
        };
        Ok((stream, peer))
    }

    fn gateway(&self, hello: &ClientHello<'_>) -> Result<GatewayName, HandshakeError> {
        let name = hello.server_name();
        match self.gateways.load().by_sni(name) {
            Some(gateway) => Ok(gateway.definition.name.clone()),
            None => Err(name.map_or(HandshakeError::Unnamed, |name| {
                HandshakeError::Unknown(name.into())
            })),
        }
    }
}

/// Why there is no ClientHello.
fn no_hello(error: io::Error) -> HandshakeError {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    match cause {
        Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            HandshakeError::Plain
        }
        _ => HandshakeError::Failed(error),
    }
}

/// A fatal alert (RFC 8446 §6.2), as a whole record.
const UNRECOGNIZED_NAME: &[u8] = &[21, 3, 3, 0, 2, 2, 112];
