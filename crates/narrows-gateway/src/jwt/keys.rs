//! [`KeySet`]: the public keys of a JWKS file (RFC 7517, RFC 7518 §6, RFC 8037 §2).

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::{Algorithm, JwtError};

/// The public keys of a JWKS file that verify signatures.
///
/// Keys of other types, for encryption, or for other algorithms are left out; a set without any other
/// key is refused.
#[derive(Clone)]
pub struct KeySet {
    keys: Vec<Key>,
}

/// Why a text is no key set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// Not JSON of the right form.
    #[error("line {line}: {message}")]
    Json {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: Box<str>,
    },
    /// A key's numbers are not what its type wants.
    #[error("the key {0:?} is not one of its type")]
    Key(Box<str>),
    /// No key verifies RS256, ES256 or EdDSA.
    #[error("no key in it verifies RS256, ES256 or EdDSA")]
    NoKey,
}

#[derive(Clone)]
struct Key {
    id: Option<Box<str>>,
    public: Public,
}

#[derive(Clone)]
enum Public {
    /// The public key as it is.
    Ed25519(Vec<u8>),
    /// The uncompressed point.
    P256(Vec<u8>),
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

#[derive(Deserialize)]
struct Listed {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<Box<str>>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

// === impl KeySet ===

impl KeySet {
    /// Verifies a signature with the keys that may have made it.
    pub(super) fn verify(
        &self,
        algorithm: Algorithm,
        id: Option<&str>,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<(), JwtError> {
        let named = |key: &&Key| id.is_none_or(|id| key.id.as_deref() == Some(id));
        let fitting = |key: &&Key| key.public.algorithm() == algorithm;
        let mut keys = self.keys.iter().filter(named).filter(fitting).peekable();
        if keys.peek().is_none() {
            return Err(JwtError::Key);
        }
        if keys.any(|key| key.public.verifies(signed, signature)) {
            Ok(())
        } else {
            Err(JwtError::Signature)
        }
    }

    /// The number of keys.
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key; never, as such a set is refused.
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl FromStr for KeySet {
    type Err = KeySetError;

    fn from_str(text: &str) -> Result<Self, KeySetError> {
        let listed: Listed = serde_json::from_str(text).map_err(|error| KeySetError::Json {
            line: error.line(),
            message: error.to_string().into(),
        })?;
        let keys = listed
            .keys
            .iter()
            .filter_map(|jwk| Key::read(jwk).transpose());
        let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(KeySetError::NoKey);
        }
        Ok(Self { keys })
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self
            .keys
            .iter()
            .map(|key| (key.public.algorithm(), &key.id));
        f.debug_list().entries(ids).finish()
    }
}

// === impl Key ===

impl Key {
    /// A key, none if it is for something else.
    fn read(jwk: &Jwk) -> Result<Option<Self>, KeySetError> {
        if jwk
            .purpose
            .as_deref()
            .is_some_and(|purpose| purpose != "sig")
        {
            return Ok(None);
        }
        let Some(public) = jwk.public() else {
            return Ok(None);
        };
        let public = public.ok_or_else(|| {
            let id = jwk.kid.as_deref().unwrap_or("without kid");
            KeySetError::Key(id.into())
        })?;
        let algorithm = jwk.alg.as_deref();
        if algorithm.is_some_and(|name| Algorithm::named(name) != Some(public.algorithm())) {
            return Ok(None);
        }
        Ok(Some(Self {
            id: jwk.kid.clone(),
            public,
        }))
    }
}

// === impl Jwk ===

impl Jwk {
    /// `None` for other types; `Some(None)` for numbers that are wrong.
    fn public(&self) -> Option<Option<Public>> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => Some(self.rsa()),
            ("EC", Some("P-256")) => Some(self.p256()),
            ("OKP", Some("Ed25519")) => Some(sized(self.x.as_deref(), 32).map(Public::Ed25519)),
            _ => None,
        }
    }

    fn rsa(&self) -> Option<Public> {
        let modulus = number(self.n.as_deref()?)?;
        // 2048 to 8192 bits; the library refuses others too, but only when a token comes.
        let exponent = number(self.e.as_deref()?)?;
        let fits = (256..=1024).contains(&modulus.len()) && (1..=8).contains(&exponent.len());
        fits.then_some(Public::Rsa { modulus, exponent })
    }

    fn p256(&self) -> Option<Public> {
        let mut point = vec![UNCOMPRESSED];
        point.extend(sized(self.x.as_deref(), 32)?);
        point.extend(sized(self.y.as_deref(), 32)?);
        Some(Public::P256(point))
    }
}

// === impl Public ===

impl Public {
    const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::EdDsa,
            Self::P256(_) => Algorithm::Es256,
            Self::Rsa { .. } => Algorithm::Rs256,
        }
    }

    fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        let verified = match self {
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(signed, signature),
            Self::P256(key) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(signed, signature)
            }
            Self::Rsa { modulus, exponent } => {
                let key = RsaPublicKeyComponents {
                    n: modulus,
                    e: exponent,
                };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
            }
        };
        verified.is_ok()
    }
}

fn sized(text: Option<&str>, octets: usize) -> Option<Vec<u8>> {
    let decoded = URL_SAFE_NO_PAD.decode(text?).ok()?;
    (decoded.len() == octets).then_some(decoded)
}

/// Without the zero octets that some writers put in front.
fn number(text: &str) -> Option<Vec<u8>> {
    let decoded = URL_SAFE_NO_PAD.decode(text).ok()?;
    let zeros = decoded.iter().take_while(|octet| **octet == 0).count();
    Some(decoded[zeros..].to_vec())
}

/// What an uncompressed point begins with (SEC 1 §2.3.3).
const UNCOMPRESSED: u8 = 4;
