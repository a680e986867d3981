//! A leg inside TLS, as the gateway and whoever reaches it have it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use narrows_tunnel::Transport;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::carrier::Carrier;
use super::plan::Tls;

const NAME: &str = "relay.example";

/// TLS 1.3 and TLS 1.2.
static CONFIGS: LazyLock<[(TlsAcceptor, TlsConnector); 2]> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
    [&TLS13, &TLS12].map(|version| configs(&made, version))
});

fn configs(
    made: &rcgen::CertifiedKey<rcgen::KeyPair>,
    version: &'static SupportedProtocolVersion,
) -> (TlsAcceptor, TlsConnector) {
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let serves = ServerConfig::builder_with_protocol_versions(&[version])
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let asks = ClientConfig::builder_with_protocol_versions(&[version])
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(serves).into(), Arc::new(asks).into())
}

/// Shakes hands; the peer's end and the relay's.
pub(super) async fn around<S>(how: Tls, peers: S, relays: S) -> (Carrier, Carrier)
where
    S: Transport + Send + 'static,
{
    let (serves, asks) = &CONFIGS[usize::from(how.old)];
    let (server, client) = if how.serves {
        (peers, relays)
    } else {
        (relays, peers)
    };
    let name = ServerName::try_from(NAME).unwrap();
    let (server, client) = tokio::join!(serves.accept(server), asks.connect(name, client));
    let server = Carrier::new(Inside(server.unwrap().into()));
    let client = Carrier::new(Inside(client.unwrap().into()));
    if how.serves {
        (server, client)
    } else {
        (client, server)
    }
}

/// Ends as the gateway's own streams do: a reset is one of the connection below.
struct Inside<S>(TlsStream<S>);

impl<S: Transport> Transport for Inside<S> {
    fn reset_on_drop(&mut self) {
        self.0.get_mut().0.reset_on_drop();
    }
}

impl<S: Transport> AsyncRead for Inside<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<S: Transport> AsyncWrite for Inside<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
