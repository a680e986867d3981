//! [`Index`]: from a target to the first rule that matches it.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::host::Host;
use crate::pattern::Hosts;
use crate::target::Target;

use super::Rule;

/// Rules by what they match; values are indices into the rules, in rising order.
#[derive(Debug, Default)]
pub(super) struct Index {
    exact: HashMap<Box<str>, Vec<u32>>,
    below: HashMap<Box<str>, Vec<u32>>,
    labels: HashMap<Box<str>, Vec<u32>>,
    nets: HashMap<IpNet, Vec<u32>>,
}

impl Index {
    /// Indexes rules that are sorted by precedence; none if they are too many to count.
    pub(super) fn new(rules: &[Rule]) -> Option<Self> {
        let mut index = Self::default();
        for (at, rule) in rules.iter().enumerate() {
            let at = u32::try_from(at).ok()?;
            match rule.pattern.hosts() {
                Hosts::Below(name) => index
                    .below
                    .entry(name.as_str().into())
                    .or_default()
                    .push(at),
                Hosts::Exact(name) => index
                    .exact
                    .entry(name.as_str().into())
                    .or_default()
                    .push(at),
                Hosts::Labels(labels) => index
                    .labels
                    .entry(labels.suffix().into())
                    .or_default()
                    .push(at),
                Hosts::Net(net) => index.nets.entry(*net).or_default().push(at),
            }
        }
        Some(index)
    }

    /// The first rule that matches.
    pub(super) fn find<'a>(&self, rules: &'a [Rule], target: &Target) -> Option<&'a Rule> {
        let mut best = u32::MAX;
        let mut offer = |indices: Option<&Vec<u32>>| {
            for &at in indices.into_iter().flatten() {
                if at < best && rules[at as usize].pattern.matches(target) {
                    best = at;
                }
            }
        };
        match target.host() {
            Host::Ip(ip) => {
                let longest = if matches!(ip, IpAddr::V4(_)) { 32 } else { 128 };
                for length in 0..=longest {
                    offer(
                        IpNet::new(*ip, length)
                            .ok()
                            .and_then(|net| self.nets.get(&net.trunc())),
                    );
                }
            }
            Host::Name(name) => {
                let mut rest = name.as_str();
                offer(self.exact.get(rest));
                while let Some((_, parent)) = rest.split_once('.') {
                    offer(self.below.get(parent));
                    offer(self.labels.get(parent));
                    rest = parent;
                }
            }
        }
        rules.get(best as usize)
    }
}
