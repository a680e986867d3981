//! [`Egress`]: the ways out of this machine.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use narrows_connect::{ProxyError, Refusal, Via as Passed};
use narrows_endpoint::{Hop, Route, Step, Target};
use narrows_log::Via;
use narrows_upstream::{
    Connected, DialError, Dialer, Gateway, GatewayConnected, Passage, Spoken, Upstream, Upstreams,
    Verdict,
};

use crate::policy::Grant;
use crate::refusals::{Failure, refusal};
use detours::Detours;
use dials::Dials;

pub(crate) use far_io::FarIo;

mod detours;
mod dials;
mod far_io;

/// The ways out: straight, through the enterprise proxy, through the gateway; as many as there are.
#[derive(Debug)]
pub struct Egress {
    detours: Arc<Detours>,
    dialer: Dialer,
    dials: Arc<Dials>,
    fallback: FallbackTo,
    gateway: Option<Arc<Gateway>>,
    optimistic: bool,
    upstreams: Option<Arc<Upstreams>>,
}

/// Where a target goes that the gateway would carry, while there is no gateway, or it cannot be used, or
/// it refuses that target.
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
    pub reason: Cow<'static, str>,
    /// The route that was taken.
    pub took: Route,
    /// The route that was decided.
    pub wanted: Route,
}

/// An open way to a target.
#[derive(Debug)]
pub(crate) struct Far {
    pub(crate) early: Bytes,
    pub(crate) fallback: Option<Fallback>,
    /// The party at the other end of the leg.
    pub(crate) hop: Hop,
    pub(crate) io: FarIo,
    /// Set when the tunnel is used before its answer.
    pub(crate) late: Option<Late>,
    /// The upstream that it goes through, if that is the far end of the leg.
    pub(crate) passage: Option<Passage>,
    pub(crate) peer: SocketAddr,
    /// The proxy at the other end, if it takes requests for any target rather than a tunnel's bytes.
    pub(crate) proxy: Option<Arc<Upstream>>,
    pub(crate) via: Via,
}

/// What becomes known later of a tunnel that is used before its answer, and who is to know it.
///
/// Not the egress itself: that may have been replaced meanwhile, and a tunnel would keep it for as long as
/// it lasts.
#[derive(Debug)]
pub(crate) struct Late {
    /// `None` where nothing is done about a refusal.
    detours: Option<Arc<Detours>>,
    verdict: Verdict,
}

/// What is asked of a leg.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use<'a> {
    /// Plain HTTP requests: a proxy takes them as they are.
    Requests,
    /// Any bytes, for a request that has passed these proxies.
    Tunnel(&'a Passed),
}

/// Connections to targets that are being made at a time, unless said otherwise.
const DIALS: usize = 1024;
const NO_GATEWAY: &str = "no gateway is available";

impl Egress {
    /// Straight to the targets.
    pub fn new(dialer: Dialer) -> Self {
        Self {
            detours: Arc::default(),
            dialer,
            dials: Arc::new(Dials::new(DIALS)),
            fallback: FallbackTo::Auto,
            gateway: None,
            optimistic: false,
            upstreams: None,
        }
    }

    /// Adds the enterprise proxy.
    #[must_use]
    pub fn with_upstream(mut self, upstream: Arc<Upstream>) -> Self {
        self.upstreams = Upstreams::new([upstream]).map(Arc::new);
        self
    }

    /// Adds several enterprise proxies, of which a request takes the first that serves it.
    #[must_use]
    pub fn with_upstreams(mut self, upstreams: Arc<Upstreams>) -> Self {
        self.upstreams = Some(upstreams);
        self
    }

    /// Adds the gateway. Whether it is reached through a proxy is the gateway's own affair.
    #[must_use]
    pub fn with_gateway(mut self, gateway: Arc<Gateway>) -> Self {
        self.gateway = Some(gateway);
        self
    }

    /// Bounds the connections to targets that are being made at a time (by default 1024); one target may
    /// have a quarter of them. A request that does not get its turn within a second is answered with 503.
    #[must_use]
    pub fn with_dials(mut self, limit: usize) -> Self {
        self.dials = Arc::new(Dials::new(limit));
        self
    }

