//! [`Identity`]: who asks, by a name for the log.

use std::fmt;
use std::sync::Arc;

/// Who asks, by a name for the log and for limits. Never a secret.
///
/// `Display` says the kind as well: `token:build-7`, `jwt:svc@example.net`, `certificate:agent-1.example`,
/// `anonymous`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Identity {
    /// Nobody in particular: the gateway serves without authentication.
    Anonymous,
    /// The holder of a client certificate, by its first name, or its fingerprint.
    Certificate(Arc<str>),
    /// The subject of a JWT.
    Jwt(Arc<str>),
    /// The holder of a bearer token, by the token's name.
    Token(Arc<str>),
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Certificate(name) => write!(f, "certificate:{name}"),
            Self::Jwt(subject) => write!(f, "jwt:{subject}"),
            Self::Token(name) => write!(f, "token:{name}"),
        }
    }
}
