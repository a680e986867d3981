//! [`Pinned`]: a certificate that the operator trusts by itself, although it is an authority's.

use std::sync::Arc;

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::chain::Certificate;

/// Asks another verifier; what it refuses is accepted if the server's own certificate is one of the
/// operator's authorities, for this name and in its time.
///
/// `openssl req -x509` makes such certificates: self-signed, and marked as an authority. OpenSSL takes one
/// from a server that presents it, webpki does not, and a probe must not call unreachable what curl reaches.
#[derive(Debug)]
pub(crate) struct Pinned {
    inner: Arc<dyn ServerCertVerifier>,
    trusted: RootCertStore,
}

impl Pinned {
    pub(crate) fn new(inner: Arc<dyn ServerCertVerifier>, trusted: RootCertStore) -> Self {
        Self { inner, trusted }
    }

    fn trusts(&self, own: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> bool {
        let mut alone = RootCertStore::empty();
        let is_trusted = alone.add(own.clone().into_owned()).is_ok()
            && alone
                .roots
                .iter()
                .all(|root| self.trusted.roots.contains(root));
        is_trusted && is_in_time(own, now) && is_for(own, name)
    }
}

fn is_in_time(own: &CertificateDer<'_>, now: UnixTime) -> bool {
    let now = i64::try_from(now.as_secs()).ok();
    let now = now.and_then(|now| Timestamp::from_second(now).ok());
    let own = Certificate::from_der(own).ok();
    own.zip(now)
        .is_some_and(|(own, now)| (own.not_before..=own.not_after).contains(&now))
}

fn is_for(own: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    ParsedCertificate::try_from(own).is_ok_and(|own| verify_server_name(&own, name).is_ok())
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.inner.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            Err(_) if self.trusts(end_entity, server_name, now) => {
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
    use rustls::client::WebPkiServerVerifier;

    use super::*;

    /// What `openssl req -x509` makes: self-signed, an authority, for a host.
    fn authority() -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec!["own.example".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2027, 1, 1);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    /// Whether `shown` is accepted for `name` on that day of 2026, by somebody who trusts `trusted`.
    fn accepts(
        trusted: &CertificateDer<'_>,
        shown: &CertificateDer<'_>,
        name: &str,
        day: u64,
    ) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.clone().into_owned()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots.clone()), provider);
        let pinned = Pinned::new(inner.build().unwrap(), roots);
        let start = Duration::from_secs(1_767_225_600);
        let now = UnixTime::since_unix_epoch(start + Duration::from_secs(day * 86_400));
        let name = ServerName::try_from(name).unwrap();
        pinned
            .verify_server_cert(shown, &[], &name, &[], now)
            .is_ok()
    }

    #[test]
    fn an_authority_that_shows_itself_is_accepted_by_whoever_trusts_it() {
        let (own, other) = (authority(), authority());
        assert!(accepts(&own, &own, "own.example", 10));
        assert!(!accepts(&other, &own, "own.example", 10));
        assert!(!accepts(&own, &own, "other.example", 10));
        assert!(!accepts(&own, &own, "own.example", 400));
    }
}
