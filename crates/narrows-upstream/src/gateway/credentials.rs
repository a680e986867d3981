//! [`GatewayCredentials`]: what a gateway may ask of this machine.

use std::fmt;

use narrows_connect::Credentials;

/// Credentials for a gateway, sent as `Proxy-Authorization` inside TLS with every nested CONNECT.
///
/// `Debug` hides the secret, and neither kind can hold a line end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GatewayCredentials {
    /// A user and password (RFC 7617).
    Basic(Credentials),
    /// A bearer token (RFC 6750), for instance a JWT.
    Bearer(BearerToken),
}

/// A bearer token: the `b64token` of RFC 6750 §2.1.
///
/// - `eyJhbGciOi.eyJzdWIi.c2ln`, `s3cr3t-tok_en~` and `YWJj==` are tokens.
/// - The empty text, `a b`, `a=b`, `a\r\nb` and `Bearer abc` are refused.
///
/// # Examples
///
/// ```
/// use narrows_upstream::BearerToken;
///
/// let token: BearerToken = "s3cr3t".parse()?;
/// assert!(!format!("{token:?}").contains("s3cr3t"));
/// # Ok::<(), narrows_upstream::BearerTokenError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken(Box<str>);

/// Why a text is not a bearer token. Never shows the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BearerTokenError {
    /// A character that no token has, by its place. Often a line end or the word `Bearer`.
    #[error(
        "character {0} of the token is not one that tokens have (letters, digits and -._~+/, '=' at the end)"
    )]
    Character(usize),
    /// Nothing at all.
    #[error("the token is empty")]
    Empty,
}

// === impl GatewayCredentials ===

impl GatewayCredentials {
    /// The value of `Proxy-Authorization`: a secret, in visible ASCII.
    pub(super) fn header(&self) -> String {
        match self {
            Self::Basic(credentials) => credentials.basic(),
            Self::Bearer(token) => token.header(),
        }
    }

    /// The scheme, in lower case.
    pub(super) const fn scheme(&self) -> &'static str {
        match self {
            Self::Basic(_) => "basic",
            Self::Bearer(_) => "bearer",
        }
    }
}

// === impl BearerToken ===

impl BearerToken {
    /// The value of `Proxy-Authorization`: a secret, in visible ASCII.
    pub(crate) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl std::str::FromStr for BearerToken {
    type Err = BearerTokenError;

    fn from_str(text: &str) -> Result<Self, BearerTokenError> {
        let body = text.trim_end_matches('=');
        if body.is_empty() {
            return Err(BearerTokenError::Empty);
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        match body.chars().position(|c| !fits(c)) {
            Some(at) => Err(BearerTokenError::Character(at + 1)),
            None => Ok(Self(text.into())),
        }
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(hidden)")
    }
}

#[cfg(test)]
mod tests;
