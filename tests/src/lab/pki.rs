//! An authority with an intermediate, and leaves that are wrong in one way each.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::HOST;

/// What a server presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// Leaf and intermediate, for everything that clients want.
    Good,
    /// The leaf is past its time.
    Expired,
    /// A device's authority signed it, with the name that FortiGate has.
    Intercepted,
    /// The leaf without the intermediate, which it says where to fetch.
    MissingIntermediate,
    /// The leaf's time has not come.
    NotYetValid,
    /// The leaf signed itself.
    SelfSigned,
    /// In order, by an authority that nobody knows.
    UnknownAuthority,
    /// The leaf is for clients.
    WrongPurpose,
    /// The leaf is for another host.
    WrongName,
}

/// The authorities.
#[derive(Debug)]
pub struct Pki {
    /// The root's certificate in PEM, for programs.
    pub ca_file: PathBuf,
    /// The root's certificate.
    pub root: CertificateDer<'static>,
    known: Authority,
    unknown: Authority,
    device: Authority,
    directory: PathBuf,
}

#[derive(Debug)]
struct Authority {
    root: CertificateDer<'static>,
    intermediate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    root_pem: String,
}

/// A chain and the key of its first certificate.
pub(super) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

// === impl Pki ===

impl Pki {
    pub(super) fn create(directory: &Path) -> Self {
        let known = Authority::create("Lab");
        let ca_file = directory.join("lab-ca.pem");
        std::fs::write(&ca_file, &known.root_pem).expect("a writable directory");
        Self {
            ca_file,
            root: known.root.clone(),
            known,
            unknown: Authority::create("Nobody"),
            device: Authority::create("Fortinet"),
            directory: directory.to_owned(),
        }
    }

    /// What a client must trust: the root.
    ///
    /// # Panics
    ///
    /// Never: it is our own certificate.
    pub fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).expect("our own certificate");
        roots
    }

    /// What a client trusts on whose machine the root of an inspecting device was installed.
    ///
    /// # Panics
    ///
    /// Never: they are our own certificates.
    pub fn roots_with_device(&self) -> RootCertStore {
        let mut roots = self.roots();
        roots
            .add(self.device.root.clone())
            .expect("our own certificate");
        roots
    }

    /// Writes a leaf that clients accept, with a key that old servers can use, as `chain` and `key` in
    /// PEM.
    pub(super) fn rsa_files(&self) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
        let leaf = leaf(HOST)
            .signed_by(&key, &self.known.issuer)
            .expect("signed");
        let write = |name: &str, text: String| {
            let file = self.directory.join(name);
            std::fs::write(&file, text).expect("a writable directory");
            file
        };
        (
            write("rsa.pem", leaf.pem()),
            write("rsa.key", key.serialize_pem()),
        )
    }

    pub(super) fn identity(&self, chain: Chain) -> Identity {
        let authority = match chain {
            Chain::Intercepted => &self.device,
            Chain::UnknownAuthority => &self.unknown,
            _ => &self.known,
        };
        let mut params = leaf(if chain == Chain::WrongName {
            "other.example"
        } else {
            HOST
        });
        match chain {
            Chain::Expired => params.not_after = date_time_ymd(2021, 1, 1),
            Chain::MissingIntermediate => params.custom_extensions.push(issuer_url()),
            Chain::NotYetValid => params.not_before = date_time_ymd(2090, 1, 1),
            Chain::WrongPurpose => {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            }
            _ => {}
        }
        let key = KeyPair::generate().expect("a key");
        let leaf = match chain {
            Chain::SelfSigned => params.self_signed(&key),
            _ => params.signed_by(&key, &authority.issuer),
        };
        let mut sent = vec![leaf.expect("signed").der().clone()];
        if !matches!(chain, Chain::SelfSigned | Chain::MissingIntermediate) {
            sent.push(authority.intermediate.clone());
        }
        (sent, PrivatePkcs8KeyDer::from(key.serialize_der()).into())
    }
}

// === impl Authority ===

impl Authority {
    fn create(organization: &str) -> Self {
        let root_key = KeyPair::generate().expect("a key");
        let root_params = authority("Root", organization);
        let root = root_params.self_signed(&root_key).expect("signed");
        let issuer = Issuer::new(root_params, root_key);
        let key = KeyPair::generate().expect("a key");
        let params = authority("Issuing CA", organization);
        let intermediate = params.signed_by(&key, &issuer).expect("signed");
        Self {
            root: root.der().clone(),
            intermediate: intermediate.der().clone(),
            issuer: Issuer::new(params, key),
            root_pem: root.pem(),
        }
    }
}

fn authority(name: &str, organization: &str) -> CertificateParams {
    let mut params = CertificateParams::new([]).expect("no names");
    let common_name = format!("{organization} {name}");
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params
        .distinguished_name
        .push(DnType::OrganizationName, organization);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.use_authority_key_identifier_extension = true;
    params
}

fn leaf(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).expect("a valid name");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.use_authority_key_identifier_extension = true;
    params
}

/// AuthorityInfoAccess (RFC 5280 §4.2.2.1), as every public authority puts it into its leaves. Nothing
/// listens there.
fn issuer_url() -> CustomExtension {
    let of = |tag: u8, value: &[u8]| {
        let length = u8::try_from(value.len()).expect("short");
        [&[tag, length], value].concat()
    };
    let method = of(6, &[0x2b, 6, 1, 5, 5, 7, 0x30, 2]);
    let place = of(0x86, b"http://127.0.0.1:1/issuing.crt");
    let access = of(0x30, &of(0x30, &[method, place].concat()));
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], access)
}
