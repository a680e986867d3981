//! [`Tls`]: what handshakes are made with, read from PEM files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use narrows_service::files;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::ProducesTickets;

use crate::certificates::{AuthorityError, ClientCertificates};

/// Where certificates and keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's chain, its own certificate first.
    pub certificate: PathBuf,
    /// The server's private key.
    pub key: PathBuf,
    /// Authorities of client certificates.
    pub authorities: Option<PathBuf>,
    /// Revocation lists of client certificates.
    pub revocations: Vec<PathBuf>,
}

/// What handshakes are made with.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Judges client certificates, if any are asked for.
    pub clients: Option<ClientCertificates>,
    /// For rustls.
    pub config: Arc<ServerConfig>,
}

/// What stays the same when certificates change, so that clients may resume their sessions.
pub type Tickets = Arc<dyn ProducesTickets>;

/// Why files cannot be used for TLS. The message names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Something else than authorities, or a list that cannot be read.
    #[error("{path}: {error}")]
    Authority {
        /// The file.
        path: Box<str>,
        /// Why.
        error: AuthorityError,
    },
    /// There is nothing of the kind in the file.
    #[error("{path}: there is no {what} in it")]
    Empty {
        /// The file.
        path: Box<str>,
        /// What should be.
        what: &'static str,
    },
    /// The operating system says no.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: Box<str>,
        /// What the system said.
        error: io::Error,
    },
    /// The key is not the certificate's, or one of the two is of no use.
    #[error("{certificate} and {key}: {error}")]
    Pair {
        /// The chain's file.
        certificate: Box<str>,
        /// The key's file.
        key: Box<str>,
        /// What rustls says.
        error: rustls::Error,
    },
    /// No PEM.
    #[error("{path}: not PEM: {error:?}")]
    Pem {
        /// The file.
        path: Box<str>,
        /// What is wrong.
        error: PemError,
    },
}

// === impl TlsFiles ===

impl TlsFiles {
    /// Every file, for watching.
    pub fn paths(&self) -> Vec<PathBuf> {
        let own = [&self.certificate, &self.key].into_iter();
        let clients = self.authorities.iter().chain(&self.revocations);
        own.chain(clients).cloned().collect()
    }
}

// === impl Tls ===

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// [`TlsError`], which names the file.
    pub fn read(files: &TlsFiles, tickets: &Tickets) -> Result<Self, TlsError> {
        let chain: Vec<CertificateDer<'static>> = read(&files.certificate, "certificate")?;
        let mut keys: Vec<PrivateKeyDer<'static>> = read(&files.key, "private key")?;
        let key = keys.swap_remove(0);
        let clients = files.authorities.as_deref();
        let clients = clients
            .map(|path| authorities(path, &files.revocations))
            .transpose()?;

        let provider = Arc::new(aws_lc_rs::default_provider());
        let pair = |error| TlsError::Pair {
            certificate: text(&files.certificate),
            key: text(&files.key),
            error,
        };
        let builder = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(pair)?;
        let builder = match &clients {
            Some(clients) => builder.with_client_cert_verifier(clients.ask()),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(pair)?;
        config.alpn_protocols = ALPN.iter().map(|name| name.to_vec()).collect();
        config.ticketer = Arc::clone(tickets);
        Ok(Self {
            clients,
            config: Arc::new(config),
        })
    }
}

/// Keys for session tickets, changed by themselves every few hours.
///
/// # Errors
///
/// rustls's: no randomness.
pub fn tickets() -> Result<Tickets, rustls::Error> {
    aws_lc_rs::Ticketer::new()
}

fn authorities(path: &Path, revocations: &[PathBuf]) -> Result<ClientCertificates, TlsError> {
    let authorities: Vec<CertificateDer<'static>> = read(path, "certificate")?;
    let mut lists: Vec<CertificateRevocationListDer<'static>> = Vec::new();
    for path in revocations {
        lists.extend(read(path, "revocation list")?);
    }
    ClientCertificates::new(authorities, lists).map_err(|error| TlsError::Authority {
        path: text(path),
        error,
    })
}

/// Everything of one kind in a PEM file; at least one.
fn read<T: PemObject>(path: &Path, what: &'static str) -> Result<Vec<T>, TlsError> {
    let pem = files::read(path).map_err(|error| TlsError::Io {
        path: text(path),
        error,
    })?;
    let items = T::pem_slice_iter(&pem).collect::<Result<Vec<T>, _>>();
    let items = items.map_err(|error| TlsError::Pem {
        path: text(path),
        error,
    })?;
    if items.is_empty() {
        return Err(TlsError::Empty {
            path: text(path),
            what,
        });
    }
    Ok(items)
}

fn text(path: &Path) -> Box<str> {
    path.to_string_lossy().into()
}

/// The protocols that are spoken, best first.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];
