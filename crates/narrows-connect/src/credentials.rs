//! [`Credentials`] for an upstream proxy, and what a client sent as [`ProxyAuthorization`].

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A user and password for an upstream proxy.
///
/// By type they fit into a header and into the Basic scheme (RFC 7617): no control characters in
/// either, no colon in the user. `Debug` hides the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    user: Box<str>,
    password: Box<str>,
}

/// Why a user and password cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// A colon in the user, which would end it early.
    #[error("the user holds a colon")]
    Colon,
    /// CR, LF, NUL or another control character.
    #[error("the user or password holds a control character")]
    Control,
}

/// What a client sent as `Proxy-Authorization`: a scheme and its credentials.
///
/// For this proxy alone: it is never encoded into a head for anyone else. `Debug` hides the
/// credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyAuthorization {
    text: Box<str>,
    scheme: usize,
}

// === impl Credentials ===

impl Credentials {
    /// Checks a user and a password.
    ///
    /// # Examples
    ///
    /// ```
    /// use narrows_connect::Credentials;
    ///
    /// let credentials = Credentials::new("Aladdin", "open sesame")?;
    /// assert_eq!(credentials.basic(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    /// assert!(!format!("{credentials:?}").contains("sesame"));
    /// # Ok::<(), narrows_connect::CredentialsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CredentialsError`] if they do not fit into a header or the Basic scheme.
    pub fn new(
        user: impl Into<Box<str>>,
        password: impl Into<Box<str>>,
    ) -> Result<Self, CredentialsError> {
        let (user, password) = (user.into(), password.into());
        if user.chars().chain(password.chars()).any(char::is_control) {
            return Err(CredentialsError::Control);
        }
        if user.contains(':') {
            return Err(CredentialsError::Colon);
        }
        Ok(Self { user, password })
    }

    /// The user; not a secret.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The password: a secret.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The value of a `Proxy-Authorization` header in the Basic scheme, UTF-8 inside (RFC 7617 §2.1).
    ///
    /// A secret: Base64 hides nothing.
    pub fn basic(&self) -> String {
        let pair = format!("{}:{}", self.user, self.password);
        format!("Basic {}", STANDARD.encode(pair))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .field("password", &"(hidden)")
            .finish()
    }
}

// === impl ProxyAuthorization ===

impl ProxyAuthorization {
    /// The scheme as the client spelled it; schemes compare without case.
    pub fn scheme(&self) -> &str {
        &self.text[..self.scheme]
    }

    /// What follows the scheme: a secret. Empty if nothing does.
    pub fn credentials(&self) -> &str {
        self.text[self.scheme..].trim_start_matches(' ')
    }

    /// Reads a header value: visible ASCII and spaces, a token first; else `None`.
    pub fn from_bytes(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let scheme = text.find(' ').unwrap_or(text.len());
        let visible = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        (visible && is_token(&text[..scheme])).then(|| Self {
            text: text.into(),
            scheme,
        })
    }
}

impl fmt::Debug for ProxyAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyAuthorization")
            .field("scheme", &self.scheme())
            .field("credentials", &"(hidden)")
            .finish()
    }
}

/// Whether the text is a token (RFC 9110 §5.6.2).
pub(crate) fn is_token(text: &str) -> bool {
    let special = |byte| b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || special(byte))
}

#[cfg(test)]
mod tests;
