//! [`RuleSet`]: which route a target takes, and the rule that says so.

use crate::path::Route;
use crate::target::Target;

mod builder;
mod decision;
mod index;
mod source;

pub use builder::{RuleError, RuleSetBuilder};
pub use decision::Decision;
pub use source::Source;

use builder::Rule;
use index::Index;

/// What a rule is for. Levels are listed by precedence: a rule of an earlier level wins over every rule
/// of a later one, however specific that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Refused by policy.
    Deny,
    /// Never by the gateway: what is needed to reach the gateway at all.
    Never,
    /// Straight to the target, past the proxy and the gateway.
    Bypass,
    /// Carried by the gateway.
    Carried,
    /// What no rule matches.
    Default,
}

/// The routes that the configuration decides, not the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Routes {
    /// For [`Level::Never`]: the enterprise proxy if there is one, else direct. Not the gateway.
    pub never: Route,
    /// For targets that no rule matches.
    pub default: Route,
}

/// Rules of every level, ready to be asked about targets.
///
/// A lookup costs the same with twenty rules and with a hundred thousand, and allocates nothing. The
/// most specific rule of the highest level wins; the order in which rules were added has no say.
///
/// Inside a level an exact name wins over a star inside a label, that over a longer suffix, and that over
/// a shorter one; a longer prefix wins over a shorter one; then one port wins over a range, a narrower
/// range over a wider one, and every port comes last. A rule whose ports do not match is no match, and the
/// next rule is looked at.
///
/// # Examples
///
/// ```
/// use narrows_endpoint::{Level, Route, Routes, RuleSet, Source, Target};
///
/// let routes = Routes { never: Route::Proxy, default: Route::Direct };
/// let place = |line| Source::File { path: "rules.toml".into(), line };
/// let rules = RuleSet::builder(routes)
///     .text(Level::Carried, "*.his.arc.azure.com", place(3))?
///     .text(Level::Never, "gbl.his.arc.azure.com", place(4))?
///     .build()?;
///
/// let decision = rules.decide(&"je.his.arc.azure.com:443".parse::<Target>()?);
/// assert_eq!(decision.route, Route::Gateway);
/// assert_eq!(
///     decision.reason(),
///     "carried by the gateway: matches *.his.arc.azure.com (rules.toml:3)"
/// );
/// assert_eq!(rules.decide(&"gbl.his.arc.azure.com:443".parse::<Target>()?).route, Route::Proxy);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RuleSet {
    routes: Routes,
    /// By precedence, so that of two rules that match the one with the smaller index wins.
    rules: Box<[Rule]>,
    /// Where the rules of each level but the last end.
    level_ends: [u32; 4],
    index: Index,
    default_source: Source,
}

// === impl Level ===

impl Level {
    /// Every level, by precedence.
    pub const ALL: [Self; 5] = [
        Self::Deny,
        Self::Never,
        Self::Bypass,
        Self::Carried,
        Self::Default,
    ];

    /// The word that configuration and explanations use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Never => "never",
            Self::Bypass => "bypass",
            Self::Carried => "carried",
            Self::Default => "default",
        }
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

// === impl Routes ===

impl Routes {
    const fn of(self, level: Level) -> Route {
        match level {
            Level::Deny => Route::Deny,
            Level::Never => self.never,
            Level::Bypass => Route::Direct,
            Level::Carried => Route::Gateway,
            Level::Default => self.default,
        }
    }
}

// === impl RuleSet ===

impl RuleSet {
    /// Starts a rule set without rules.
    pub fn builder(routes: Routes) -> RuleSetBuilder {
        RuleSetBuilder::new(routes)
    }

    /// Decides which route the target takes. Never fails, never allocates, never resolves a name.
    pub fn decide(&self, target: &Target) -> Decision<'_> {
        let found = self.index.find(&self.rules, target);
        // The rule itself is not read: in a large set that would be one more miss of the cache.
        let level = self.level_of(found);
        let rule = self.rules.get(found as usize);
        Decision {
            route: self.routes.of(level),
            level,
            pattern: rule.map(|rule| &rule.pattern),
            source: rule.map_or(&self.default_source, |rule| &rule.source),
        }
    }

    fn level_of(&self, rule: u32) -> Level {
        let levels = self.level_ends.iter().filter(|&&end| rule >= end).count();
        Level::ALL[levels]
    }

    /// The number of rules; the default route is none.
    pub const fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether every target takes the default route.
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

#[cfg(test)]
mod tests;
