//! [`Blame`]: whose fault it was that an upstream opened no tunnel.

use super::parking::Proof;
use crate::error::{AuthenticationFault, DialError, DialErrorKind, SocksFault};
use crate::socks::Refused;
use crate::{ProxyAnswer, Upstream};

/// Whose fault it was that an upstream opened no tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blame {
    /// Nobody's that another upstream could help: the answer stands.
    Nobody,
    /// The target's or the upstream's; the answer of another upstream shows. If this one gave no answer at
    /// all, one target is enough, and it is back when it gives this proof.
    Unclear { silent: Option<Proof> },
    /// The upstream's; it is back when it gives this proof.
    Upstream(Proof),
}

impl Blame {
    /// Judges a failure at this upstream.
    pub(super) fn of(error: &DialError, upstream: &Upstream) -> Self {
        use DialErrorKind as Kind;
        match error.kind() {
            // A lack of descriptors or ports is ours, and the next upstream would need them too.
            Kind::Connect(_) | Kind::Resolve(_) if error.is_our_exhaustion() => Self::Nobody,
            Kind::Connect(_) | Kind::Resolve(_) | Kind::Denied { .. } => {
                Self::Upstream(Proof::Reached)
            }
            Kind::Authentication(fault, _) => Self::of_fault(*fault, upstream),
            Kind::Answered(answer) => Self::of_answer(answer),
            Kind::Broken(_) | Kind::Closed { .. } | Kind::Silent => Self::Unclear {
                silent: Some(Proof::Opened),
            },
            Kind::Socks(fault) => Self::of_socks(*fault, upstream),
            Kind::Nonsense(_) => Self::Upstream(Proof::Opened),
            // With the gateway behind it: either may have cut it.
            Kind::Tls(_) if error.gateway().is_some() => Self::Unclear {
                silent: Some(Proof::Alive),
            },
            Kind::Tls(_) => Self::Upstream(Proof::Reached),
            Kind::Busy { .. } | Kind::GoneAway(_) | Kind::StreamReset(_) => Self::Nobody,
        }
    }

    fn of_socks(fault: SocksFault, upstream: &Upstream) -> Self {
        match fault {
            SocksFault::Closed => Self::Unclear {
                silent: Some(Proof::Opened),
            },
            SocksFault::Login(fault) => Self::of_fault(fault, upstream),
            SocksFault::LoginLength(_) | SocksFault::NotSocks(_) => Self::Upstream(Proof::Opened),
            SocksFault::Refused(Refused::NotAllowed) => Self::Nobody,
            SocksFault::Refused(_) => Self::Unclear { silent: None },
        }
    }

    fn of_fault(fault: AuthenticationFault, upstream: &Upstream) -> Self {
        match fault {
            AuthenticationFault::Untried => Self::Nobody,
            // Once accepted, one 407 may be how it forbids a target.
            AuthenticationFault::Rejected if !upstream.rejected() => Self::Unclear { silent: None },
            _ => Self::Upstream(Proof::Opened),
        }
    }

    fn of_answer(answer: &ProxyAnswer) -> Self {
        if answer.is_policy() {
            Self::Nobody
        } else if answer.is_own_fault() {
            Self::Upstream(Proof::Opened)
        } else {
            Self::Unclear { silent: None }
        }
    }
}

impl ProxyAnswer {
    /// Whether this is the proxy's decision, which another upstream is no way round: neither a fault of the
    /// proxy's or the target's, nor the wrong party, nor too much load.
    pub(crate) const fn is_policy(&self) -> bool {
        !matches!(self.status, 400 | 404 | 405 | 408 | 426 | 429 | 500..)
    }

    /// Whether the proxy says, by `Proxy-Status` (RFC 9209 §2.3), that it is itself out of order.
    fn is_own_fault(&self) -> bool {
        let Some(fault) = &self.fault else {
            return false;
        };
        [
            "proxy_configuration_error",
            "proxy_internal_error",
            "proxy_internal_response",
        ]
        .iter()
        .any(|kind| fault.contains(&format!("error={kind}")))
    }
}