    /// Uses tunnels before the gateway has answered, where that is possible: see
    /// [`Gateway::ahead`]. A client then reads its 200 at once, and a refusal as a reset.
    #[must_use]
    pub const fn with_optimism(mut self, optimistic: bool) -> Self {
        self.optimistic = optimistic;
        self
    }

    /// Says where targets go that the gateway would carry and does not.
    #[must_use]
    pub const fn with_fallback(mut self, fallback: FallbackTo) -> Self {
        self.fallback = fallback;
        self
    }

    /// Takes over what `previous` has under way, and what it knows of a gateway that stays.
    pub(crate) fn inherit(mut self, previous: &Self) -> Self {
        if self.dials.limit() == previous.dials.limit() {
            self.dials = Arc::clone(&previous.dials);
        }
        if let (Some(gateway), Some(old)) = (&self.gateway, &previous.gateway)
            && Arc::ptr_eq(gateway, old)
        {
            self.detours = Arc::clone(&previous.detours);
        }
        self
    }

    /// Opens a tunnel to the target, for a request that has passed these proxies.
    pub(crate) async fn open(
        &self,
        grant: &Grant,
        target: &Target,
        passed: &Passed,
    ) -> Result<Far, Failure> {
        self.open_for(Use::Tunnel(passed), grant, target).await
    }

    /// Opens a connection that takes plain HTTP requests for the target.
    pub(crate) async fn open_plain(&self, grant: &Grant, target: &Target) -> Result<Far, Failure> {
        self.open_for(Use::Requests, grant, target).await
    }

    async fn open_for(
        &self,
        for_: Use<'_>,
        grant: &Grant,
        target: &Target,
    ) -> Result<Far, Failure> {
        if grant.route != Route::Gateway {
            return self.leave(grant.route, for_, grant, target).await;
        }
        let reason: Cow<'static, str> = match &self.gateway {
            None => NO_GATEWAY.into(),
            Some(gateway) => match self.through(for_, gateway, target).await {
                Ok(far) => return Ok(far),
                Err(Detour::Needed(reason)) => reason,
                Err(Detour::Useless(error)) => return Err(Failure::from(&error)),
            },
        };
        let took = self.instead_of_gateway(target, &reason)?;
        let left = self.leave(took, for_, grant, target).await;
        let mut far = left.map_err(|failure| failure.instead_of_gateway(took, &reason))?;
        far.fallback = Some(Fallback {
            reason,
            took,
            wanted: Route::Gateway,
        });
        Ok(far)
    }

    /// Leaves by a route that needs no gateway.
    async fn leave(
        &self,
        route: Route,
        for_: Use<'_>,
        grant: &Grant,
        target: &Target,
    ) -> Result<Far, Failure> {
        let opened = match (route, &self.upstreams) {
            (Route::Direct, _) => {
                let turn = self.dials.turn(target).await;
                let _turn = turn.ok_or_else(|| crowded(target, self.dials.limit()))?;
                let judge = grant
                    .terms
                    .as_ref()
                    .and_then(|terms| terms.judge.as_deref());
                let opened = match judge {
                    None => self.dialer.direct(target).await,
                    Some(judge) => self.dialer.direct_if(target, judge).await,
                };
                opened.map(|connected| Far::new(connected, Hop::Target, Via::Direct))
            }
            (Route::Proxy, Some(upstreams)) => {
                let dialer = &self.dialer;
                let opened = match for_ {
                    Use::Requests => upstreams.to_proxy(dialer, target).await,
                    Use::Tunnel(passed) => upstreams.forward(dialer, target, passed).await,
                };
                opened.map(|chosen| {
                    let upstream = chosen.passage.upstream();
                    Far {
                        proxy: (for_ == Use::Requests && upstream.takes_requests())
                            .then(|| Arc::clone(upstream)),
                        passage: Some(chosen.passage),
                        ..Far::new(chosen.connected, Hop::Proxy, Via::Proxy)
                    }
                })
            }
            (Route::Proxy, None) => {
                let why = "its route is the proxy, and no proxy is configured";
                return Err(unavailable(target, why));
            }
            _ => {
                return Err(unavailable(
                    target,
                    "its route is not one that can be taken",
                ));
            }
        };
        opened.map_err(|error| Failure::from(&error))
    }

    /// Opens a tunnel through the gateway, unless it is known that this would be in vain.
    async fn through(
        &self,
        for_: Use<'_>,
        gateway: &Gateway,
        target: &Target,
    ) -> Result<Far, Detour> {
        let may_detour = self.fallback != FallbackTo::Nothing;
        if may_detour && let Some(reason) = self.detours.known(target) {
            return Err(Detour::Needed(reason));
        }
        if let (true, Use::Tunnel(passed)) = (self.optimistic, for_)
            && let Some(connected) = gateway.ahead(&self.dialer, target, passed)
        {
            // A session that is ready is as good as an answer.
            self.detours.gateway_works();
            let late = connected.verdict.clone().map(|verdict| Late {
                detours: may_detour.then(|| Arc::clone(&self.detours)),
                verdict,
            });
            return Ok(Far {
                late,
                ..Far::from(connected)
            });
        }
        let trial = self.detours.trial();
        let opened = match for_ {
            // What is said inside has a `Via` of its own.
            Use::Requests => gateway.open(&self.dialer, target).await,
            Use::Tunnel(passed) => gateway.forward(&self.dialer, target, passed).await,
        };
        trial.ended();
        match opened {
            Ok(connected) => {
                self.detours.gateway_works();
                Ok(Far::from(connected))
            }
            Err(error) if may_detour && error.is_gateway_policy() => {
                Err(Detour::Needed(self.detours.refused(target, &error)))
            }
            Err(error) if may_detour && error.is_gateway_down() => {
                Err(Detour::Needed(self.detours.gateway_down(&error)))
            }
            Err(error) => {
                self.detours.gateway_works();
                Err(Detour::Useless(error))
            }
        }
    }

    fn instead_of_gateway(&self, target: &Target, reason: &str) -> Result<Route, Failure> {
        match (self.fallback, &self.upstreams) {
            (FallbackTo::Auto | FallbackTo::Proxy, Some(_)) => Ok(Route::Proxy),
            (FallbackTo::Auto | FallbackTo::Direct, _) => Ok(Route::Direct),
            (FallbackTo::Proxy, None) => Err(unavailable(
                target,
                &format!(
                    "the gateway would carry it ({reason}), and there is no proxy to fall back to"
                ),
            )),
            (FallbackTo::Nothing, _) => Err(unavailable(
                target,
                &format!("the gateway would carry it ({reason}), and falling back is switched off"),
            )),
        }
    }
}

