//! [`Opening`]: one name and port that something needs.

use std::sync::Arc;

use narrows_endpoint::{Carried, Endpoint, Expansion, Pattern, Transport};

/// One name, or pattern of names, and one port that something needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opening {
    /// The name: exact, `*.below`, or with stars inside labels; with tokens if `pattern` is none.
    pub name: String,
    /// The port.
    pub port: u16,
    /// The transport protocol under the port.
    pub transport: Transport,
    /// Name and port, unless a whole label is not known.
    pub pattern: Option<Pattern>,
    /// The tokens without a value.
    pub missing: Vec<Box<str>>,
    /// The word of `--features` that needs it, or the group.
    pub feature: String,
    /// The catalogue's group.
    pub group: Arc<str>,
    /// The name as the catalogue writes it.
    pub template: String,
    /// What it is for.
    pub purpose: Arc<str>,
    /// When it is needed.
    pub when: Arc<str>,
    /// What private link does for it.
    pub private_link: Arc<str>,
    /// Whether the gateway carries it.
    pub carried: Carried,
    /// The page that says so.
    pub source: Arc<str>,
}

// === impl Opening ===

impl Opening {
    /// Whether the name stands for more than itself.
    pub fn is_wildcard(&self) -> bool {
        self.name.contains('*')
    }

    /// Whether every target of `other` is one of this.
    pub(super) fn covers(&self, other: &Self) -> bool {
        if self.port != other.port || self.transport != other.transport || self.name == other.name {
            return false;
        }
        match self.name.strip_prefix("*.") {
            // Labels with stars stand in front of the suffix, never in it.
            Some(suffix) if !suffix.contains('*') => other
                .name
                .strip_suffix(suffix)
                .is_some_and(|front| front.ends_with('.')),
            _ if other.is_wildcard() => false,
            _ => match (
                &self.pattern,
                format!("{}:{}", other.name, other.port).parse(),
            ) {
                (Some(pattern), Ok(target)) => pattern.matches(&target),
                _ => false,
            },
        }
    }

    /// Whether it is needed in every use of its feature.
    pub(super) fn always(&self) -> bool {
        self.when.starts_with("always")
    }
}

impl From<Expansion<'_>> for Opening {
    fn from(row: Expansion<'_>) -> Self {
        let pattern = row.pattern.as_ref();
        let name = pattern.map_or_else(|| row.text.to_string(), name_of);
        Self {
            name,
            pattern: row.pattern.clone(),
            missing: row.missing,
            ..Self::from(row.endpoint)
        }
    }
}

/// Without a region: a row whose name has tokens has no pattern.
impl From<&Endpoint> for Opening {
    fn from(row: &Endpoint) -> Self {
        Self {
            name: row.template.to_string(),
            port: row.port.get(),
            transport: row.transport,
            pattern: row.concrete().cloned(),
            missing: row.template.tokens().map(Into::into).collect(),
            feature: row.group().to_owned(),
            group: Arc::clone(&row.group),
            template: row.template.to_string(),
            purpose: Arc::clone(&row.purpose),
            when: Arc::clone(&row.required_when),
            private_link: Arc::clone(&row.private_link),
            carried: row.carried,
            source: Arc::clone(&row.source),
        }
    }
}

/// The name of a pattern that has a port.
fn name_of(pattern: &Pattern) -> String {
    let text = pattern.to_string();
    text.rsplit_once(':')
        .map_or_else(|| text.clone(), |(name, _)| name.to_owned())
}
