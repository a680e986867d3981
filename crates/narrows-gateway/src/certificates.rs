//! [`ClientCertificates`]: who a client certificate says its holder is.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use webpki::EndEntityCert;

use crate::identity::Identity;
use crate::random::Hex;

/// Judges client certificates against an authority and its revocation lists.
#[derive(Clone)]
pub struct ClientCertificates {
    verifier: Arc<dyn ClientCertVerifier>,
}

/// Asks clients for a certificate and lets the handshake go on with whatever chain they have, so that
/// [`ClientCertificates::judge`] can say in HTTP what a TLS alert cannot.
///
/// It does verify that the client holds the key of the certificate. A connection that was accepted with
/// it has no identity before the chain is judged.
#[derive(Debug)]
pub struct AskForCertificate {
    verifier: Arc<dyn ClientCertVerifier>,
}

/// Why the authority's file or a revocation list cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AuthorityError(Box<str>);

/// Why a certificate says nothing about its holder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the certificate of {name} {why}")]
pub struct CertificateError {
    name: Arc<str>,
    why: Box<str>,
}

// === impl ClientCertificates ===

impl ClientCertificates {
    /// Certificates under these authorities, unless they are on one of these lists.
    ///
    /// With lists, the whole chain must be covered by one; an outdated list is refused with everyone
    /// under it, since what it does not know yet may be revoked.
    ///
    /// # Errors
    ///
    /// [`AuthorityError`]: no authority, or something that is none.
    pub fn new(
        authorities: impl IntoIterator<Item = CertificateDer<'static>>,
        lists: Vec<CertificateRevocationListDer<'static>>,
    ) -> Result<Self, AuthorityError> {
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            let added = roots.add(authority);
            added.map_err(|error| AuthorityError(error.to_string().into()))?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .with_crls(lists)
            .enforce_revocation_expiration()
            .allow_unauthenticated()
            .build()
            .map_err(|error| AuthorityError(error.to_string().into()))?;
        Ok(Self { verifier })
    }

    /// What the TLS handshake is to be made with.
    pub fn ask(&self) -> Arc<AskForCertificate> {
        Arc::new(AskForCertificate {
            verifier: Arc::clone(&self.verifier),
        })
    }

    /// Who the chain says its holder is. The handshake has shown that the holder is the peer.
    ///
    /// # Errors
    ///
    /// [`CertificateError`]: another authority, revoked, out of date, not for clients.
    pub fn judge(
        &self,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Identity, CertificateError> {
        let Some((own, others)) = chain.split_first() else {
            return Err(CertificateError {
                name: "nobody".into(),
                why: "is missing".into(),
            });
        };
        let name = name(own);
        match self.verifier.verify_client_cert(own, others, now) {
            Ok(_) => Ok(Identity::Certificate(name)),
            Err(error) => Err(CertificateError {
                name,
                why: why(&error).into(),
            }),
        }
    }
}

impl fmt::Debug for ClientCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificates").finish_non_exhaustive()
    }
}

// === impl CertificateError ===

impl CertificateError {
    /// What the certificate calls its holder; anyone may have written that.
    pub fn name(&self) -> &str {
        &self.name
    }
}

// === impl AskForCertificate ===

impl ClientCertVerifier for AskForCertificate {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.verifier.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// The first DNS name of a certificate, else its first URI (SPIFFE), else its fingerprint.
///
/// The subject's common name is not read: authorities do not agree on what it is for.
fn name(certificate: &CertificateDer<'_>) -> Arc<str> {
    let names = EndEntityCert::try_from(certificate).ok();
    let dns = names
        .as_ref()
        .and_then(|names| names.valid_dns_names().next());
    let uri = || {
        names
            .as_ref()
            .and_then(|names| names.valid_uri_names().next())
    };
    match dns.or_else(uri) {
        Some(name) => name.into(),
        None => format!("sha256:{}", Hex(digest(&SHA256, certificate).as_ref())).into(),
    }
}

fn why(error: &rustls::Error) -> String {
    use rustls::CertificateError as Kind;
    let rustls::Error::InvalidCertificate(kind) = error else {
        return format!("cannot be judged: {error}");
    };
    match kind {
        Kind::Revoked => "is revoked".to_owned(),
        Kind::Expired | Kind::ExpiredContext { .. } => "has expired".to_owned(),
        Kind::NotValidYet | Kind::NotValidYetContext { .. } => "is not valid yet".to_owned(),
        Kind::UnknownIssuer | Kind::BadSignature => {
            "is not from an authority that is trusted here".to_owned()
        }
        Kind::UnknownRevocationStatus => "is on no revocation list's watch".to_owned(),
        Kind::ExpiredRevocationList | Kind::ExpiredRevocationListContext { .. } => {
            "cannot be judged: the revocation list is out of date".to_owned()
        }
        Kind::InvalidPurpose | Kind::InvalidPurposeContext { .. } => {
            "is not for clients".to_owned()
        }
        _ => format!("is not good: {error}"),
    }
}

#[cfg(test)]
mod tests;