/// The gateway does not carry a target.
enum Detour {
    /// Another route may.
    Needed(Cow<'static, str>),
    /// No other route would fare better.
    Useless(DialError),
}

impl Late {
    /// Why the tunnel was refused, if it was; the next request for the target knows it then.
    pub(crate) fn refusal(&self, target: &Target) -> Option<&DialError> {
        let refusal = self.verdict.refusal()?;
        if let Some(detours) = &self.detours {
            if refusal.is_gateway_policy() {
                detours.refused(target, refusal);
            } else if refusal.is_gateway_down() {
                detours.gateway_down(refusal);
            }
        }
        Some(refusal)
    }
}

impl Far {
    fn new(connected: Connected, hop: Hop, via: Via) -> Self {
        Self {
            early: connected.early,
            fallback: None,
            hop,
            io: connected.io.into(),
            late: None,
            passage: None,
            peer: connected.peer,
            proxy: None,
            via,
        }
    }
}

impl From<GatewayConnected> for Far {
    fn from(connected: GatewayConnected) -> Self {
        Self {
            early: connected.early,
            fallback: None,
            hop: Hop::Gateway,
            io: FarIo::Gateway(connected.io),
            late: None,
            passage: None,
            peer: connected.peer,
            proxy: None,
            via: match connected.spoken {
                Spoken::H1 => Via::GatewayH1,
                Spoken::H2 => Via::GatewayH2,
            },
        }
    }
}

fn crowded(target: &Target, limit: usize) -> Failure {
    let detail = format!(
        "too many connections are being made, to {target} or altogether (at most {limit} at a time, a \
         quarter of them to one target): try again"
    );
    Failure {
        hop: Hop::Narrows,
        step: Step::Connect,
        refusal: Refusal {
            retry_after: Some(1),
            ..refusal(503, ProxyError::ConnectionLimitReached, detail)
        },
        identity: None,
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
        identity: None,
    }
}
