//! The TLS handshake with a gateway or an `https` proxy.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::socket::Socket;
use super::verifier::witnessed;
use crate::Connected;
use crate::tls_fault::TlsFault;

/// A TLS session on which nothing was said yet.
#[derive(Debug)]
pub(crate) struct TlsSession {
    /// Boxed, since TLS keeps a kilobyte of state inline.
    pub(crate) io: Box<TlsStream<Socket>>,
    pub(crate) peer: SocketAddr,
}

/// Makes a TLS session on a connection.
///
/// # Cancel safety
///
/// Cancel safe: dropping the future closes the connection.
pub(crate) async fn handshake(
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    connected: Connected,
    patience: Duration,
) -> Result<TlsSession, TlsFault> {
    let Connected { io, early, peer } = connected;
    let socket = Socket::new(io, early);
    let heard = socket.heard().clone();
    let handshake = TlsConnector::from(config).connect(name, socket);
    let outcome = timeout(patience, witnessed(handshake.into_fallible())).await;
    let received = heard.load(Ordering::Relaxed);
    let Ok((outcome, issuer)) = outcome else {
        return Err(TlsFault::Silent { received });
    };
    match outcome {
        Ok(io) => Ok(TlsSession {
            io: Box::new(io),
            peer,
        }),
        Err((error, socket)) => Err(TlsFault::new(&error, socket.first(), received, issuer)),
    }
}
