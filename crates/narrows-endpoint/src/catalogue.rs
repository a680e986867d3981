//! [`Catalogue`]: the endpoints that are known, dated and replaceable.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use crate::pattern::Pattern;
use crate::rules::{Level, RuleSetBuilder, Source};

mod bypass;
mod date;
mod endpoint;
mod error;
mod expand;
mod parse;
mod region;
mod template;

pub use bypass::{BypassKeyword, UnknownKeyword};
pub use date::{Date, DateError};
pub use endpoint::{Carried, Cloud, Endpoint, NeverGateway, Transport};
pub use error::{CatalogueError, CatalogueProblem};
pub use expand::{ExpandError, Expansion, ParameterError, Parameters};
pub use region::{Region, UnknownRegion};
pub use template::Template;

/// The group of the endpoints that the gateway carries.
const CARRIED_GROUP: &str = "arc-gateway-carried";
/// What rules of [`Level::Never`] name as their group.
const NEVER_GROUP: &str = "never-gateway";

/// Endpoints that are known: which names, on which ports, what for, and whether the gateway carries them.
///
/// One is built in, with the date of what it says. Another can replace it at run time: a text in the
/// format that `data/README.md` describes, which the caller has read from somewhere. Nothing here is
/// looked up or checked to be reachable, and what the sources do not say is left unknown.
///
/// # Examples
///
/// ```
/// use narrows_endpoint::{Catalogue, Route, Routes, RuleSet, Target};
///
/// let catalogue = Catalogue::built_in();
/// let routes = Routes { never: Route::Direct, default: Route::Direct };
/// let rules = catalogue.add_to(RuleSet::builder(routes)).build()?;
/// let decision = rules.decide(&"je.his.arc.azure.com:443".parse::<Target>()?);
/// assert_eq!(
///     decision.reason(),
///     "carried by the gateway: matches *.his.arc.azure.com:443 \
///      (catalogue group arc-gateway-carried, 2026-02-17)"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    date: Date,
    version: u32,
    endpoints: Arc<[Endpoint]>,
    regions: Arc<[Region]>,
    never: Arc<[NeverGateway]>,
    bypass: Arc<[BypassKeyword]>,
}

// === impl Catalogue ===

impl Catalogue {
    /// The catalogue that is compiled in. It is parsed once, when it is first asked for.
    pub fn built_in() -> &'static Self {
        static BUILT_IN: LazyLock<Catalogue> = LazyLock::new(|| {
            #[expect(
                clippy::expect_used,
                reason = "the text is compiled in and a test parses it"
            )]
            parse::built_in().expect("the built-in catalogue is well-formed")
        });
        &BUILT_IN
    }

    /// The day of what the catalogue says.
    pub const fn date(&self) -> Date {
        self.date
    }

    /// The edition, which tells apart catalogues of one day.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Every row, in the order of the file. Rows of different groups may name the same endpoint.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The names of the groups, sorted.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        let groups: BTreeSet<_> = self.endpoints.iter().map(Endpoint::group).collect();
        groups.into_iter()
    }

    /// The clouds that have rows, sorted.
    pub fn clouds(&self) -> impl Iterator<Item = Cloud> {
        let clouds: BTreeSet<_> = self.endpoints.iter().map(|row| row.cloud).collect();
        clouds.into_iter()
    }

    /// Every region, in the order of the file.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// What the gateway carries by its published list, each with its port.
    pub fn carried(&self) -> impl Iterator<Item = &Pattern> {
        self.endpoints
            .iter()
            .filter(|row| row.group() == CARRIED_GROUP)
            .filter_map(Endpoint::concrete)
    }

    /// The names that never go by the gateway, because they are needed to reach it.
    pub fn never_gateway(&self) -> &[NeverGateway] {
        &self.never
    }

    /// The keywords that `proxy.bypass` knows, in the order of the file.
    pub fn bypass_keywords(&self) -> &[BypassKeyword] {
        &self.bypass
    }

    /// What a keyword of `proxy.bypass` covers, whatever the case it is written in.
    ///
    /// # Errors
    ///
    /// [`UnknownKeyword`], which lists the keywords.
    pub fn bypass(&self, keyword: &str) -> Result<&BypassKeyword, UnknownKeyword> {
        bypass::find(&self.bypass, keyword)
    }

    /// Adds the rules of [`Level::Never`] and [`Level::Carried`]. Bypass keywords are the user's choice,
    /// so they are added by whoever knows which.
    #[must_use]
    pub fn add_to(&self, rules: RuleSetBuilder) -> RuleSetBuilder {
        let source = |group: &str| Source::Catalogue {
            group: group.into(),
            date: self.date,
        };
        let never = source(NEVER_GROUP);
        let carried = source(CARRIED_GROUP);
        let rules = self.never.iter().fold(rules, |rules, row| {
            rules.rule(Level::Never, row.pattern.clone(), never.clone())
        });
        self.carried().fold(rules, |rules, pattern| {
            rules.rule(Level::Carried, pattern.clone(), carried.clone())
        })
    }
}

impl FromStr for Catalogue {
    type Err = CatalogueError;

    /// Reads a catalogue in the format of `data/README.md`. All of it is good, or none of it is taken.
    fn from_str(text: &str) -> Result<Self, CatalogueError> {
        parse::replacement(text)
    }
}

#[cfg(test)]
mod tests;
