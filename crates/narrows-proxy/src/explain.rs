//! `explain`: which route a target takes, by which rule, and what serves it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use narrows_endpoint::{Host, Route, RuleSet, Target};
use serde::Serialize;

use crate::cli::Format;
use crate::settings::Settings;

/// What there is to say about one target; the fields are those of the JSON output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The target in canonical form.
    pub target: String,
    /// The route that was decided.
    pub route: &'static str,
    /// The pattern that decided; none if no rule matches.
    pub rule: Option<String>,
    /// One sentence.
    pub reason: String,
    /// Where the rule comes from: a line, a flag, a catalogue group.
    pub source: String,
    /// The route that is taken; another one than `route` if there is no gateway.
    pub served_by: &'static str,
    /// Why `served_by` is not `route`.
    pub fallback: Option<&'static str>,
    /// The gateway, if the request goes there.
    pub gateway: Option<String>,
    /// Who named the gateway.
    pub gateway_source: Option<String>,
    /// The upstream proxy, if the request goes there or to the gateway through it; without credentials.
    pub upstream: Option<String>,
    /// Who named the upstream proxy.
    pub upstream_source: Option<String>,
    /// Which addresses are dialled for it for clients on other machines, if there may be such clients and it
    /// may be reached directly.
    pub elsewhere: Option<String>,
}

/// Reads a target as people write it: the port is 443 when absent, names may be international.
///
/// # Errors
///
/// Why the text is not a target, in one line.
pub fn read_target(text: &str) -> Result<Target, String> {
    let read = || {
        // `Target` wants brackets, to tell the port; alone, an address needs none.
        if let Ok(ip) = text.parse::<Ipv6Addr>() {
            return Ok(Target::new(IpAddr::V6(ip).into(), crate::HTTPS));
        }
        if text.is_ascii() {
            return Target::with_default_port(text, crate::HTTPS);
        }
        let (host, port) = text.rsplit_once(':').unwrap_or((text, "443"));
        format!("{}:{port}", Host::from_unicode(host)?).parse()
    };
    read().map_err(|error| error.to_string())
}

/// Why a gateway decision is served by something else.
pub const NO_GATEWAY: &str = "no gateway is configured";

/// Explains one target.
pub fn explain(rules: &RuleSet, settings: &Settings, target: &Target) -> Explanation {
    let decision = rules.decide(target);
    let served_by = match decision.route {
        Route::Gateway if settings.gateway.leg.is_none() => settings.gateway.fallback,
        route => route,
    };
    let fallback = (served_by != decision.route).then_some(NO_GATEWAY);
    let gateway = settings.gateway.leg.as_ref();
    let gateway = gateway.filter(|_| served_by == Route::Gateway);
    let by_proxy = served_by == Route::Proxy || gateway.is_some_and(|leg| leg.through_proxy);
    let upstreams = settings.upstreams.iter().filter(|_| by_proxy);
    let (upstreams, sources): (Vec<_>, Vec<_>) = upstreams
        .map(|upstream| (upstream.url.to_string(), upstream.source.to_string()))
        .unzip();
    Explanation {
        target: target.to_string(),
        route: decision.route.as_str(),
        rule: decision.pattern.map(ToString::to_string),
        reason: decision.reason(),
        source: decision.source.to_string(),
        served_by: served_by.as_str(),
        fallback,
        gateway: gateway.map(|leg| leg.address.to_string()),
        gateway_source: gateway.map(|leg| leg.source.to_string()),
        upstream: (!upstreams.is_empty()).then(|| upstreams.join(", then ")),
        upstream_source: sources.into_iter().next(),
        elsewhere: elsewhere(settings, target, decision.route, served_by),
    }
}

/// What holds for clients on other machines. Also where `direct` is only what the gateway falls back to.
fn elsewhere(
    settings: &Settings,
    target: &Target,
    decided: Route,
    served_by: Route,
) -> Option<String> {
    let falls_back = decided == Route::Gateway && settings.gateway.fallback == Route::Direct;
    if settings.server.clients.is_empty() || (served_by != Route::Direct && !falls_back) {
        return None;
    }
    let denied = target.host().ip().map(|ip| settings.reach.check(ip));
    Some(match denied {
        Some(Err(class)) => format!("refused, a {class} address (clients.reach does not name it)"),
        _ => format!("dialled at {}", settings.reach),
    })
}

/// Explains targets in the order given, as one text that ends with a newline.
pub fn report(rules: &RuleSet, settings: &Settings, targets: &[Target], format: Format) -> String {
    let explained = targets
        .iter()
        .map(|target| explain(rules, settings, target));
    match format {
        Format::Text => {
            let texts: Vec<_> = explained.map(|one| one.to_string()).collect();
            texts.join("\n")
        }
        Format::Json => {
            let all: Vec<_> = explained.collect();
            #[expect(
                clippy::expect_used,
                reason = "texts and nothing else, and a string takes them"
            )]
            let json = serde_json::to_string_pretty(&all).expect("texts are JSON");
            json + "\n"
        }
    }
}

/// Labelled lines, one for each fact.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "target:    {}", self.target)?;
        writeln!(f, "route:     {}", self.route)?;
        writeln!(
            f,
            "rule:      {}",
            self.rule.as_deref().unwrap_or("none matches")
        )?;
        writeln!(f, "reason:    {}", self.reason)?;
        writeln!(f, "source:    {}", self.source)?;
        if let Some(why) = self.fallback {
            writeln!(f, "served by: {} ({why})", self.served_by)?;
        }
        if let (Some(gateway), Some(source)) = (&self.gateway, &self.gateway_source) {
            writeln!(f, "gateway:   {gateway} ({source})")?;
        }
        if let (Some(upstream), Some(source)) = (&self.upstream, &self.upstream_source) {
            writeln!(f, "upstream:  {upstream} ({source})")?;
        }
        if let Some(elsewhere) = &self.elsewhere {
            writeln!(f, "clients on other machines: {elsewhere}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
