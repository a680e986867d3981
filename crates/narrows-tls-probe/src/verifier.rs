//! [`Witness`]: looks at a certificate, remembers it, and lets the handshake go on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::SystemTime;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::evidence::{CertificateEvidence, Der, TrustFault};
use crate::options::Trust;
use crate::pinned::Pinned;
use narrows_connect::printable;

/// The most certificates of a chain that are kept; more than these are nobody's chain.
const MAX_CHAIN: usize = 16;

/// A verifier for one handshake: asks the real one, keeps the chain and its answer, and accepts.
///
/// The handshake is completed so that everything about it is seen. Whoever sends a secret afterwards must
/// look at the evidence first.
#[derive(Debug)]
pub(crate) struct Witness {
    inner: Arc<dyn ServerCertVerifier>,
    now: Option<SystemTime>,
    seen: OnceLock<CertificateEvidence>,
}

/// Remembers whether the server asked for a client certificate. There is none.
#[derive(Debug, Default)]
pub(crate) struct NoIdentity {
    asked: AtomicBool,
}

/// The verifier that the options ask for, with these authorities beside. Reads the trust store now.
pub(crate) fn verifier(
    trust: &Trust,
    authorities: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, String> {
    let provider = Arc::clone(provider);
    let mut trusted = match trust {
        Trust::Platform(_) => RootCertStore::empty(),
        Trust::Roots(roots) => roots.clone(),
    };
    trusted.add_parsable_certificates(authorities.iter().cloned());
    let inner: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Platform(extra) => {
            trusted.add_parsable_certificates(extra.iter().cloned());
            let extra = extra.iter().chain(authorities).cloned();
            rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider)
                .map(Arc::new)
                .map_err(|error| error.to_string())?
        }
        Trust::Roots(_) => {
            let roots = Arc::new(trusted.clone());
            WebPkiServerVerifier::builder_with_provider(roots, provider)
                .build()
                .map_err(|error| error.to_string())?
        }
    };
    Ok(Arc::new(Pinned::new(inner, trusted)))
}

// === impl Witness ===

impl Witness {
    pub(crate) fn new(inner: Arc<dyn ServerCertVerifier>, now: Option<SystemTime>) -> Self {
        Self {
            inner,
            now,
            seen: OnceLock::new(),
        }
    }

    /// What was shown, if the handshake came so far.
    pub(crate) fn seen(&self) -> Option<CertificateEvidence> {
        self.seen.get().cloned()
    }

    fn time(&self, now: UnixTime) -> UnixTime {
        let since = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).ok();
        let chosen = self.now.map(|time| since(time).unwrap_or_default());
        chosen.map_or(now, UnixTime::since_unix_epoch)
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
        let now = self.time(now);
        let verified = self.inner.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        let public = anchored_publicly(end_entity, intermediates, server_name, now);
        let chain = std::iter::once(end_entity)
            .chain(intermediates)
            .take(MAX_CHAIN);
        let evidence = CertificateEvidence {
            expected: server_name.to_str().into_owned(),
            chain: chain.map(|der| Der(der.to_vec())).collect(),
            at: now.as_secs(),
            fault: verified.err().map(|error| fault(&error)),
            public,
        };
        // One handshake shows one chain.
        let _ = self.seen.set(evidence);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Whether the roots that browsers trust, and no others, know who signed the chain. `None` where they did
/// not come to look: a certificate outside of its time is refused before.
fn anchored_publicly(
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    server_name: &ServerName<'_>,
    now: UnixTime,
) -> Option<bool> {
    use CertificateError as Cause;
    static PUBLIC: LazyLock<Option<Arc<WebPkiServerVerifier>>> = LazyLock::new(|| {
        let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .ok()
    });
    let verifier = PUBLIC.as_ref()?;
    match verifier.verify_server_cert(end_entity, intermediates, server_name, &[], now) {
        // Names are looked at once there is a path.
        Ok(_)
        | Err(Error::InvalidCertificate(
            Cause::NotValidForName | Cause::NotValidForNameContext { .. },
        )) => Some(true),
        Err(Error::InvalidCertificate(Cause::UnknownIssuer)) => Some(false),
        Err(_) => None,
    }
}

fn fault(error: &Error) -> TrustFault {
    use CertificateError as Cause;
    let Error::InvalidCertificate(cause) = error else {
        let text = printable(&error.to_string());
        return TrustFault::Other { text };
    };
    match cause {
        Cause::Expired | Cause::ExpiredContext { .. } => TrustFault::Expired,
        Cause::NotValidYet | Cause::NotValidYetContext { .. } => TrustFault::NotYetValid,
        Cause::Revoked => TrustFault::Revoked,
        // An authority of the same name with another key is not the one that is trusted.
        Cause::BadSignature | Cause::UnknownIssuer => TrustFault::UnknownIssuer,
        Cause::NotValidForName | Cause::NotValidForNameContext { .. } => TrustFault::WrongName,
        cause => TrustFault::Other {
            text: printable(&cause.to_string()),
        },
    }
}

// === impl NoIdentity ===

impl NoIdentity {
    pub(crate) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

impl ResolvesClientCert for NoIdentity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}
