//! The parties on the ways out: made of settings, and said in words.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use narrows_endpoint::{Route, RuleSet, Source, Target};
use narrows_server::{Egress, FallbackTo};
use narrows_service::say::say;
use narrows_upstream::{
    Denied, Dialer, Gateway, GatewayConfig, GatewayConfigError, Judge, Notice, ProxyScheme,
    SystemResolver, Timeouts, Upstream, Upstreams,
};

use crate::explain::NO_GATEWAY;
use crate::settings::{self, Settings, reaches};

/// A party cannot be used as it is configured. The message has its cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaysError {
    /// The gateway.
    #[error("{source}: {error}", source = .named_by)]
    Gateway {
        /// Who named the gateway.
        named_by: Source,
        /// What is wrong.
        error: GatewayConfigError,
    },
    /// An enterprise proxy.
    #[error("{source}: {error}", source = .named_by)]
    Upstream {
        /// Who named the proxy.
        named_by: Source,
        /// What is wrong.
        error: GatewayConfigError,
    },
}

impl WaysError {
    /// What to do about it, if that can be known.
    pub const fn hint(&self) -> Option<&'static str> {
        use GatewayConfigError as Fault;
        match self {
            Self::Gateway {
                error: Fault::KeyMismatch,
                ..
            } => Some(
                "gateway.client_key_file must hold the key that gateway.client_certificate_file was made for",
            ),
            Self::Gateway {
                error: Fault::Name(_),
                ..
            } => Some("write gateway.url with the name that stands in the gateway's certificate"),
            Self::Upstream {
                error: Fault::KeyMismatch,
                ..
            } => Some(
                "proxy.client_key_file must hold the key that proxy.client_certificate_file was made for",
            ),
            Self::Gateway {
                error: Fault::TrustStore(_),
                ..
            }
            | Self::Upstream {
                error: Fault::TrustStore(_),
                ..
            } => {
                Some("install the system's CA certificates (on Linux the package ca-certificates)")
            }
            _ => None,
        }
    }
}

/// The parties on the ways out.
#[derive(Clone)]
pub(crate) struct Ways {
    /// What the gateway was made of, for whoever makes the next one.
    made_of: Option<(GatewayConfig, Timeouts)>,
    pub(crate) gateway: Option<Arc<Gateway>>,
    pub(crate) upstreams: Option<Arc<Upstreams>>,
}

/// Prepares the parties on the ways out; nothing is contacted. What one way learns about the enterprise
/// proxy's credentials holds for the other too. Parties of `previous` that have not changed stay, with what
/// they know and hold open.
pub(crate) fn ways(settings: &Settings, previous: Option<&Ways>) -> Result<Ways, WaysError> {
    let upstreams = upstreams(settings, previous)?;
    let Some(leg) = &settings.gateway.leg else {
        return Ok(Ways {
            made_of: None,
            gateway: None,
            upstreams,
        });
    };
    let config = match &upstreams {
        Some(upstreams) if leg.through_proxy => {
            leg.config.clone().with_upstreams(Arc::clone(upstreams))
        }
        _ => leg.config.clone(),
    };
    let made_of = (config, settings.timeouts);
    let same_way = previous.filter(|old| is_same(old.upstreams.as_ref(), upstreams.as_ref()));
    let gateway = match same_way.and_then(|old| old.same_gateway(&made_of)) {
        Some(gateway) => gateway,
        None => Arc::new(
            Gateway::new(made_of.0.clone()).map_err(|error| WaysError::Gateway {
                named_by: leg.source.clone(),
                error,
            })?,
        ),
    };
    Ok(Ways {
        made_of: Some(made_of),
        gateway: Some(gateway),
        upstreams,
    })
}

impl Ways {
    /// The gateway, if it would be made of the same. Its keeper dials with the timeouts that it began with.
    fn same_gateway(&self, (config, timeouts): &(GatewayConfig, Timeouts)) -> Option<Arc<Gateway>> {
        let (old, old_timeouts) = self.made_of.as_ref()?;
        let same = old.is_same_party(config) && old_timeouts == timeouts;
        self.gateway.clone().filter(|_| same)
    }
}

/// Whether both are the same party, or both are none.
fn is_same<T>(one: Option<&Arc<T>>, other: Option<&Arc<T>>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        _ => false,
    }
}

/// Whether these are the same parties in the same order.
fn are_same(old: &Upstreams, all: &[Arc<Upstream>]) -> bool {
    old.iter().count() == all.len()
        && old
            .iter()
            .zip(all)
            .all(|(one, other)| Arc::ptr_eq(one, other))
}

