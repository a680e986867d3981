//! [`Decision`]: a route with the rule and the reason that chose it.

use crate::path::Route;
use crate::pattern::Pattern;

use super::{Level, Source};

/// A route, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision<'a> {
    /// The route that the target takes.
    pub route: Route,
    /// The level of the rule that decided.
    pub level: Level,
    /// The pattern that matched; none for the default route.
    pub pattern: Option<&'a Pattern>,
    /// Where the rule comes from.
    pub source: &'a Source,
}

impl Decision<'_> {
    /// One sentence for a person, without a trailing period.
    ///
    /// Like `carried by the gateway: matches *.his.arc.azure.com:443 (catalogue group
    /// arc-gateway-carried, 2026-02-17)` or `default route: no rule matches`.
    pub fn reason(&self) -> String {
        let what = match self.level {
            Level::Deny => "refused by policy",
            Level::Never => "never by the gateway",
            Level::Bypass => "past the proxy and the gateway",
            Level::Carried => "carried by the gateway",
            Level::Default => "default route",
        };
        match self.pattern {
            Some(pattern) => format!("{what}: matches {pattern} ({})", self.source),
            None => format!("{what}: no rule matches"),
        }
    }
}
