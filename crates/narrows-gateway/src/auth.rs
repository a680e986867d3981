//! [`Authenticator`]: who a request is from, by what came with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use narrows_connect::ProxyAuthorization;

use crate::certificates::CertificateError;
use crate::definition::{Definition, GatewayName};
use crate::identity::Identity;
use crate::jwt::{Jwt, JwtError};
use crate::tokens::{self, Tokens};

/// What one server accepts as proof of who asks.
#[derive(Clone, Copy, Debug)]
pub struct Authenticator<'a> {
    /// Bearer tokens.
    pub tokens: &'a Tokens,
    /// JSON Web Tokens, if a key set is configured.
    pub jwt: Option<&'a Jwt>,
    /// Whether nothing at all is proof enough.
    pub anonymous: bool,
}

/// What came with a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Proof<'a> {
    /// The `Proxy-Authorization` of the request.
    pub authorization: Option<&'a ProxyAuthorization>,
    /// What the client certificate was judged to be, if there is one.
    pub certificate: Option<&'a Result<Identity, CertificateError>>,
}

/// Why nobody is let in. Never holds what was presented.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The client certificate is not good.
    #[error(transparent)]
    Certificate(CertificateError),
    /// The JWT is not good.
    #[error("the JWT does not pass: {0}")]
    Jwt(#[from] JwtError),
    /// Nothing was presented.
    #[error("no credentials were sent")]
    Nothing,
    /// A scheme that is not known here.
    #[error("the scheme of Proxy-Authorization is neither Bearer nor Basic")]
    Scheme,
    /// The token is not known, or not for this gateway, or not that user's.
    #[error("the token is not one for this gateway{}", claimed(.user.as_deref()))]
    Token {
        /// Who the client said it is, if that can be the name of a token; anyone may say anything.
        user: Option<Box<str>>,
    },
}

// === impl Authenticator ===

impl Authenticator<'_> {
    /// Who asks. `now` is in seconds since 1970.
    ///
    /// What is presented must be right, also where nothing would be enough. A header counts before a
    /// certificate.
    ///
    /// # Errors
    ///
    /// [`AuthError`].
    pub fn identify(
        &self,
        proof: &Proof<'_>,
        gateway: &Definition,
        now: u64,
    ) -> Result<Identity, AuthError> {
        match (proof.authorization, proof.certificate) {
            (Some(authorization), _) => self.by_header(authorization, gateway, now),
            (None, Some(judged)) => judged.clone().map_err(AuthError::Certificate),
            (None, None) if self.anonymous => Ok(Identity::Anonymous),
            (None, None) => Err(AuthError::Nothing),
        }
    }

    /// The challenge of a 407: what a client may answer with.
    pub const fn challenge(&self) -> &'static str {
        r#"Bearer realm="narrows", Basic realm="narrows", charset="UTF-8""#
    }

    fn by_header(
        &self,
        authorization: &ProxyAuthorization,
        gateway: &Definition,
        now: u64,
    ) -> Result<Identity, AuthError> {
        let credentials = authorization.credentials();
        let scheme = authorization.scheme();
        if scheme.eq_ignore_ascii_case("Basic") {
            return self.by_basic(credentials, &gateway.name);
        }
        if !scheme.eq_ignore_ascii_case("Bearer") {
            return Err(AuthError::Scheme);
        }
        match self.jwt {
            // Our own tokens have no dot.
            Some(jwt) if credentials.contains('.') => {
                let endpoint = gateway.gateway_endpoint.name().as_str();
                Ok(Identity::Jwt(jwt.subject(credentials, endpoint, now)?))
            }
            _ => self.holder(credentials, None, &gateway.name),
        }
    }

    /// For clients that know no Bearer: the token's name as user, the token as password.
    fn by_basic(&self, credentials: &str, gateway: &GatewayName) -> Result<Identity, AuthError> {
        let pair = STANDARD.decode(credentials).ok();
        let pair = pair.and_then(|pair| String::from_utf8(pair).ok());
        let (user, password) = pair
            .as_deref()
            .and_then(|pair| pair.split_once(':'))
            .ok_or(AuthError::Token { user: None })?;
        self.holder(password, Some(user), gateway)
    }

    fn holder(
        &self,
        token: &str,
        name: Option<&str>,
        gateway: &GatewayName,
    ) -> Result<Identity, AuthError> {
        let holder = self.tokens.holder(token, name, gateway);
        holder.ok_or_else(|| AuthError::Token {
            user: name.filter(|name| is_telling(name)).map(Into::into),
        })
    }
}

fn claimed(user: Option<&str>) -> String {
    user.map_or_else(String::new, |user| {
        format!(" (the client says it is {user:?})")
    })
}

/// Whether a user may be shown: only what a token could be named. Who has put the token, or another
/// secret, where its name belongs must not find it in a log.
fn is_telling(user: &str) -> bool {
    tokens::is_name(user) && !user.starts_with(tokens::PREFIX)
}

#[cfg(test)]
mod tests;
