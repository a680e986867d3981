//! [`Jwt`]: JSON Web Tokens (RFC 7519) against a key set (RFC 7517).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

mod keys;

pub use keys::{KeySet, KeySetError};

/// Judges tokens: the keys, and what their claims must say.
///
/// - A key verifies the one algorithm of its type: RSA keys RS256, P-256 keys ES256, Ed25519 keys EdDSA.
///   What the token's head asks for must be that. So `none` and the HMAC algorithms never pass, and a
///   public key cannot be taken for a shared secret.
/// - A `kid` in the head selects the keys of that id; without one, every key of the type is tried.
/// - `exp`, `aud` and `sub` must be there; `nbf` counts if it is; `iss` must be right if one is expected.
/// - `crit` in the head is refused: it asks for extensions, and there are none.
/// - Keys and certificates that the head carries or links to are not looked at.
#[derive(Clone, Debug)]
pub struct Jwt {
    /// The keys.
    pub keys: KeySet,
    /// The audience that a token must name; the gateway's endpoint when `None`.
    pub audience: Option<Box<str>>,
    /// The issuer that a token must name, if any.
    pub issuer: Option<Box<str>>,
    /// By how many seconds clocks may differ: a token is good for so long before `nbf` and after `exp`.
    pub leeway: u32,
}

/// Why a token does not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtError {
    /// No algorithm that any key verifies.
    #[error("its algorithm is not RS256, ES256 or EdDSA")]
    Algorithm,
    /// Genuine, but for somebody else.
    #[error("the token of {subject} is for another audience")]
    Audience {
        /// Its `sub`.
        subject: Arc<str>,
    },
    /// Genuine, but too old.
    #[error("the token of {subject} expired {seconds} s ago")]
    Expired {
        /// Its `sub`.
        subject: Arc<str>,
        /// How long ago.
        seconds: u64,
    },
    /// Genuine, but from somebody else.
    #[error("the token of {subject} is from another issuer")]
    Issuer {
        /// Its `sub`.
        subject: Arc<str>,
    },
    /// No key of the set has the token's `kid` and algorithm.
    #[error("no key of the key set is the one it names")]
    Key,
    /// Not three parts of Base64 with JSON in them, or a claim is missing or of the wrong type.
    #[error("it is not a JWT with exp, aud and sub: {0}")]
    Malformed(&'static str),
    /// Genuine, but too young.
    #[error("the token of {subject} is not valid yet")]
    NotYet {
        /// Its `sub`.
        subject: Arc<str>,
    },
    /// No key of the set made the signature.
    #[error("its signature is wrong")]
    Signature,
}

/// An algorithm that keys can verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    EdDsa,
    Es256,
    Rs256,
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    aud: Audience,
    exp: f64,
    iss: Option<String>,
    nbf: Option<f64>,
    sub: Arc<str>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

// === impl Jwt ===

impl Jwt {
    /// The subject of a token that passes, `now` seconds after 1970, at a gateway's endpoint.
    ///
    /// # Errors
    ///
    /// [`JwtError`]. What the claims say is told only if the signature is good.
    pub fn subject(&self, token: &str, endpoint: &str, now: u64) -> Result<Arc<str>, JwtError> {
        let (signed, signature) = token
            .rsplit_once('.')
            .ok_or(JwtError::Malformed("no parts"))?;
        let (head, claims) = signed
            .split_once('.')
            .ok_or(JwtError::Malformed("two parts"))?;
        let head: Head = part(head)?;
        if head.crit.is_some() {
            return Err(JwtError::Malformed("it has critical extensions"));
        }
        let algorithm = Algorithm::named(&head.alg).ok_or(JwtError::Algorithm)?;
        let signature = decode(signature)?;
        self.keys.verify(
            algorithm,
            head.kid.as_deref(),
            signed.as_bytes(),
            &signature,
        )?;
        self.judge(part(claims)?, endpoint, now)
    }

    fn judge(&self, claims: Claims, endpoint: &str, now: u64) -> Result<Arc<str>, JwtError> {
        let subject = claims.sub;
        if subject.is_empty() || subject.len() > LONGEST_SUBJECT {
            return Err(JwtError::Malformed("its subject is empty or too long"));
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "seconds since 1970 fit into 52 bits"
        )]
        let now = now as f64;
        let leeway = f64::from(self.leeway);
        // Written so that a claim that is no number (which JSON cannot hold) would not pass.
        let alive = now < claims.exp + leeway;
        if !alive {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "saturates, and is not negative here"
            )]
            let seconds = (now - claims.exp) as u64;
            return Err(JwtError::Expired { subject, seconds });
        }
        if claims.nbf.is_some_and(|nbf| now + leeway < nbf) {
            return Err(JwtError::NotYet { subject });
        }
        if !claims
            .aud
            .names(self.audience.as_deref().unwrap_or(endpoint))
        {
            return Err(JwtError::Audience { subject });
        }
        if self.issuer.is_some() && self.issuer.as_deref() != claims.iss.as_deref() {
            return Err(JwtError::Issuer { subject });
        }
        Ok(subject)
    }
}

// === impl JwtError ===

impl JwtError {
    /// The subject of a token that is genuine and yet does not pass.
    pub const fn subject(&self) -> Option<&Arc<str>> {
        match self {
            Self::Audience { subject }
            | Self::Expired { subject, .. }
            | Self::Issuer { subject }
            | Self::NotYet { subject } => Some(subject),
            _ => None,
        }
    }
}

// === impl Algorithm ===

impl Algorithm {
    fn named(name: &str) -> Option<Self> {
        match name {
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            "ES256" => Some(Self::Es256),
            "RS256" => Some(Self::Rs256),
            _ => None,
        }
    }
}

// === impl Audience ===

impl Audience {
    fn names(&self, wanted: &str) -> bool {
        match self {
            Self::One(one) => one == wanted,
            Self::Many(many) => many.iter().any(|one| one == wanted),
        }
    }
}

fn decode(text: &str) -> Result<Vec<u8>, JwtError> {
    let decoded = URL_SAFE_NO_PAD.decode(text);
    decoded.map_err(|_| JwtError::Malformed("a part is not Base64"))
}

fn part<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, JwtError> {
    let json = decode(text)?;
    serde_json::from_slice(&json).map_err(|_| JwtError::Malformed("a part lacks what it must have"))
}

/// Longer names are of no use in a log.
const LONGEST_SUBJECT: usize = 256;

#[cfg(test)]
mod tests;
