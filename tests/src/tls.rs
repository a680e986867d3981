//! A certificate authority that lives as long as one test, and a certificate for loopback names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// A name that only a proxy with our hosts file can resolve (RFC 6761 reserves `.test`).
pub const REMOTE_NAME: &str = "origin.test";

/// What servers present, and what clients must trust.
#[derive(Clone, Debug)]
pub struct Tls {
    /// For servers; no ALPN set.
    pub server: ServerConfig,
    /// For clients written in Rust.
    pub client: Arc<ClientConfig>,
    /// The authority's certificate in PEM, for other programs.
    pub ca_file: PathBuf,
    /// The servers' certificate in PEM, for other programs.
    pub certificate_file: PathBuf,
    /// Its key in PEM.
    pub key_file: PathBuf,
}

impl Tls {
    /// Makes an authority and a certificate for `localhost`, `127.0.0.1` and [`REMOTE_NAME`];
    /// both certificates and the key of the latter are written into `directory`.
    ///
    /// # Panics
    ///
    /// When the directory cannot be written to.
    pub fn create(directory: &Path) -> Self {
        let mut authority = CertificateParams::new([]).expect("no names");
        // OpenSSL takes a certificate for self-signed when its issuer has the same name.
        authority
            .distinguished_name
            .push(DnType::CommonName, "narrows test authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let authority_key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(authority, authority_key).expect("signed");
        let names = ["localhost", "127.0.0.1", REMOTE_NAME].map(str::to_owned);
        let mut leaf = CertificateParams::new(names).expect("valid names");
        // OpenSSL 3 (Python) wants to see who signed.
        leaf.use_authority_key_identifier_extension = true;
        let leaf_key = KeyPair::generate().expect("a key");
        let leaf = leaf.signed_by(&leaf_key, &authority).expect("signed");

        let write = |name: &str, pem: String| {
            let file = directory.join(name);
            std::fs::write(&file, pem).expect("the directory is writable");
            file
        };
        let mut roots = RootCertStore::empty();
        roots
            .add(authority.der().clone())
            .expect("our own certificate");
        let key = PrivatePkcs8KeyDer::from(leaf_key.serialize_der());
        Self {
            server: ServerConfig::builder()
                .with_no_client_auth()
                .with_single_cert(vec![leaf.der().clone()], key.into())
                .expect("a key that fits"),
            client: Arc::new(
                ClientConfig::builder()
                    .with_root_certificates(roots)
                    .with_no_client_auth(),
            ),
            ca_file: write("ca.pem", authority.pem()),
            certificate_file: write("certificate.pem", leaf.pem()),
            key_file: write("key.pem", leaf_key.serialize_pem()),
        }
    }
}
