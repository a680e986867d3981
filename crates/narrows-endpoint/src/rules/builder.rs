//! [`RuleSetBuilder`]: rules from several places, checked as they come.

use crate::path::Route;
use crate::pattern::{Pattern, PatternError};

use super::{Index, Level, Routes, RuleSet, Source};

/// Collects rules for a [`RuleSet`], in any order and from any number of places.
#[derive(Clone, Debug)]
pub struct RuleSetBuilder {
    routes: Routes,
    rules: Vec<Rule>,
    default_source: Source,
}

/// A rule that cannot be one, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// A rule without a level of its own.
    #[error("rule {pattern} at {place} is for the default level, which has a route and no rules")]
    DefaultLevel {
        /// Where the rule comes from.
        place: Source,
        /// The rule's pattern.
        pattern: Pattern,
    },
    /// The route for names that never go by the gateway is the gateway.
    #[error("names that never go by the gateway cannot have it as their route")]
    NeverByGateway,
    /// A text that is not a pattern.
    #[error("bad rule at {place}")]
    Pattern {
        /// Where the rule comes from.
        place: Source,
        /// The offending text, and what to write instead.
        #[source]
        error: PatternError,
    },
    /// More rules than can be counted.
    #[error("there are more than {} rules", u32::MAX)]
    TooMany,
}

#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) pattern: Pattern,
    pub(super) source: Source,
    pub(super) level: Level,
}

// === impl RuleSetBuilder ===

impl RuleSetBuilder {
    pub(super) const fn new(routes: Routes) -> Self {
        Self {
            routes,
            rules: Vec::new(),
            default_source: Source::BuiltIn,
        }
    }

    /// Says where the default route was configured; the program itself, if this is not called.
    #[must_use]
    pub fn default_source(mut self, source: Source) -> Self {
        self.default_source = source;
        self
    }

    /// Adds a rule. The same rule twice counts once.
    #[must_use]
    pub fn rule(mut self, level: Level, pattern: Pattern, source: Source) -> Self {
        self.rules.push(Rule {
            pattern,
            source,
            level,
        });
        self
    }

    /// Reads a pattern and adds it as a rule.
    ///
    /// # Errors
    ///
    /// [`RuleError::Pattern`], which names the text, the place and what to write instead.
    pub fn text(self, level: Level, text: &str, source: Source) -> Result<Self, RuleError> {
        match text.parse() {
            Ok(pattern) => Ok(self.rule(level, pattern, source)),
            Err(error) => Err(RuleError::Pattern {
                place: source,
                error,
            }),
        }
    }

    /// Sorts and indexes the rules.
    ///
    /// # Errors
    ///
    /// [`RuleError::DefaultLevel`] for a rule of [`Level::Default`], [`RuleError::NeverByGateway`] for
    /// routes that contradict themselves, [`RuleError::TooMany`] for more rules than 32 bits count.
    pub fn build(self) -> Result<RuleSet, RuleError> {
        if self.routes.never == Route::Gateway {
            return Err(RuleError::NeverByGateway);
        }
        let mut rules = self.rules;
        if let Some(at) = rules.iter().position(|rule| rule.level == Level::Default) {
            let Rule {
                pattern, source, ..
            } = rules.swap_remove(at);
            return Err(RuleError::DefaultLevel {
                place: source,
                pattern,
            });
        }
        // The text last, and then the place: no two rules compare equal unless they are the same, so the
        // order in which they were added cannot show.
        rules.sort_by_cached_key(|rule| {
            let text = rule.pattern.to_string();
            (rule.level, rule.pattern.rank(), text, rule.source.clone())
        });
        rules.dedup_by(|later, kept| later.level == kept.level && later.pattern == kept.pattern);
        let index = Index::new(&rules).ok_or(RuleError::TooMany)?;
        let ends = |level| rules.partition_point(|rule| rule.level <= level);
        let level_ends = [Level::Deny, Level::Never, Level::Bypass, Level::Carried].map(ends);
        Ok(RuleSet {
            routes: self.routes,
            // Indexed, so they can be counted.
            level_ends: level_ends.map(|end| u32::try_from(end).unwrap_or(u32::MAX)),
            rules: rules.into(),
            index,
            default_source: self.default_source,
        })
    }
}
