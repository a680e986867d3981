//! [`GatewayConfig`]: where a gateway is, the way to it, and how it is trusted.

use std::fmt;
use std::sync::Arc;

use narrows_endpoint::{Host, Target};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use super::pem::PemError;
use super::{GatewayCredentials, Protocol};
use crate::tls_settings::{TlsSettings, server_name};
use crate::{Upstream, Upstreams};

/// A gateway's address, the way to it, and how both sides show who they are.
///
/// Files are the caller's business: PEM comes in as bytes. The gateway's certificate is always verified,
/// against the trust store of the operating system and the authorities added here.
#[derive(Clone)]
pub struct GatewayConfig {
    pub(super) address: Target,
    pub(super) upstreams: Option<Arc<Upstreams>>,
    pub(super) protocol: Protocol,
    pub(super) credentials: Option<GatewayCredentials>,
    tls: TlsSettings,
}

/// Why a gateway, or an `https` proxy, cannot be configured so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayConfigError {
    /// The extra authorities cannot be read.
    #[error("cannot read the CA certificates: {0}")]
    Authorities(#[source] PemError),
    /// The client certificate cannot be read.
    #[error("cannot read the client certificate: {0}")]
    Certificate(#[source] PemError),
    /// The client certificate and key are not for each other.
    #[error("the client certificate does not belong to the key")]
    KeyMismatch,
    /// The key cannot be read.
    #[error("cannot read the client key: {0}")]
    Key(#[source] PemError),
    /// Its host cannot stand in a certificate.
    #[error("{0} is not a name that a certificate can have")]
    Name(Host),
    /// The trust store of the operating system cannot be used.
    #[error("the trust store of this machine cannot be used: {0}")]
    TrustStore(String),
}

// === impl GatewayConfig ===

impl GatewayConfig {
    /// A gateway that is reached directly, over whichever protocol it prefers, without credentials.
    pub const fn new(address: Target) -> Self {
        Self {
            address,
            upstreams: None,
            protocol: Protocol::Auto,
            credentials: None,
            tls: TlsSettings::new(),
        }
    }

    /// Reaches the gateway through a proxy, by `CONNECT` to the gateway's address.
    #[must_use]
    pub fn with_upstream(mut self, upstream: Arc<Upstream>) -> Self {
        self.upstreams = Upstreams::new([upstream]).map(Arc::new);
        self
    }

    /// Reaches the gateway through the first of several proxies that leads there: one that cuts the TLS
    /// with the gateway is passed over too.
    #[must_use]
    pub fn with_upstreams(mut self, upstreams: Arc<Upstreams>) -> Self {
        self.upstreams = Some(upstreams);
        self
    }

    /// Says which protocols are offered to the gateway.
    #[must_use]
    pub const fn with_protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Sends these credentials with every nested CONNECT, inside TLS only.
    #[must_use]
    pub fn with_credentials(mut self, credentials: GatewayCredentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Trusts the certificates in this PEM text too, beside the operating system's. May be called again.
    ///
    /// # Errors
    ///
    /// [`GatewayConfigError::Authorities`] if there is none, or one of them is damaged.
    pub fn with_authorities(mut self, pem: &[u8]) -> Result<Self, GatewayConfigError> {
        self.tls = self.tls.with_authorities(pem)?;
        Ok(self)
    }

    /// Shows a client certificate to the gateway: the certificate and its chain, and its key, in PEM.
    ///
    /// # Errors
    ///
    /// [`GatewayConfigError::Certificate`] and [`GatewayConfigError::Key`] if there is none of it in the
    /// text, or it is damaged. Whether they belong together is looked at by
    /// [`Gateway::new`](super::Gateway::new).
    pub fn with_client_certificate(
        mut self,
        certificate: &[u8],
        key: &[u8],
    ) -> Result<Self, GatewayConfigError> {
        self.tls = self.tls.with_client_certificate(certificate, key)?;
        Ok(self)
    }

    /// Whether this is the same gateway, reached by the same protocols, trusted alike and shown the same
    /// credentials. The proxy on the way is not compared.
    ///
    /// For configuration reloads: a gateway that stays keeps its warm sessions.
    pub fn is_same_party(&self, other: &Self) -> bool {
        self.address == other.address
            && self.protocol == other.protocol
            && self.credentials == other.credentials
            && self.tls == other.tls
    }

    /// Whom it trusts, and the client certificate.
    pub const fn tls(&self) -> &TlsSettings {
        &self.tls
    }

    /// The name that the gateway's certificate must bear.
    pub(super) fn server_name(&self) -> Result<ServerName<'static>, GatewayConfigError> {
        server_name(self.address.host())
    }

    /// The TLS side of it, with the trust store read now.
    pub(super) fn client_config(&self) -> Result<ClientConfig, GatewayConfigError> {
        self.tls.client_config(self.protocol.alpn())
    }
}

impl fmt::Debug for GatewayConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayConfig")
            .field("address", &self.address)
            .field("upstreams", &self.upstreams)
            .field("protocol", &self.protocol)
            .field("credentials", &self.credentials)
            .field("tls", &self.tls)
            .finish()
    }
}
