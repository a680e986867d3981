//! The sentences that refused clients read.

use std::fmt;
use std::sync::Arc;

use narrows_connect::{ProxyError, Refusal, RequestError};
use narrows_endpoint::{Hop, Route, Step, Target};
use narrows_upstream::DialError;

use crate::admission::Full;
use crate::policy::Grant;

/// A request that comes to nothing: what the client is told, and who is to blame at which step.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) hop: Hop,
    pub(crate) step: Step,
    pub(crate) refusal: Refusal,
    /// Who asked, if the policy knows and let them pass.
    pub(crate) identity: Option<Arc<str>>,
}

impl Failure {
    /// The client wrote something that cannot be served.
    pub(crate) fn head(status: u16, detail: impl Into<String>) -> Self {
        Self {
            hop: Hop::Client,
            step: Step::Head,
            refusal: refusal(status, ProxyError::HttpRequestError, detail),
            identity: None,
        }
    }

    /// A policy says no.
    pub(crate) const fn policy(refusal: Refusal) -> Self {
        Self {
            hop: Hop::Narrows,
            step: Step::Decide,
            refusal,
            identity: None,
        }
    }
}

impl Failure {
    /// It happened to a request that the policy had let pass.
    #[must_use]
    pub(crate) fn after(self, grant: &Grant) -> Self {
        let identity = grant
            .terms
            .as_ref()
            .and_then(|terms| terms.identity.clone());
        Self { identity, ..self }
    }

    /// It happened on this route, which the gateway would have spared.
    #[must_use]
    pub(crate) fn instead_of_gateway(mut self, took: Route, reason: &str) -> Self {
        let detail = &mut self.refusal.detail;
        detail.push_str(&format!(" (route {took} instead of gateway: {reason})"));
        self
    }
}

impl From<&RequestError> for Failure {
    fn from(error: &RequestError) -> Self {
        Self::head(error.status(), error.to_string())
    }
}

impl From<&DialError> for Failure {
    fn from(error: &DialError) -> Self {
        Self {
            hop: error.hop(),
            step: error.step(),
            refusal: Refusal {
                next_hop: Some(error.hop().as_str().to_owned()),
                ..refusal(error.status(), error.proxy_error(), error.to_string())
            },
            identity: None,
        }
    }
}

impl From<Full> for Failure {
    fn from(full: Full) -> Self {
        let detail = match full {
            Full::Client(limit) => format!("this client already has its {limit} connections"),
            Full::Total(limit) => format!("all {limit} connections of this proxy are in use"),
        };
        Self {
            hop: Hop::Narrows,
            step: Step::Decide,
            refusal: Refusal {
                retry_after: Some(1),
                ..refusal(
                    503,
                    ProxyError::ConnectionLimitReached,
                    format!("{detail}: close some or try again"),
                )
            },
            identity: None,
        }
    }
}

/// The answer when a rule denies a target.
pub(crate) fn denied(target: &Target, reason: &dyn fmt::Display) -> Refusal {
    refusal(
        403,
        ProxyError::HttpRequestDenied,
        format!("{target} is denied: {reason}"),
    )
}

/// The answer to a request that has been here before.
pub(crate) fn loops() -> Failure {
    Failure::policy(refusal(
        508,
        ProxyError::ProxyLoopDetected,
        "the request has passed this proxy already (Via): a proxy or gateway behind it leads back here",
    ))
}

/// The answer when a client took too long for its request head.
pub(crate) fn too_slow(seconds: u64) -> Failure {
    Failure::head(
        408,
        format!("the request head was not complete after {seconds} s"),
    )
}

/// The answer when a client may not use this proxy at all.
pub(crate) fn stranger() -> Failure {
    Failure::policy(refusal(
        403,
        ProxyError::HttpRequestDenied,
        "this address may not use this proxy: its range is not allowed here",
    ))
}

/// The answer to bytes that are not HTTP.
pub(crate) fn not_http(first: &[u8]) -> Failure {
    let seen = match first {
        [0x16, ..] => "this looks like TLS: the proxy URL must begin with http://, not https://",
        [4 | 5, ..] => "this looks like SOCKS: configure this address as an HTTP proxy",
        _ => "this is not an HTTP request",
    };
    Failure::head(400, seen)
}

pub(crate) fn refusal(status: u16, error: ProxyError, detail: impl Into<String>) -> Refusal {
    Refusal {
        error: Some(error),
        ..Refusal::new(status, detail)
    }
}
