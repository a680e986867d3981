//! [`Tokens`]: bearer tokens, of which only digests are kept.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::{fs, io};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use narrows_service::files::{self, Readers};
use serde::{Deserialize, Serialize};

use crate::definition::GatewayName;
use crate::identity::Identity;
use crate::random::{self, Hex, NoRandomness};

/// The tokens that a gateway accepts.
///
/// A token is 256 random bits, so its digest needs no salt and no slow hash: there is nothing to guess.
/// Every comparison is made in constant time, and every token is compared whatever the first ones said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    entries: Vec<Entry>,
}

/// One token of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name: the identity in the log.
    pub name: Arc<str>,
    /// The one gateway that it is for; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayName>,
    /// When it was issued (RFC 3339).
    pub issued: String,
    /// SHA-256 of the token, hexadecimal.
    sha256: Digest,
}

/// A token in clear: shown once, never kept. `Debug` hides it.
pub struct Secret(String);

/// A file of tokens, `{"tokens": [...]}`.
#[derive(Clone, Debug)]
pub struct TokenFile {
    path: PathBuf,
}

/// Why tokens cannot be read or changed. The message says where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// There is a token of that name.
    #[error("there is a token named {0:?} already: revoke it first, or choose another name")]
    Exists(Box<str>),
    /// The operating system says no.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: Box<str>,
        /// What the system said.
        error: io::Error,
    },
    /// The file is not one of tokens.
    #[error("{path}:{line}: {message}")]
    Json {
        /// The file.
        path: Box<str>,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: Box<str>,
    },
    /// There is no token of that name.
    #[error("there is no token named {0:?}")]
    Missing(Box<str>),
    /// Not a name.
    #[error("a token's name has 1 to 64 letters, digits, '-', '_', '.' and '@'")]
    Name,
    /// Nothing to make a token of.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields)]
struct Listed {
    tokens: Vec<Entry>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Digest([u8; 32]);

// === impl Tokens ===

impl Tokens {
    /// Who holds `secret` and may use `gateway` with it.
    ///
    /// `name` is what the client said about itself, if it said anything (Basic, whose user is the
    /// token's name); it must be right too.
    pub fn holder(
        &self,
        secret: &str,
        name: Option<&str>,
        gateway: &GatewayName,
    ) -> Option<Identity> {
        let wanted = Digest::of(secret);
        let mut holder = None;
        for entry in &self.entries {
            let same = verify_slices_are_equal(&entry.sha256.0, &wanted.0).is_ok();
            let here = entry.gateway.as_ref().is_none_or(|only| only == gateway);
            let named = name.is_none_or(|name| *name == *entry.name);
            if same && here && named {
                holder = Some(Identity::Token(Arc::clone(&entry.name)));
            }
        }
        holder
    }

    /// Every token, in the order of the file.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

// === impl TokenFile ===

impl TokenFile {
    /// The tokens in the file at `path`, which need not exist before one is issued.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the tokens; a missing file has none.
    ///
    /// # Errors
    ///
    /// [`TokenError`], with the line.
    pub fn read(&self) -> Result<Tokens, TokenError> {
        let text = match files::read_text(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Tokens::default()),
            Err(error) => return Err(self.io(error)),
        };
        let listed: Listed = serde_json::from_str(&text).map_err(|error| TokenError::Json {
            path: self.path.to_string_lossy().into(),
            line: error.line(),
            message: error.to_string().into(),
        })?;
        Ok(Tokens {
            entries: listed.tokens,
        })
    }

    /// Makes a token and keeps its digest. `issued` is the time, in RFC 3339.
    ///
    /// # Errors
    ///
    /// [`TokenError::Exists`] if the name is taken; the file is as it was on every error.
    pub fn issue(
        &self,
        name: &str,
        gateway: Option<GatewayName>,
        issued: String,
    ) -> Result<Secret, TokenError> {
        if !is_name(name) {
            return Err(TokenError::Name);
        }
        let secret = Secret::random()?;
        self.change(|entries| {
            if entries.iter().any(|entry| *entry.name == *name) {
                return Err(TokenError::Exists(name.into()));
            }
            entries.push(Entry {
                name: name.into(),
                gateway,
                issued,
                sha256: Digest::of(&secret.0),
            });
            Ok(())
        })?;
        Ok(secret)
    }

    /// Forgets a token. Tunnels that it opened stay open.
    ///
    /// # Errors
    ///
    /// [`TokenError::Missing`]; the file is as it was on every error.
    pub fn revoke(&self, name: &str) -> Result<(), TokenError> {
        self.change(|entries| {
            let before = entries.len();
            entries.retain(|entry| *entry.name != *name);
            if entries.len() == before {
                return Err(TokenError::Missing(name.into()));
            }
            Ok(())
        })
    }

    fn change(
        &self,
        change: impl FnOnce(&mut Vec<Entry>) -> Result<(), TokenError>,
    ) -> Result<(), TokenError> {
        if let Some(parent) = self.path.parent() {
            fs::create_dir_all(parent).map_err(|error| self.io(error))?;
        }
        let _lock = files::lock(&self.path).map_err(|error| self.io(error))?;
        let mut tokens = self.read()?.entries;
        change(&mut tokens)?;
        // Nothing in it can fail to be JSON: names and digests are strings.
        let json = serde_json::to_string_pretty(&Listed { tokens }).unwrap_or_default() + "\n";
        files::replace(&self.path, json.as_bytes(), Readers::Owner).map_err(|error| self.io(error))
    }

    fn io(&self, error: io::Error) -> TokenError {
        TokenError::Io {
            path: self.path.to_string_lossy().into(),
            error,
        }
    }
}

// === impl Secret ===

impl Secret {
    fn random() -> Result<Self, NoRandomness> {
        let octets = random::octets::<32>()?;
        Ok(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(octets))))
    }

    /// The token itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

// === impl Digest ===

impl Digest {
    fn of(secret: &str) -> Self {
        let mut octets = [0; 32];
        octets.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
        Self(octets)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl FromStr for Digest {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a SHA-256 digest is 64 hexadecimal digits";
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(WRONG);
        }
        let mut octets = [0; 32];
        for (octet, at) in octets.iter_mut().zip((0..).step_by(2)) {
            *octet = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| WRONG)?;
        }
        Ok(Self(octets))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::parse(deserializer)
    }
}

/// Whether a token may be named so.
pub(crate) fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

/// What a token begins with, so that scanners for leaked secrets can tell it.
pub const PREFIX: &str = "narrows_";

#[cfg(test)]
mod tests;
