//! Keys and signature algorithms: what to call them, and which ones nobody accepts any more.

use std::fmt;

use serde::{Deserialize, Serialize};
use x509_parser::public_key::PublicKey;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

/// A public key by kind and size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Key {
    /// `RSA`, `EC`, `Ed25519`, `DSA`, or the algorithm's object identifier.
    pub kind: String,
    /// The size in bits; 0 if it cannot be told.
    pub bits: u32,
}

// === impl Key ===

impl Key {
    pub(super) fn read(key: &SubjectPublicKeyInfo<'_>) -> Self {
        let kind = key.algorithm.algorithm.to_id_string();
        let kind = match kind.as_str() {
            "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10" => "RSA",
            "1.2.840.10045.2.1" => "EC",
            "1.2.840.10040.4.1" => "DSA",
            "1.3.101.112" => "Ed25519",
            "1.3.101.113" => "Ed448",
            _ => kind.as_str(),
        };
        let size = match key.parsed() {
            Ok(PublicKey::RSA(key)) => bits(key.modulus),
            // The curve's name says it; a point has two coordinates and may be compressed.
            Ok(PublicKey::EC(_)) => curve(key).unwrap_or_default(),
            Ok(PublicKey::DSA(key)) => bits(key),
            _ => match kind {
                "Ed25519" => 256,
                "Ed448" => 448,
                _ => 0,
            },
        };
        Self {
            kind: kind.to_owned(),
            bits: size,
        }
    }

    /// Whether verifiers refuse it: RSA below 2048 bits, EC below 224, and DSA in any size.
    pub fn is_weak(&self) -> bool {
        match self.kind.as_str() {
            "RSA" => self.bits < 2048,
            "EC" => (1..224).contains(&self.bits),
            "DSA" => true,
            _ => false,
        }
    }
}

/// `RSA 2048`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits {
            0 => f.write_str(&self.kind),
            bits => write!(f, "{} {bits}", self.kind),
        }
    }
}

/// Bits of a number without leading zeros: 1 023 and 1 024 are different keys.
fn bits(number: &[u8]) -> u32 {
    let start = number.iter().position(|&octet| octet != 0);
    let number = &number[start.unwrap_or(number.len())..];
    let whole = u32::try_from(number.len())
        .unwrap_or(u32::MAX)
        .saturating_mul(8);
    whole - number.first().map_or(0, |first| first.leading_zeros())
}

fn curve(key: &SubjectPublicKeyInfo<'_>) -> Option<u32> {
    let curve = key.algorithm.parameters.as_ref()?.as_oid().ok()?;
    Some(match curve.to_id_string().as_str() {
        "1.2.840.10045.3.1.1" => 192,
        "1.2.840.10045.3.1.7" | "1.3.132.0.10" => 256,
        "1.3.132.0.33" => 224,
        "1.3.132.0.34" => 384,
        "1.3.132.0.35" => 521,
        _ => return None,
    })
}

/// What to call a signature algorithm: the key's kind and the digest, such as `RSA-SHA256`.
pub(super) fn signature(algorithm: &AlgorithmIdentifier<'_>) -> String {
    let id = algorithm.algorithm.to_id_string();
    let name = match id.as_str() {
        "1.2.840.113549.1.1.2" => "RSA-MD2",
        "1.2.840.113549.1.1.3" => "RSA-MD4",
        "1.2.840.113549.1.1.4" => "RSA-MD5",
        "1.2.840.113549.1.1.5" => "RSA-SHA1",
        "1.2.840.113549.1.1.10" => return pss(algorithm),
        "1.2.840.113549.1.1.11" => "RSA-SHA256",
        "1.2.840.113549.1.1.12" => "RSA-SHA384",
        "1.2.840.113549.1.1.13" => "RSA-SHA512",
        "1.2.840.113549.1.1.14" => "RSA-SHA224",
        "1.2.840.10040.4.3" => "DSA-SHA1",
        "1.2.840.10045.4.1" => "ECDSA-SHA1",
        "1.2.840.10045.4.3.1" => "ECDSA-SHA224",
        "1.2.840.10045.4.3.2" => "ECDSA-SHA256",
        "1.2.840.10045.4.3.3" => "ECDSA-SHA384",
        "1.2.840.10045.4.3.4" => "ECDSA-SHA512",
        "1.3.101.112" => "Ed25519",
        "1.3.101.113" => "Ed448",
        _ => return id,
    };
    name.to_owned()
}

/// Whether verifiers refuse a signature of that name: MD and SHA-1.
pub(super) fn is_weak_signature(name: &str) -> bool {
    name.rsplit('-')
        .next()
        .is_some_and(|digest| digest == "SHA1" || digest.starts_with("MD"))
}

/// RSASSA-PSS has its digest in its parameters, SHA-1 if it has none (RFC 4055 §3.1).
fn pss(algorithm: &AlgorithmIdentifier<'_>) -> String {
    let parameters = algorithm.parameters.as_ref();
    let parameters = parameters.and_then(|any| RsaSsaPssParams::try_from(any).ok());
    let digest = parameters.map(|parameters| parameters.hash_algorithm_oid().to_id_string());
    let digest = match digest.as_deref() {
        Some("1.3.14.3.2.26") | None => "SHA1",
        Some("2.16.840.1.101.3.4.2.1") => "SHA256",
        Some("2.16.840.1.101.3.4.2.2") => "SHA384",
        Some("2.16.840.1.101.3.4.2.3") => "SHA512",
        Some("2.16.840.1.101.3.4.2.4") => "SHA224",
        Some(other) => other,
    };
    format!("RSA-PSS-{digest}")
}
