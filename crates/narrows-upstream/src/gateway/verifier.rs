//! [`Witness`]: the platform's verifier, and a memory of who signed what it refused.

use std::cell::RefCell;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::issuer::issuer;

tokio::task_local! {
    /// The issuer of the certificate that this handshake refused.
    static REFUSED: RefCell<Option<String>>;
}

/// Verifies as the operating system would, and remembers the issuer of what it refuses.
#[derive(Debug)]
pub(crate) struct Witness(Verifier);

/// Runs a handshake; gives with its outcome the issuer of the certificate that was refused in it.
pub(super) async fn witnessed<T>(handshake: impl Future<Output = T>) -> (T, Option<String>) {
    let outcome = async {
        let outcome = handshake.await;
        (outcome, REFUSED.with(RefCell::take))
    };
    REFUSED.scope(RefCell::default(), outcome).await
}

// === impl Witness ===

impl Witness {
    /// Reads the trust store now.
    pub(crate) fn new(
        authorities: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        Verifier::new_with_extra_roots(authorities, provider).map(Self)
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.0
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .inspect_err(|_| {
                // Outside of `witnessed` nobody asks.
                let _ = REFUSED.try_with(|refused| refused.replace(issuer(end_entity)));
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
