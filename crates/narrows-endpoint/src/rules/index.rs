//! [`Index`]: from a target to the first rule that matches it.
//!
//! Rules are sorted by precedence, so the first of those that match is the one with the smallest index.
//! The index is asked once for the whole name and once for every suffix of it (or once for every prefix
//! length, for an address), whatever the number of rules. Rules for the same name or suffix are chained,
//! and walked one by one: many ports of one name, or many in-label stars before one suffix.

use crate::host::Host;
use crate::pattern::{Hosts, Ports};
use crate::target::Target;

use super::Rule;

mod chains;
mod filter;
mod hash;
mod names;
mod nets;

use chains::{Chains, NONE};
use names::{Names, NamesBuilder};
use nets::Nets;

/// Rules by what they match.
#[derive(Debug)]
pub(super) struct Index {
    names: Names,
    nets: Nets,
    chains: Chains,
}

/// A rule as the index holds it: what must be checked after its host part was found.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The rule's place in the order of precedence.
    rule: u32,
    ports: Ports,
    /// Whether stars in labels must be compared.
    starred: bool,
}

impl Index {
    /// Indexes rules that are sorted by precedence; none if they are too many to count.
    pub(super) fn new(rules: &[Rule]) -> Option<Self> {
        let count = u32::try_from(rules.len())
            .ok()
            .filter(|&count| count < NONE)?;
        let mut chains = Chains::default();
        let mut names = NamesBuilder::default();
        let mut nets = Nets::default();
        // From the last rule to the first, because a chain grows at its front.
        for (at, rule) in (0..count).zip(rules).rev() {
            let hosts = rule.pattern.hosts();
            let entry = Entry {
                rule: at,
                ports: rule.pattern.ports(),
                starred: matches!(hosts, Hosts::Labels(_)),
            };
            match hosts {
                Hosts::Below(name) => names.suffix(name.as_str(), entry, &mut chains),
                Hosts::Exact(name) => names.whole(name.as_str(), entry, &mut chains),
                Hosts::Labels(labels) => names.suffix(labels.suffix(), entry, &mut chains),
                Hosts::Net(net) => nets.add(*net, entry, &mut chains),
            }
        }
        Some(Self {
            names: names.build()?,
            nets,
            chains,
        })
    }

    /// The index of the first rule that matches; [`NONE`] if none does.
    #[inline]
    pub(super) fn find(&self, rules: &[Rule], target: &Target) -> u32 {
        match target.host() {
            Host::Ip(ip) => self.nets.find(*ip, target.port(), &self.chains),
            Host::Name(name) => self
                .names
                .find(name.as_str(), target.port(), &self.chains, rules),
        }
    }
}
