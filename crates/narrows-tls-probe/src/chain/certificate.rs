//! [`Certificate`]: one certificate in DER, read out as evidence.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use narrows_endpoint::MAX_NAME;
use serde::{Deserialize, Serialize};
use x509_parser::certificate::{TbsCertificate, X509Certificate};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;

use super::algorithm::{Key, signature};
use super::name::{DistinguishedName, address};
use narrows_connect::printable;

/// What one certificate says of itself. Nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Certificate {
    /// Whose it is.
    pub subject: DistinguishedName,
    /// Who signed it.
    pub issuer: DistinguishedName,
    /// The names that it is for, in the order of its `subjectAltName`: DNS names in lower case, and
    /// addresses. The common name is none of them (RFC 9525 §6.2).
    #[serde(default)]
    pub names: Vec<String>,
    /// When it starts to be valid.
    #[serde(with = "crate::serial::text")]
    pub not_before: Timestamp,
    /// The last second in which it is valid.
    #[serde(with = "crate::serial::text")]
    pub not_after: Timestamp,
    /// Its public key.
    pub key: Key,
    /// How it was signed, such as `ECDSA-SHA384` or an object identifier.
    pub signature: String,
    /// The serial number in hexadecimal.
    pub serial: String,
    /// SHA-256 of the whole certificate, in hexadecimal.
    pub fingerprint: String,
    /// The identifier of its own key, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_key: Option<String>,
    /// The identifier of the key that signed it, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority_key: Option<String>,
    /// Where its issuer's certificate can be fetched, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_url: Option<String>,
    /// Whether it may sign others.
    pub authority: bool,
    /// Whether it may serve TLS: `false` if it lists purposes and that is none of them.
    pub serves: bool,
}

/// Why octets are no certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// No X.509 in DER, or a date that no calendar has.
    #[error("not an X.509 certificate")]
    NotX509,
    /// A certificate, and something after it.
    #[error("{0} octets follow the certificate")]
    Trailing(usize),
}

// === impl Certificate ===

impl Certificate {
    /// Reads a certificate. Strict about its form (RFC 5280), not about what it claims.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] if `der` is not exactly one certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let parsed = X509Certificate::from_der(der);
        let (rest, parsed) = parsed.map_err(|_| CertificateError::NotX509)?;
        if !rest.is_empty() {
            return Err(CertificateError::Trailing(rest.len()));
        }
        let mut certificate = Self {
            subject: DistinguishedName::read(parsed.subject()),
            issuer: DistinguishedName::read(parsed.issuer()),
            names: Vec::new(),
            not_before: timestamp(parsed.validity().not_before.timestamp())?,
            not_after: timestamp(parsed.validity().not_after.timestamp())?,
            key: Key::read(parsed.public_key()),
            signature: signature(&parsed.signature_algorithm),
            serial: hex(parsed.raw_serial()),
            fingerprint: hex(digest(&SHA256, der).as_ref()),
            subject_key: None,
            authority_key: None,
            issuer_url: None,
            authority: parsed.is_ca(),
            serves: true,
        };
        certificate.read_extensions(&parsed);
        Ok(certificate)
    }

    /// Whether it names itself as its issuer, and no key identifier says otherwise.
    pub fn is_self_issued(&self) -> bool {
        self.may_have_signed(self)
    }

    /// Whether it may be the issuer of `other`, by name and, where both have them, by key identifiers.
    pub(super) fn may_have_signed(&self, other: &Self) -> bool {
        let keys = other.authority_key.as_ref().zip(self.subject_key.as_ref());
        self.subject == other.issuer && keys.is_none_or(|(wanted, own)| wanted == own)
    }

    fn read_extensions(&mut self, parsed: &TbsCertificate<'_>) {
        for extension in parsed.iter_extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectAlternativeName(names) => {
                    self.names = names.general_names.iter().filter_map(name).collect();
                }
                ParsedExtension::ExtendedKeyUsage(usage) => {
                    self.serves = usage.any || usage.server_auth;
                }
                ParsedExtension::SubjectKeyIdentifier(id) => self.subject_key = Some(hex(id.0)),
                ParsedExtension::AuthorityKeyIdentifier(id) => {
                    self.authority_key = id.key_identifier.as_ref().map(|id| hex(id.0));
                }
                ParsedExtension::AuthorityInfoAccess(access) => {
                    let mut places = access.iter();
                    let issuers = places.find_map(|place| match place.access_location {
                        GeneralName::URI(url)
                            if place.access_method.to_id_string() == CA_ISSUERS =>
                        {
                            Some(printable(url))
                        }
                        _ => None,
                    });
                    self.issuer_url = issuers;
                }
                _ => {}
            }
        }
    }
}

/// A name of `subjectAltName` that a host can have.
fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) if is_plain(name) => Some(name.to_ascii_lowercase()),
        GeneralName::DNSName(name) => Some(printable(name)),
        GeneralName::IPAddress(octets) => address(octets).map(|address| address.to_string()),
        _ => None,
    }
}

/// Whether it is kept whole: what DNS can have is.
fn is_plain(name: &str) -> bool {
    name.len() <= MAX_NAME + "*.".len() && name.bytes().all(|octet| octet.is_ascii_graphic())
}

fn timestamp(seconds: i64) -> Result<Timestamp, CertificateError> {
    Timestamp::from_second(seconds).map_err(|_| CertificateError::NotX509)
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // Writing to a string does not fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// `id-ad-caIssuers` (RFC 5280 §4.2.2.1).
const CA_ISSUERS: &str = "1.3.6.1.5.5.7.48.2";