/// The enterprise proxies. What becomes of one of several is said on standard error.
fn upstreams(
    settings: &Settings,
    previous: Option<&Ways>,
) -> Result<Option<Arc<Upstreams>>, WaysError> {
    let old = previous.and_then(|old| old.upstreams.as_ref());
    let all = settings.upstreams.iter().map(|given| {
        let new = upstream(given)?;
        let known = old.and_then(|old| old.iter().find(|old| old.is_same_party(&new)));
        Ok(known.map_or_else(|| Arc::new(new), Arc::clone))
    });
    let all = all.collect::<Result<Vec<_>, WaysError>>()?;
    if let Some(old) = old.filter(|old| are_same(old, &all)) {
        return Ok(Some(Arc::clone(old)));
    }
    let upstreams = Upstreams::new(all).map(|upstreams| {
        upstreams.with_notice(|notice| match notice {
            Notice::Back(url) => say(format_args!("upstream {url} is back")),
            Notice::Parked(url, why) => say(format_args!(
                "warning: upstream {url} is passed over: {why}"
            )),
            _ => {}
        })
    });
    Ok(upstreams.map(Arc::new))
}

fn upstream(given: &settings::Upstream) -> Result<Upstream, WaysError> {
    let mut upstream = Upstream::new(given.url.clone()).with_authentication(given.authentication);
    if let Some(token) = &given.token {
        upstream = upstream.with_token(token.clone());
    }
    if given.url.scheme() != ProxyScheme::Https {
        return Ok(upstream);
    }
    upstream
        .with_tls(&given.tls)
        .map_err(|error| WaysError::Upstream {
            named_by: given.source.clone(),
            error,
        })
}

/// The enterprise proxies' URLs, without passwords.
pub(crate) fn upstream_urls(settings: &Settings) -> Vec<String> {
    let upstreams = settings.upstreams.iter();
    upstreams.map(|upstream| upstream.url.to_string()).collect()
}

/// The ways out. A target that is one of our own addresses is not dialled: that would be a loop.
pub(crate) fn egress(settings: &Settings, ways: Ways, own: Vec<SocketAddr>) -> Egress {
    let judge = move |target: &Target, ip: IpAddr| {
        let is_own =
            |listen: &SocketAddr| listen.port() == target.port() && reaches(ip, listen.ip());
        if own.iter().any(is_own) {
            return Err(Denied::new("this proxy itself listens there"));
        }
        Ok(())
    };
    let judge: Arc<dyn Judge> = Arc::new(judge);
    // A proxy that turns out to be this one would be asked by itself for ever.
    let dialer = Dialer::new(SystemResolver::new(), settings.timeouts)
        .with_judge(Arc::clone(&judge))
        .with_proxy_judge(judge);
    let egress = Egress::new(dialer).with_fallback(match settings.gateway.fallback {
        Route::Direct => FallbackTo::Direct,
        Route::Proxy => FallbackTo::Proxy,
        _ => FallbackTo::Nothing,
    });
    let egress = egress.with_optimism(settings.gateway.optimistic);
    let egress = match ways.upstreams {
        Some(upstreams) => egress.with_upstreams(upstreams),
        None => egress,
    };
    match ways.gateway {
        Some(gateway) => egress.with_gateway(gateway),
        None => egress,
    }
}

/// What the operator should see at the start, in one line.
pub(crate) fn summary(settings: &Settings, rules: &RuleSet) -> String {
    let (upstream, gateway) = ways_in_words(settings);
    let upstream = match &*upstream {
        "none" => "no upstream".to_owned(),
        upstream => format!("upstream {upstream}"),
    };
    let report_only = match settings.report_only {
        true => ", REPORT-ONLY",
        false => "",
    };
    format!(
        "{upstream}; {gateway}; default {}; {} rules{report_only}",
        settings.default.0,
        rules.len()
    )
}

/// The enterprise proxies, or `none`, and what becomes of gateway decisions.
pub(crate) fn ways_in_words(settings: &Settings) -> (String, String) {
    let upstreams = upstream_urls(settings);
    let upstream = match settings.upstreams.first() {
        Some(first) => format!("{} ({})", upstreams.join(", then "), first.source),
        None => "none".to_owned(),
    };
    let fallback = settings.gateway.fallback;
    let gateway = match &settings.gateway.leg {
        Some(leg) => {
            let proxies = settings.upstreams.iter().filter(|_| leg.through_proxy);
            let proxies: Vec<_> = proxies
                .map(|proxy| proxy.url.endpoint().to_string())
                .collect();
            let way = match proxies[..] {
                [] => String::new(),
                _ => format!(" through proxy {}", proxies.join(" or ")),
            };
            let fallback = match fallback {
                Route::Deny => "none",
                route => route.as_str(),
            };
            let protocol = leg.protocol();
            format!(
                "gateway {} ({protocol}){way}, fallback {fallback}",
                leg.address
            )
        }
        None if settings.gateway.used => {
            format!("gateway decisions served by {fallback} ({NO_GATEWAY})")
        }
        None => "no gateway decisions".to_owned(),
    };
    (upstream, gateway)
}
