//! Digest (RFC 7616): a challenge, and the answer to it. No I/O, no clock.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use md5::{Digest as _, Md5};
use narrows_connect::Credentials;

/// A proxy's Digest challenge that can be answered, and how often its nonce was used.
#[derive(Debug)]
pub(crate) struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// Whether the algorithm's name ends in `-sess`.
    session: bool,
    /// `qop=auth` is offered; else the form of RFC 2069 is used.
    auth: bool,
    /// The credentials of the last answer were good, and only its nonce was too old.
    pub(crate) stale: bool,
    uses: AtomicU32,
}

/// The better one is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Md5,
    Sha256,
}

impl Challenge {
    /// Reads the parameters of a challenge; `None` if it cannot be answered.
    pub(crate) fn read(parameters: &[(String, String)]) -> Option<Self> {
        let find = |wanted: &str| {
            let found = parameters.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.clone())
        };
        let name = find("algorithm").unwrap_or_else(|| "MD5".to_owned());
        let name = name.to_ascii_uppercase();
        let (base, session) = match name.strip_suffix("-SESS") {
            Some(base) => (base, true),
            None => (&*name, false),
        };
        let algorithm = match base {
            "MD5" => Algorithm::Md5,
            "SHA-256" => Algorithm::Sha256,
            _ => return None,
        };
        let auth = match find("qop") {
            None => false,
            Some(offered) => {
                let mut offered = offered.split(',').map(str::trim);
                // `auth-int` alone would cover the body too.
                offered.find(|one| one.eq_ignore_ascii_case("auth"))?;
                true
            }
        };
        Some(Self {
            realm: find("realm")?,
            nonce: find("nonce")?,
            opaque: find("opaque"),
            algorithm,
            session,
            auth,
            stale: find("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            uses: AtomicU32::new(0),
        })
    }

    /// How good the algorithm is; greater is better.
    pub(crate) fn strength(&self) -> u8 {
        self.algorithm as u8
    }

    /// The value of `Proxy-Authorization` for a request with this method and target, as they stand in its
    /// request line. Each call uses the nonce once more.
    pub(crate) fn answer(&self, credentials: &Credentials, method: &str, uri: &str) -> String {
        let uses = self.uses.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        self.answer_with(credentials, method, uri, &cnonce(), uses)
    }

    fn answer_with(
        &self,
        credentials: &Credentials,
        method: &str,
        uri: &str,
        cnonce: &str,
        uses: u32,
    ) -> String {
        let (user, realm, nonce) = (credentials.user(), &self.realm, &self.nonce);
        let hash = |text: &str| self.algorithm.hash(text);
        let mut a1 = hash(&format!("{user}:{realm}:{}", credentials.password()));
        if self.session {
            a1 = hash(&format!("{a1}:{nonce}:{cnonce}"));
        }
        let a2 = hash(&format!("{method}:{uri}"));
        let response = if self.auth {
            hash(&format!("{a1}:{nonce}:{uses:08x}:{cnonce}:auth:{a2}"))
        } else {
            hash(&format!("{a1}:{nonce}:{a2}"))
        };
        let session = if self.session { "-sess" } else { "" };
        let mut value = format!(
            "Digest {}, realm={}, nonce={}, uri={}, algorithm={}{session}, response=\"{response}\"",
            username(user),
            quoted(realm),
            quoted(nonce),
            quoted(uri),
            self.algorithm.name(),
        );
        if let Some(opaque) = &self.opaque {
            let _ = write!(value, ", opaque={}", quoted(opaque));
        }
        if self.auth {
            let _ = write!(value, ", qop=auth, nc={uses:08x}");
        }
        if self.auth || self.session {
            let _ = write!(value, ", cnonce=\"{cnonce}\"");
        }
        value
    }
}

// === impl Algorithm ===

impl Algorithm {
    const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&Md5::digest(text)),
            Self::Sha256 => hex(digest(&SHA256, text.as_bytes()).as_ref()),
        }
    }
}

/// Parameters that hold text of others are visible ASCII by then: see [`super::challenges`].
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

/// The user, in the extended notation (RFC 8187) if it is not ASCII.
fn username(user: &str) -> String {
    if user.is_ascii() {
        return format!("username={}", quoted(user));
    }
    let mut value = "username*=UTF-8''".to_owned();
    for byte in user.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            value.push(char::from(byte));
        } else {
            let _ = write!(value, "%{byte:02X}");
        }
    }
    value
}

/// A number that nobody can guess, so that a proxy cannot choose the whole text that is hashed.
fn cnonce() -> String {
    let mut random = [0; 16];
    // Without randomness the answer is still right, only the proxy could have prepared for it.
    let _ = rand::fill(&mut random);
    hex(&random)
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
