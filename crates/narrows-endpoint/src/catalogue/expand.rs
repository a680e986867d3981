//! From templates to the names of one region and one customer.

use std::collections::{BTreeMap, BTreeSet};

use crate::pattern::Pattern;
use crate::target::Target;

use super::parse::is_label;
use super::template::Filled;
use super::{Catalogue, Endpoint, Region, UnknownRegion, region};

/// Values for the tokens that no region knows, such as `workspace_id` or `gateway_prefix`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(BTreeMap<Box<str>, Box<str>>);

/// A value that cannot stand for a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value {value:?} for {token} is not one label of letters, digits and hyphens")]
pub struct ParameterError {
    token: Box<str>,
    value: Box<str>,
}

/// An endpoint of one region.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expansion<'a> {
    /// The row that it comes from.
    pub endpoint: &'a Endpoint,
    /// The name, with values for the tokens that have one and the others as they were.
    pub text: Box<str>,
    /// Name and port; none if a whole label is missing.
    pub pattern: Option<Pattern>,
    /// The tokens without a value. If there is a pattern nevertheless, it has stars in their place.
    pub missing: Vec<Box<str>>,
}

/// Why nothing could be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpandError {
    /// A parameter that no template asks for, probably misspelt.
    #[error("no name has the token {name:?}; the tokens are {}", .known.join(", "))]
    UnknownParameter {
        /// What was given.
        name: Box<str>,
        /// What there is.
        known: Vec<Box<str>>,
    },
    /// Not the name of a region.
    #[error(transparent)]
    UnknownRegion(#[from] UnknownRegion),
}

// === impl Parameters ===

impl Parameters {
    /// No values.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Sets the value of a token, which is named without its brackets. It wins over the region's own.
    ///
    /// # Errors
    ///
    /// [`ParameterError`] for a value that is not a single label: a dot or star would widen the name.
    pub fn with(mut self, token: &str, value: &str) -> Result<Self, ParameterError> {
        if !is_label(value) {
            return Err(ParameterError {
                token: token.into(),
                value: value.into(),
            });
        }
        self.0
            .insert(token.into(), value.to_ascii_lowercase().into());
        Ok(self)
    }

    fn value(&self, token: &str) -> Option<&str> {
        self.0.get(token).map(|value| &**value)
    }
}

// === impl Catalogue ===

impl Catalogue {
    /// Expands every row of the region's cloud for the region, in the order of the file.
    ///
    /// A token that has no value is handled by where it stands, and reported either way:
    ///
    /// - as a part of a label it becomes a star inside that label, which is exactly what is known:
    ///   `winatp-gw-<geo>.microsoft.com` is `winatp-gw-*.microsoft.com`.
    /// - as a whole label it stays, and there is no pattern, because one that covers any label there
    ///   would be another rule: `<his_code>.his.arc.azure.com` in a region without a public code.
    ///
    /// A row with `<mc_code>` becomes one expansion for each storage account that is listed for the
    /// region.
    ///
    /// # Errors
    ///
    /// [`ExpandError::UnknownRegion`] with regions of similar names, and
    /// [`ExpandError::UnknownParameter`] for a value that nothing asks for.
    pub fn expand(
        &self,
        region: &str,
        parameters: &Parameters,
    ) -> Result<Vec<Expansion<'_>>, ExpandError> {
        self.check_parameters(parameters)?;
        let region = self.region(region)?;
        Ok(self
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.cloud == region.cloud)
            .flat_map(|endpoint| expand(endpoint, region, parameters))
            .collect())
    }

    /// The region of that name or display name, whatever the case: `japaneast`, `Japan East`.
    ///
    /// # Errors
    ///
    /// [`UnknownRegion`], with regions of similar names.
    pub fn region(&self, name: &str) -> Result<&Region, UnknownRegion> {
        region::find(&self.regions, name)
    }

    fn check_parameters(&self, parameters: &Parameters) -> Result<(), ExpandError> {
        if parameters.0.is_empty() {
            return Ok(());
        }
        let known: BTreeSet<_> = self
            .endpoints
            .iter()
            .flat_map(|endpoint| endpoint.template.tokens())
            .collect();
        match parameters.0.keys().find(|name| !known.contains(&***name)) {
            None => Ok(()),
            Some(name) => Err(ExpandError::UnknownParameter {
                name: name.clone(),
                known: known.into_iter().map(Into::into).collect(),
            }),
        }
    }
}

fn expand<'a>(
    endpoint: &'a Endpoint,
    region: &Region,
    parameters: &Parameters,
) -> Vec<Expansion<'a>> {
    let filled = endpoint
        .template
        .fill(|token| parameters.value(token).or_else(|| region.value(token)));
    let storage = storage_accounts(endpoint, region, &filled);
    if !storage.is_empty() {
        return storage;
    }
    vec![Expansion {
        endpoint,
        pattern: concrete(endpoint, &filled.starred),
        text: filled.text.into(),
        missing: filled.missing,
    }]
}

/// The region's storage accounts that the template stands for.
fn storage_accounts<'a>(
    endpoint: &'a Endpoint,
    region: &Region,
    filled: &Filled,
) -> Vec<Expansion<'a>> {
    if !filled.missing.iter().any(|token| &**token == "mc_code") {
        return Vec::new();
    }
    let Some(any) = concrete(endpoint, &filled.starred) else {
        return Vec::new();
    };
    region
        .machine_config_storage
        .iter()
        .filter_map(|name| Some(Target::new(name.parse().ok()?, endpoint.port)))
        .filter(|target| any.matches(target))
        .map(|target| Expansion {
            endpoint,
            text: target.host().to_string().into(),
            pattern: Some(target.into()),
            missing: Vec::new(),
        })
        .collect()
}

/// The pattern on the endpoint's port, unless a label is all star: the pattern grammar refuses that but
/// in front, where it would cover any depth.
fn concrete(endpoint: &Endpoint, starred: &str) -> Option<Pattern> {
    let widened = starred.starts_with("*.") && !endpoint.template.as_str().starts_with("*.");
    let pattern: Pattern = starred.parse().ok()?;
    (!widened).then(|| pattern.or_port(endpoint.port))
}

// === impl Region ===

impl Region {
    fn value(&self, token: &str) -> Option<&str> {
        match token {
            "gas_code" => self.gas_code.as_deref(),
            "his_code" => self.his_code.as_deref(),
            "region" => Some(&self.name),
            _ => None,
        }
    }
}
