//! What several results have in common.

use std::collections::BTreeMap;

use narrows_tls_probe::{Report, VerdictId};

use super::Tested;
use super::diff::issuer;

/// Fewer than this are a coincidence.
const SEVERAL: usize = 3;

/// What several results have in common, one sentence each; empty if there is nothing.
pub fn find(results: &[Tested]) -> Vec<String> {
    let reports: Vec<&Report> = results.iter().map(|one| &one.report).collect();
    let mut found = Vec::new();
    found.extend(clock(&reports));
    found.extend(suffix(&reports));
    found.extend(same_issuer(&reports));
    found.extend(first_hop(&reports));
    found
}

/// Every certificate is outside of its time: it is the clock.
fn clock(reports: &[&Report]) -> Option<String> {
    let seen: Vec<_> = reports
        .iter()
        .filter(|report| issuer(report).is_some())
        .collect();
    for (id, word) in [
        (VerdictId::CertNotYetValid, "not valid yet"),
        (VerdictId::CertExpired, "expired"),
    ] {
        let all = seen.iter().all(|report| report.verdict.id == id);
        if all && seen.len() >= SEVERAL {
            return Some(format!(
                "all {} certificates are {word}: this machine's clock is wrong, not they",
                seen.len()
            ));
        }
    }
    None
}

/// The failing names, and none that is reachable, are below one name.
fn suffix(reports: &[&Report]) -> Vec<String> {
    let mut below: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let names: Vec<_> = reports
        .iter()
        .filter_map(|report| Some((report.target.host().name()?.as_str(), report.is_reachable())))
        .collect();
    for (name, reachable) in &names {
        // A suffix of one label is a registry's, not a service's.
        let mut rest = *name;
        while let Some((_, parent)) = rest.split_once('.') {
            if !parent.contains('.') {
                break;
            }
            let counts = below.entry(parent).or_default();
            let count = if *reachable {
                &mut counts.1
            } else {
                &mut counts.0
            };
            *count += 1;
            rest = parent;
        }
    }
    let shared: Vec<_> = below
        .iter()
        .filter(|(_, (failed, good))| *failed >= SEVERAL && *good == 0)
        .map(|(suffix, (failed, _))| (*suffix, *failed))
        .collect();
    // Everything fails: the suffix is not what they have in common.
    if names.iter().all(|(_, reachable)| !reachable) {
        return Vec::new();
    }
    // The narrowest of them: nobody should be asked for more.
    let narrowest = shared.iter().filter(|(suffix, _)| {
        let below = format!(".{suffix}");
        !shared.iter().any(|(other, _)| other.ends_with(&below))
    });
    narrowest
        .map(|(suffix, failed)| {
            format!("all {failed} names below {suffix} fail: ask for *.{suffix} as a whole")
        })
        .collect()
}

/// One issuer for unrelated names, where it is refused or warned of.
fn same_issuer(reports: &[&Report]) -> Vec<String> {
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let odd = |report: &&&Report| {
        let id = report.verdict.id;
        let intercepted = report
            .warnings
            .iter()
            .any(|warning| warning.id == VerdictId::CertIntercepted);
        intercepted
            || matches!(
                id,
                VerdictId::CertIntercepted | VerdictId::CertUnknownIssuer
            )
    };
    for report in reports.iter().filter(odd) {
        if let Some(issuer) = issuer(report) {
            *names.entry(issuer).or_default() += 1;
        }
    }
    names
        .into_iter()
        .filter(|(_, count)| *count >= SEVERAL)
        .map(|(issuer, count)| {
            format!("{count} names show certificates of one issuer, {issuer}: a device signs in their place")
        })
        .collect()
}

/// Everything over a path fails at the same hop.
fn first_hop(reports: &[&Report]) -> Vec<String> {
    let mut paths: BTreeMap<&str, Vec<&Report>> = BTreeMap::new();
    for report in reports {
        paths.entry(&report.path).or_default().push(report);
    }
    let mut found = Vec::new();
    for (path, of_path) in paths {
        let first = of_path[0].verdict.id;
        let same = of_path.iter().all(|report| report.verdict.id == first);
        if same && of_path.len() >= SEVERAL && first != VerdictId::Reachable {
            found.push(format!(
                "all {} targets by {path} end alike, {first}: look there first, not at the targets",
                of_path.len()
            ));
        }
    }
    found
}
