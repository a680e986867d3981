//! Servers on loopback that answer as the test says: good, slow, or broken.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::Acceptor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor};

/// How a server behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// TLS, and 204 to every request.
    Good,
    /// The same, this long after ClientHello.
    Slow(Duration),
    /// FIN after ClientHello.
    Close,
    /// RST after ClientHello.
    Reset,
    /// RST after a ClientHello for `localhost`, TLS for any other name and for none.
    Filter,
    /// Silence after ClientHello.
    Hang,
    /// A proxy that refuses every CONNECT with 403.
    Refuse,
    /// A proxy that opens tunnels.
    Proxy,
}

/// The servers; dropping them ends them.
pub(crate) struct Doubles {
    runtime: Runtime,
    tls: TlsAcceptor,
    ca: PathBuf,
}

/// One server.
#[derive(Clone)]
pub(crate) struct Double {
    pub(crate) address: SocketAddr,
    manner: Arc<Mutex<Manner>>,
}

impl Doubles {
    /// Makes an authority, which is written into `directory`, and a certificate for these addresses
    /// and `localhost`.
    pub(crate) fn new(directory: &Path, addresses: &[Ipv4Addr]) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let ca = directory.join("ca.pem");
        std::fs::write(&ca, issuer.pem()).unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let names = addresses
            .iter()
            .map(|ip| SanType::IpAddress(IpAddr::V4(*ip)));
        params.subject_alt_names.extend(names);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &issuer).unwrap();
        Self {
            tls: acceptor(leaf.der().clone(), &key),
            runtime: Runtime::new().unwrap(),
            ca,
        }
    }

    /// For `--ca-file`.
    pub(crate) fn ca(&self) -> &str {
        self.ca.to_str().unwrap()
    }

    /// Starts a server on a free port of 127.0.0.1.
    pub(crate) fn start(&self, manner: Manner) -> Double {
        self.start_at(Ipv4Addr::LOCALHOST, manner, None)
    }

    /// Starts a server that says when a connection has come.
    pub(crate) fn start_telling(&self, manner: Manner) -> (Double, mpsc::Receiver<()>) {
        let (tell, told) = mpsc::channel();
        let double = self.start_at(Ipv4Addr::LOCALHOST, manner, Some(tell));
        (double, told)
    }

    pub(crate) fn start_at(
        &self,
        ip: Ipv4Addr,
        manner: Manner,
        tell: Option<mpsc::Sender<()>>,
    ) -> Double {
        let listener = self.runtime.block_on(TcpListener::bind((ip, 0))).unwrap();
        let double = Double {
            address: listener.local_addr().unwrap(),
            manner: Arc::new(Mutex::new(manner)),
        };
        let (tls, manner) = (self.tls.clone(), Arc::clone(&double.manner));
        self.runtime.spawn(async move {
            while let Ok((io, _)) = listener.accept().await {
                if let Some(tell) = &tell {
                    let _ = tell.send(());
                }
                let manner = *manner.lock().unwrap();
                tokio::spawn(serve(io, tls.clone(), manner));
            }
        });
        double
    }
}

impl Double {
    pub(crate) fn target(&self) -> String {
        self.address.to_string()
    }

    /// From the next connection on.
    pub(crate) fn becomes(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }
}

fn acceptor(leaf: CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf], key.into())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(mut io: TcpStream, tls: TlsAcceptor, manner: Manner) {
    match manner {
        Manner::Good => answer(io, tls).await,
        Manner::Slow(time) => {
            tokio::time::sleep(time).await;
            answer(io, tls).await;
        }
        Manner::Close => {
            read_hello(&mut io).await;
        }
        Manner::Reset => {
            read_hello(&mut io).await;
            let _ = io.set_zero_linger();
        }
        Manner::Filter => filter(io, &tls).await,
        Manner::Hang => {
            read_hello(&mut io).await;
            let _ = io.read_u8().await;
        }
        Manner::Refuse => {
            read_head(&mut io).await;
            let _ = io
                .write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                .await;
        }
        Manner::Proxy => {
            let head = read_head(&mut io).await;
            let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let Ok(mut far) = TcpStream::connect(target).await else {
                return;
            };
            let _ = io.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            let (mut near_in, mut near_out) = io.split();
            let (mut far_in, mut far_out) = far.split();
            let _ = tokio::join!(
                tokio::io::copy(&mut near_in, &mut far_out),
                tokio::io::copy(&mut far_in, &mut near_out)
            );
        }
    }
}

async fn answer(io: TcpStream, tls: TlsAcceptor) {
    let Ok(mut io) = tls.accept(io).await else {
        return;
    };
    let _ = io.read(&mut [0; 4096]).await;
    let _ = io
        .write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        .await;
    let _ = io.shutdown().await;
}

async fn filter(io: TcpStream, tls: &TlsAcceptor) {
    let hello = LazyConfigAcceptor::new(Acceptor::default(), io).await;
    let Ok(start) = hello else { return };
    if start.client_hello().server_name() == Some("localhost") {
        let _ = start.io.set_zero_linger();
    } else {
        let _ = start.into_stream(Arc::clone(tls.config())).await;
    }
}

/// All of what comes at first: closing with octets unread would be a reset.
async fn read_hello(io: &mut TcpStream) {
    let _ = io.read(&mut [0; 8192]).await;
}

async fn read_head(io: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = io.read_u8().await else { break };
        head.push(byte);
    }
    String::from_utf8_lossy(&head).into_owned()
}
