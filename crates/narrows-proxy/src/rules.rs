//! From settings to a [`RuleSet`]: the operator's rules and the catalogue's.

use narrows_endpoint::{
    Catalogue, Level, Pattern, Route, Routes, RuleError, RuleSet, RuleSetBuilder, Source, Target,
};

use crate::settings::Settings;

/// Builds the rule set that settings describe.
///
/// The catalogue's never-gateway names give way to an operator's bypass rule that covers them: what is
/// reached directly does not go by the gateway either, and `--bypass ARM` would otherwise do nothing.
/// Never-gateway rules that the operator wrote keep their precedence over bypass rules. The gateway's own
/// address never goes by the gateway either.
///
/// # Errors
///
/// More rules than can be counted; settings hold nothing else that a rule set refuses.
pub fn rule_set(settings: &Settings) -> Result<RuleSet, RuleError> {
    build(settings, settings.default.0, |_| true)
}

/// Builds the rule set without its denials: the way that each target would take.
///
/// # Errors
///
/// As [`rule_set`].
pub fn lenient_rule_set(settings: &Settings) -> Result<RuleSet, RuleError> {
    let default = match settings.default.0 {
        Route::Deny => past_the_gateway(settings),
        route => route,
    };
    build(settings, default, |level| level != Level::Deny)
}

/// The route of what the gateway must not carry.
const fn past_the_gateway(settings: &Settings) -> Route {
    match settings.upstreams.is_empty() {
        true => Route::Direct,
        false => Route::Proxy,
    }
}

fn build(
    settings: &Settings,
    default: Route,
    wanted: impl Fn(Level) -> bool,
) -> Result<RuleSet, RuleError> {
    let never = past_the_gateway(settings);
    let source = settings.default.1.clone();
    let mut builder = RuleSet::builder(Routes { never, default }).default_source(source);
    for rule in settings.rules.iter().filter(|rule| wanted(rule.level)) {
        if settings.gateway.used || rule.level != Level::Carried {
            builder = builder.rule(rule.level, rule.pattern.clone(), rule.source.clone());
        }
    }
    if let Some(leg) = &settings.gateway.leg {
        let own = Pattern::from(leg.address.clone());
        if !is_bypassed(&own, settings) {
            builder = builder.rule(Level::Never, own, leg.source.clone());
        }
    }
    if let Some(catalogue) = &settings.catalogue {
        builder = add_catalogue(builder, catalogue, settings);
    }
    builder.build()
}

fn add_catalogue(
    mut builder: RuleSetBuilder,
    catalogue: &Catalogue,
    settings: &Settings,
) -> RuleSetBuilder {
    let source = |group: &str| Source::Catalogue {
        group: group.into(),
        date: catalogue.date(),
    };
    let never = source("never-gateway");
    for row in catalogue.never_gateway() {
        if !is_bypassed(&row.pattern, settings) {
            builder = builder.rule(Level::Never, row.pattern.clone(), never.clone());
        }
    }
    if settings.gateway.used {
        let carried = source("arc-gateway-carried");
        for pattern in catalogue.carried() {
            builder = builder.rule(Level::Carried, pattern.clone(), carried.clone());
        }
    }
    builder
}

/// Whether a bypass rule covers everything that a pattern matches on port 443.
///
/// Asked of one name that the pattern matches: rules cover such a name only by naming all of it.
fn is_bypassed(pattern: &Pattern, settings: &Settings) -> bool {
    let sample = pattern.to_string().replace('*', SAMPLE);
    let host = sample.split(':').next().unwrap_or(&sample);
    let Ok(sample) = Target::with_default_port(host, crate::HTTPS) else {
        return false;
    };
    let mut bypass = settings
        .rules
        .iter()
        .filter(|rule| rule.level == Level::Bypass);
    bypass.any(|rule| rule.pattern.matches(&sample))
}

/// A label that nobody writes into a rule.
const SAMPLE: &str = "xn--narrows-sample";

#[cfg(test)]
mod tests;
