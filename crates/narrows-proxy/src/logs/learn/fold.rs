//! Names into patterns: as few as the limits allow, each as narrow as its names allow.

use std::collections::BTreeMap;

use narrows_endpoint::{Level, Pattern, Target};

use super::shared::is_shared;
use super::{Learnt, Limits, Sample};

/// Folds the names of each level and port.
///
/// A star covers no name that was seen on another level, and none that was never reached.
pub(super) fn fold(samples: &[Sample], unreached: &[Target], limits: Limits) -> Vec<Learnt> {
    let mut groups: BTreeMap<(Level, u16), Vec<&Sample>> = BTreeMap::new();
    for sample in samples {
        let group = (sample.level, sample.target.port());
        groups.entry(group).or_default().push(sample);
    }
    let mut rules = Vec::new();
    for ((level, port), group) in groups {
        let others = samples.iter().filter(|sample| sample.level != level);
        let others = others.map(|sample| &sample.target).chain(unreached);
        let mut folder = Folder {
            forbidden: others.collect(),
            level,
            limits,
            port,
            rules: &mut rules,
        };
        folder.fold(&group, 0);
    }
    rules
}

/// Folds the names of one level and port.
struct Folder<'a> {
    /// What no star may cover.
    forbidden: Vec<&'a Target>,
    level: Level,
    limits: Limits,
    port: u16,
    rules: &'a mut Vec<Learnt>,
}

// === impl Folder ===

impl Folder<'_> {
    /// Folds names whose last `depth` labels are the same: from the top, so that the first star that may
    /// be is the one that saves the most rules.
    fn fold(&mut self, names: &[&Sample], depth: usize) {
        let (below, own): (Vec<_>, Vec<_>) = names
            .iter()
            .copied()
            .partition(|name| labels(name).len() > depth);
        for name in own {
            self.exact(name);
        }
        if below.len() >= self.limits.fold.max(2)
            && let Some(pattern) = self.star(&below, depth)
        {
            return self.rule(pattern, &below);
        }
        let mut children: BTreeMap<&str, Vec<&Sample>> = BTreeMap::new();
        for name in below {
            let labels = labels(name);
            children
                .entry(labels[labels.len() - 1 - depth])
                .or_default()
                .push(name);
        }
        for child in children.values() {
            self.fold(child, depth + 1);
        }
    }

    /// The narrowest star over all of the names that may be, not above `depth` labels.
    fn star(&self, names: &[&Sample], depth: usize) -> Option<Pattern> {
        let first = labels(names.first()?);
        let common = |count: usize| {
            let suffix = &first[first.len() - count..];
            names.iter().all(|name| {
                let labels = labels(name);
                labels.len() > count && labels.ends_with(suffix)
            })
        };
        let deepest = (depth.max(1)..first.len())
            .take_while(|count| common(*count))
            .last()?;
        // Where it may not stand at the top, names that go apart further down may still be folded there.
        self.allowed(&first[first.len() - depth.max(1)..])?;
        (depth.max(1)..=deepest)
            .rev()
            .find_map(|count| self.allowed(&first[first.len() - count..]))
    }

    /// The star below a suffix, if it may be.
    fn allowed(&self, suffix: &[&str]) -> Option<Pattern> {
        let suffix = suffix.join(".");
        if !self.limits.allow_shared && is_shared(&suffix) {
            return None;
        }
        // Patterns refuse to cover a whole registry, whatever was asked for.
        let pattern: Pattern = format!("*.{suffix}:{}", self.port).parse().ok()?;
        let covers = self.forbidden.iter().any(|target| pattern.matches(target));
        (!covers).then_some(pattern)
    }

    fn exact(&mut self, name: &Sample) {
        self.rule(name.target.clone().into(), &[name]);
    }

    fn rule(&mut self, pattern: Pattern, samples: &[&Sample]) {
        self.rules.push(Learnt {
            level: self.level,
            pattern,
            samples: samples.iter().copied().cloned().collect(),
        });
    }
}

/// The labels of a name; none of an address, which is never folded.
fn labels(sample: &Sample) -> Vec<&str> {
    let name = sample.target.host().name();
    name.map_or_else(Vec::new, |name| name.as_str().split('.').collect())
}
