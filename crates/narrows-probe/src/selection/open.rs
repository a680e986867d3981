//! [`Openings`]: what must be open for a selection, with a gateway and without.

use narrows_endpoint::{Carried, Cloud, Route, Routes, RuleSet, Target};

use super::{Chosen, Opening, Selection};
use crate::fault::Fault;

/// What must be open for a selection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Openings {
    /// The names and ports, each once.
    pub open: Vec<Opening>,
    /// Rows that belong in the list, but whose name is not known: a token has no value.
    pub unknown: Vec<Opening>,
}

// === impl Selection ===

impl Selection {
    /// What must be open, each name and port once, and nothing that another entry covers anyway.
    ///
    /// - Without a gateway: every row of the features.
    /// - With one: the gateway itself, what Microsoft's pages list as to stay open beside it, and for
    ///   features without such a list the rows that the gateway does not carry.
    /// - `narrow` leaves out a wildcard where the catalogue has the names under it for the same use:
    ///   less is open, and a name that is added later is missing.
    ///
    /// # Errors
    ///
    /// A gateway in a cloud that has none.
    pub fn openings(&self, gateway: Option<&Target>, narrow: bool) -> Result<Openings, Fault> {
        let rows = match gateway {
            None => self.rows(),
            Some(gateway) => self.beside(gateway)?,
        };
        let (known, unknown): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.pattern.is_some());
        let mut open = merge(known);
        if narrow {
            open = without(&open, narrowed);
        }
        open = without(&open, covered);
        Ok(Openings {
            open,
            unknown: merge(unknown),
        })
    }

    /// The rows that stay open beside a gateway, the gateway first.
    fn beside(&self, gateway: &Target) -> Result<Vec<Opening>, Fault> {
        if self.cloud != Cloud::AzureCloud {
            let fault = Fault::usage(format_args!("--gateway: {} has no Arc gateway", self.cloud));
            return Err(fault.hint("leave out --gateway to get the full list"));
        }
        let carried = self.carried();
        let chosen: Vec<_> = self.chosen.iter().collect();
        let mut rows = Vec::new();
        for row in self.expanded() {
            let feature = match &*chosen {
                [] => row.stays(&carried).then(|| row.group.to_string()),
                chosen => chosen
                    .iter()
                    .find(|one| one.keeps(&row, &carried))
                    .map(|one| one.name().to_owned()),
            };
            if let Some(feature) = feature {
                rows.push(Opening { feature, ..row });
            }
        }
        let is_gateway = |row: &Opening| row.template.starts_with("<gateway_prefix>.");
        let model = rows.iter().find(|row| is_gateway(row)).cloned();
        rows.retain(|row| !is_gateway(row));
        let model = model.or_else(|| {
            let mut all = self.expanded().into_iter();
            all.find(is_gateway)
        });
        if let Some(model) = model {
            rows.insert(0, named(model, gateway));
        }
        Ok(rows)
    }

    /// Decides what the gateway carries, as narrows-proxy would.
    fn carried(&self) -> RuleSet {
        let routes = Routes {
            never: Route::Direct,
            default: Route::Direct,
        };
        let rules = self.catalogue.add_to(RuleSet::builder(routes));
        #[expect(
            clippy::expect_used,
            reason = "a catalogue refuses rows that make no rule set"
        )]
        rules.build().expect("a catalogue makes a rule set")
    }
}

// === impl Chosen ===

impl Chosen {
    /// Whether the row stays open beside a gateway for this.
    fn keeps(&self, row: &Opening, carried: &RuleSet) -> bool {
        match self {
            Self::Feature(feature) if !feature.gateway_groups.is_empty() => {
                feature.gateway_groups.contains(&&*row.group)
            }
            _ => self.needs(row) && row.stays(carried),
        }
    }
}

// === impl Opening ===

impl Opening {
    /// Whether the gateway does not carry it: its page says no, or says nothing and the list of what is
    /// carried does not have it.
    fn stays(&self, carried: &RuleSet) -> bool {
        match self.carried {
            Carried::Yes => false,
            Carried::No => true,
            Carried::Unknown => {
                let target = format!("{}:{}", self.name, self.port).parse::<Target>();
                target.map_or(true, |target| {
                    carried.decide(&target).route != Route::Gateway
                })
            }
        }
    }
}

/// The row of the gateway itself, with its real name.
fn named(row: Opening, gateway: &Target) -> Opening {
    Opening {
        name: gateway.host().to_string(),
        port: gateway.port(),
        pattern: Some(gateway.clone().into()),
        missing: Vec::new(),
        ..row
    }
}

/// Every name and port once, with the features that need it; the first row's words stay.
fn merge(rows: Vec<Opening>) -> Vec<Opening> {
    let mut merged: Vec<Opening> = Vec::new();
    for row in rows {
        let same = |other: &&mut Opening| {
            (&other.name, other.port, other.transport) == (&row.name, row.port, row.transport)
        };
        match merged.iter_mut().find(same) {
            None => merged.push(row),
            Some(first) => {
                if !first.feature.split(' ').any(|word| word == row.feature) {
                    first.feature = format!("{} {}", first.feature, row.feature);
                }
                if row.always() && !first.always() {
                    first.when = row.when;
                }
            }
        }
    }
    merged
}

fn without(rows: &[Opening], leave: fn(&Opening, &[Opening]) -> bool) -> Vec<Opening> {
    let kept = rows.iter().filter(|row| !leave(row, rows));
    kept.cloned().collect()
}

/// Whether another row opens it anyway, whenever it is needed.
fn covered(row: &Opening, rows: &[Opening]) -> bool {
    rows.iter()
        .any(|other| other.covers(row) && (other.always() || other.when == row.when))
}

/// Whether the names under this wildcard are known, for the same use.
fn narrowed(row: &Opening, rows: &[Opening]) -> bool {
    let same_use = |other: &&Opening| other.group == row.group && other.when == row.when;
    row.is_wildcard() && rows.iter().filter(same_use).any(|other| row.covers(other))
}
