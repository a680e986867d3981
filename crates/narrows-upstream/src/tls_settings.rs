//! [`TlsSettings`]: whom to trust beside the operating system's authorities, and how to show who we are.

use std::fmt;
use std::sync::Arc;

use narrows_endpoint::Host;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use crate::GatewayConfigError as Error;
use crate::PemError;
use crate::gateway::Witness;
use crate::gateway::pem;

/// Whom to trust beside the operating system's authorities, and how to show who we are.
///
/// Files are the caller's business: PEM comes in as bytes. Certificates are always verified.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TlsSettings {
    authorities: Vec<CertificateDer<'static>>,
    identity: Option<Arc<Identity>>,
}

/// A client certificate with its chain, and the key.
#[derive(PartialEq, Eq)]
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

// === impl TlsSettings ===

impl TlsSettings {
    /// Trusts the operating system's authorities, and shows nothing.
    pub const fn new() -> Self {
        Self {
            authorities: Vec::new(),
            identity: None,
        }
    }

    /// Trusts the certificates in this PEM text too. May be called again.
    ///
    /// # Errors
    ///
    /// [`GatewayConfigError::Authorities`](Error::Authorities) if there is none, or one of them is damaged.
    pub fn with_authorities(mut self, pem: &[u8]) -> Result<Self, Error> {
        let found = pem::certificates(pem).map_err(Error::Authorities)?;
        let mut store = RootCertStore::empty();
        for (at, certificate) in found.iter().enumerate() {
            store.add(certificate.clone()).map_err(|error| {
                Error::Authorities(PemError::Damaged(at + 1, error.to_string()))
            })?;
        }
        self.authorities.extend(found);
        Ok(self)
    }

    /// Shows a client certificate: the certificate and its chain, and its key, in PEM.
    ///
    /// # Errors
    ///
    /// [`GatewayConfigError::Certificate`](Error::Certificate) and
    /// [`GatewayConfigError::Key`](Error::Key) if there is none of it in the text, or it is damaged.
    /// Whether they belong together is looked at when they are first used.
    pub fn with_client_certificate(
        mut self,
        certificate: &[u8],
        key: &[u8],
    ) -> Result<Self, Error> {
        self.identity = Some(Arc::new(Identity {
            chain: pem::certificates(certificate).map_err(Error::Certificate)?,
            key: pem::key(key).map_err(Error::Key)?,
        }));
        Ok(self)
    }

    /// The certificates that are trusted beside the operating system's authorities, in DER.
    pub fn authorities(&self) -> impl Iterator<Item = &[u8]> {
        self.authorities.iter().map(AsRef::as_ref)
    }

    /// The client certificate, in DER; not its key.
    pub fn client_certificate(&self) -> Option<&[u8]> {
        let identity = self.identity.as_ref()?;
        identity.chain.first().map(AsRef::as_ref)
    }

    /// What TLS needs, with the trust store read now.
    pub(crate) fn client_config(&self, alpn: Vec<Vec<u8>>) -> Result<ClientConfig, Error> {
        let untrusted = |error: rustls::Error| Error::TrustStore(error.to_string());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            Witness::new(self.authorities.clone(), provider.clone()).map_err(untrusted)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(untrusted)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match self.identity.as_deref() {
            None => builder.with_no_client_auth(),
            Some(Identity { chain, key }) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| match error {
                    rustls::Error::InconsistentKeys(_) => Error::KeyMismatch,
                    error => Error::Key(PemError::Damaged(1, error.to_string())),
                })?,
        };
        config.alpn_protocols = alpn;
        Ok(config)
    }
}

/// The name that a host's certificate must bear.
pub(crate) fn server_name(host: &Host) -> Result<ServerName<'static>, Error> {
    match host {
        Host::Ip(ip) => Ok(ServerName::from(*ip)),
        Host::Name(name) => {
            ServerName::try_from(name.as_str().to_owned()).map_err(|_| Error::Name(host.clone()))
        }
    }
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSettings")
            .field("authorities", &self.authorities.len())
            .field("client_certificate", &self.identity.is_some())
            .finish()
    }
}
