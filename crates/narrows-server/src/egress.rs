//! [`Egress`]: the ways out of this machine.

use std::sync::Arc;

use narrows_connect::ProxyError;
use narrows_endpoint::{Hop, Route, Step, Target};
use narrows_log::Via;
use narrows_upstream::{Connected, DialError, Dialer, Judge, Upstream};

use crate::policy::Grant;
use crate::refusals::{Failure, refusal};

/// The ways out: straight, and through the enterprise proxy if there is one.
#[derive(Debug)]
pub struct Egress {
    dialer: Dialer,
    fallback: FallbackTo,
    upstream: Option<Arc<Upstream>>,
}

/// Where a target goes that the gateway would carry while no gateway can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FallbackTo {
    /// Through the enterprise proxy if there is one, else straight.
    #[default]
    Auto,
    /// Straight.
    Direct,
    /// Nowhere: the request is refused.
    Nothing,
    /// Through the enterprise proxy; refused if there is none.
    Proxy,
}

/// Another route was taken than the decided one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fallback {
    /// Why.
    pub reason: &'static str,
    /// The route that was taken.
    pub took: Route,
    /// The route that was decided.
    pub wanted: Route,
}

/// The way that one request takes.
pub(crate) struct Way<'a> {
    pub(crate) fallback: Option<Fallback>,
    judge: Option<Arc<dyn Judge>>,
    upstream: Option<&'a Upstream>,
}

const NO_GATEWAY: &str = "no gateway is available";

impl Egress {
    /// Straight to the targets.
    pub const fn new(dialer: Dialer) -> Self {
        Self {
            dialer,
            fallback: FallbackTo::Auto,
            upstream: None,
        }
    }

    /// Adds the enterprise proxy.
    #[must_use]
    pub fn with_upstream(mut self, upstream: Arc<Upstream>) -> Self {
        self.upstream = Some(upstream);
        self
    }

    /// Says where targets go that the gateway would carry.
    #[must_use]
    pub const fn with_fallback(mut self, fallback: FallbackTo) -> Self {
        self.fallback = fallback;
        self
    }

    /// The way for a decided route.
    pub(crate) fn way(&self, grant: &Grant, target: &Target) -> Result<Way<'_>, Failure> {
        let wanted = grant.route;
        let (route, fallback) = match wanted {
            Route::Gateway => {
                let took = self.instead_of_gateway(target)?;
                (
                    took,
                    Some(Fallback {
                        wanted,
                        took,
                        reason: NO_GATEWAY,
                    }),
                )
            }
            route => (route, None),
        };
        let upstream = match route {
            Route::Direct => None,
            Route::Proxy => Some(self.upstream.as_deref().ok_or_else(|| {
                unavailable(target, "its route is the proxy, and no proxy is configured")
            })?),
            _ => {
                return Err(unavailable(
                    target,
                    "its route is not one that can be taken",
                ));
            }
        };
        let judge = grant.terms.as_ref().and_then(|terms| terms.judge.clone());
        Ok(Way {
            fallback,
            judge,
            upstream,
        })
    }

    async fn direct(&self, way: &Way<'_>, target: &Target) -> Result<Connected, DialError> {
        match &way.judge {
            None => self.dialer.direct(target).await,
            Some(judge) => self.dialer.direct_if(target, &**judge).await,
        }
    }

    fn instead_of_gateway(&self, target: &Target) -> Result<Route, Failure> {
        match (self.fallback, &self.upstream) {
            (FallbackTo::Auto | FallbackTo::Proxy, Some(_)) => Ok(Route::Proxy),
            (FallbackTo::Auto | FallbackTo::Direct, _) => Ok(Route::Direct),
            (FallbackTo::Proxy, None) => Err(unavailable(
                target,
                "the gateway would carry it, none is available, and there is no proxy to fall back to",
            )),
            (FallbackTo::Nothing, _) => Err(unavailable(
                target,
                "the gateway would carry it, none is available, and falling back is switched off",
            )),
        }
    }

    /// Opens a tunnel to the target.
    pub(crate) async fn open(
        &self,
        way: &Way<'_>,
        target: &Target,
    ) -> Result<Connected, DialError> {
        match way.upstream {
            Some(upstream) => self.dialer.through(upstream, target).await,
            None => self.direct(way, target).await,
        }
    }

    /// Opens a connection that takes plain HTTP requests for the target.
    pub(crate) async fn open_plain(
        &self,
        way: &Way<'_>,
        target: &Target,
    ) -> Result<Connected, DialError> {
        match way.upstream {
            Some(upstream) => self.dialer.to_proxy(upstream).await,
            None => self.direct(way, target).await,
        }
    }
}

impl Way<'_> {
    pub(crate) const fn via(&self) -> Via {
        match self.upstream {
            Some(_) => Via::Proxy,
            None => Via::Direct,
        }
    }

    /// The party at the other end of the leg.
    pub(crate) const fn hop(&self) -> Hop {
        match self.upstream {
            Some(_) => Hop::Proxy,
            None => Hop::Target,
        }
    }

    pub(crate) const fn upstream(&self) -> Option<&Upstream> {
        self.upstream
    }
}

fn unavailable(target: &Target, why: &str) -> Failure {
    Failure {
        hop: Hop::Narrows,
        step: Step::Decide,
        refusal: refusal(
            503,
            ProxyError::DestinationUnavailable,
            format!("cannot reach {target}: {why}"),
        ),
    }
}
