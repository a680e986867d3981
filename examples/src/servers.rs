//! Servers that the examples put around what they show.

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// An authority that lives as long as the example.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

// === impl Authority ===

impl Authority {
    /// Makes one.
    ///
    /// # Errors
    ///
    /// No key could be made.
    pub fn new() -> Result<Self, Box<dyn Error>> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Ok(Self(CertifiedIssuer::self_signed(
            params,
            KeyPair::generate()?,
        )?))
    }

    /// This authority and no other.
    ///
    /// # Errors
    ///
    /// Never, for a certificate that was just made.
    pub fn roots(&self) -> Result<RootCertStore, Box<dyn Error>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone())?;
        Ok(roots)
    }

    /// TLS for `localhost` and 127.0.0.1.
    ///
    /// # Errors
    ///
    /// No key could be made.
    pub fn acceptor(&self) -> Result<TlsAcceptor, Box<dyn Error>> {
        let mut params = CertificateParams::new(["localhost".to_owned()])?;
        let address = SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST));
        params.subject_alt_names.push(address);
        let key = KeyPair::generate()?;
        let leaf = params.signed_by(&key, &self.0)?.der().clone();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf], key.into())?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// A service: TLS, and 204 to every request.
///
/// # Errors
///
/// Accepting failed.
pub async fn serve_tls(listener: TcpListener, tls: TlsAcceptor) -> io::Result<()> {
    loop {
        let (io, _) = listener.accept().await?;
        let tls = tls.clone();
        tokio::spawn(async move {
            let mut io = tls.accept(io).await?;
            let _ = io.read(&mut [0; 4096]).await?;
            io.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                .await?;
            io.shutdown().await
        });
    }
}

/// What a firewall's application rule does to a name that it does not allow: the connection stands, and
/// is closed after ClientHello.
///
/// # Errors
///
/// Accepting failed.
pub async fn cut_after_hello(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut io, _) = listener.accept().await?;
        tokio::spawn(async move {
            // All of it: closing with octets unread would be a reset.
            io.read(&mut [0; 8192]).await
        });
    }
}

/// A proxy whose every tunnel leads to one place, whatever CONNECT asks for.
///
/// # Errors
///
/// Accepting failed.
pub async fn serve_tunnels_to(listener: TcpListener, place: SocketAddr) -> io::Result<()> {
    loop {
        let (mut io, _) = listener.accept().await?;
        tokio::spawn(async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(io.read_u8().await?);
            }
            io.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            let far = TcpStream::connect(place).await?;
            let ((near, to_near), (far, to_far)) = (io.into_split(), far.into_split());
            tokio::try_join!(pump(near, to_far), pump(far, to_near))
        });
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
    copy(&mut from, &mut to).await?;
    to.shutdown().await
}
