//! Scripted servers, a throw-away authority, and probers that trust it.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use narrows_endpoint::Target;
use narrows_tls_probe::{Deadlines, Options, Prober, StaticResolver, Trust};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::NoClientAuth;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

pub(crate) const NAME: &str = "service.example";
pub(crate) const OTHER: &str = "allowed.example";

/// A server on loopback that counts its connections.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Runs `script` for each connection.
    pub(crate) async fn start<F, R>(script: F) -> Self
    where
        F: Fn(TcpStream) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        tokio::spawn(async move {
            while let Ok((io, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(script(io));
            }
        });
        Self {
            address,
            connections,
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The service's name at this server's port.
    pub(crate) fn target(&self) -> Target {
        format!("{NAME}:{}", self.address.port()).parse().unwrap()
    }

    /// This server by its address.
    pub(crate) fn hop(&self) -> Target {
        self.address.to_string().parse().unwrap()
    }
}

/// An authority, and a server certificate that it signed.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
}

impl Authority {
    /// A new one, with a name of its own.
    pub(crate) fn new() -> Self {
        static AUTHORITIES: AtomicUsize = AtomicUsize::new(1);
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        let made = AUTHORITIES.fetch_add(1, Ordering::SeqCst);
        params
            .distinguished_name
            .push(DnType::CommonName, format!("Authority {made}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().der().clone();
        let issuer = Issuer::new(params, key);
        Self { issuer, root }
    }

    /// A TLS server for these names, with the given protocols.
    pub(crate) fn server(&self, names: &[&str], alpn: &[&str]) -> ServerConfig {
        self.server_with(Arc::new(NoClientAuth), names, alpn)
    }

    /// The same, with a say in who may come.
    pub(crate) fn server_with(
        &self,
        clients: Arc<dyn ClientCertVerifier>,
        names: &[&str],
        alpn: &[&str],
    ) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names).unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let mut config = ServerConfig::builder()
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![leaf.der().clone()], key.into())
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }

    pub(crate) fn root(&self) -> CertificateDer<'static> {
        self.root.clone()
    }

    /// A server that is as it should be.
    pub(crate) fn good(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::new(self.server(&[NAME, OTHER], &["http/1.1"])))
    }

    pub(crate) fn options(&self) -> Options {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let mut options = Options::default();
        options.trust = Trust::Roots(roots);
        options.expect_private = true;
        options.deadlines = Deadlines::uniform(Duration::from_secs(10));
        options
    }

    pub(crate) fn prober(&self) -> Prober {
        prober(self.options())
    }
}

/// A prober that finds the service's name on loopback.
pub(crate) fn prober(options: Options) -> Prober {
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
    let resolver = StaticResolver::new().with(NAME.parse().unwrap(), loopback);
    Prober::with_resolver(options, resolver).unwrap()
}

/// Shakes hands and answers one request.
pub(crate) async fn serve(acceptor: TlsAcceptor, io: impl AsyncRead + AsyncWrite + Unpin) {
    let Ok(mut io) = acceptor.accept(io).await else {
        return;
    };
    read_head(&mut io).await;
    let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let _ = io.write_all(answer).await;
    let _ = io.shutdown().await;
}

/// Reads up to a blank line.
pub(crate) async fn read_head(io: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match io.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// Reads a whole ClientHello: one record.
pub(crate) async fn read_hello(io: &mut TcpStream) -> Vec<u8> {
    let mut head = [0; 5];
    if io.read_exact(&mut head).await.is_err() {
        return Vec::new();
    }
    let mut body = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    let _ = io.read_exact(&mut body).await;
    body
}

/// Closes with RST.
pub(crate) fn reset(io: TcpStream) {
    io.set_zero_linger().unwrap();
}
