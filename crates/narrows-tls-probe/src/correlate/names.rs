//! What the names of failing targets have in common.

use super::{Finding, FindingKind, Observed, targets};
use crate::report::Report;
use crate::words::{Certainty, Party};

/// The longest name above everything that fails and above nothing that works.
pub(super) fn suffix(reports: &[&Report]) -> Option<Finding> {
    let (good, bad): (Vec<&Report>, Vec<&Report>) =
        reports.iter().partition(|report| report.is_reachable());
    let mut names = bad.iter().map(|report| report.target.host().name());
    let first = names.next()??.as_str();
    let mut common: Vec<&str> = first.split('.').skip(1).collect();
    for name in names {
        let labels: Vec<&str> = name?.as_str().split('.').skip(1).collect();
        let same = common
            .iter()
            .rev()
            .zip(labels.iter().rev())
            .take_while(|(a, b)| a == b);
        let same = same.count();
        common.drain(..common.len() - same);
    }
    let of = targets(&bad);
    let suffix = common.join(".");
    let works = good.iter().any(|report| {
        let name = report.target.host().to_string();
        name.strip_suffix(&suffix)
            .is_some_and(|rest| rest.ends_with('.'))
    });
    // One label is a registry, not a rule; and without anything that works, nothing is told apart.
    (of.len() >= 2 && common.len() >= 2 && !works && !good.is_empty()).then(|| Finding {
        kind: FindingKind::Suffix { suffix },
        party: party(&bad),
        certainty: Certainty::Likely,
        targets: of,
    })
}

/// Features whose targets are exactly those that fail.
pub(super) fn features(observed: &[Observed<'_>]) -> Vec<Finding> {
    let bad: Vec<&Observed<'_>> = observed
        .iter()
        .filter(|each| !each.report.is_reachable())
        .collect();
    let mut features: Vec<&String> = bad.iter().flat_map(|each| each.features).collect();
    features.sort();
    features.dedup();
    features.retain(|feature| {
        observed
            .iter()
            .all(|each| each.features.contains(feature) != each.report.is_reachable())
    });
    let of: Vec<&Report> = bad.iter().map(|each| each.report).collect();
    let enough = targets(&of).len() >= 2 && bad.len() < observed.len();
    let finding = |feature: &String| Finding {
        kind: FindingKind::Feature {
            feature: feature.clone(),
        },
        party: party(&of),
        certainty: Certainty::Guess,
        targets: targets(&of),
    };
    features
        .into_iter()
        .filter(|_| enough)
        .map(finding)
        .collect()
}

/// Whom all of them blame, if it is one.
fn party(reports: &[&Report]) -> Party {
    let first = reports
        .first()
        .map_or(Party::Unknown, |report| report.verdict.party);
    let agreed = reports.iter().all(|report| report.verdict.party == first);
    if agreed { first } else { Party::Unknown }
}
