//! What the ways to several targets have in common, and what answers on them.

use super::{Finding, FindingKind, targets, unrelated};
use crate::evidence::{Evidence, HttpAnswer};
use crate::report::Report;
use crate::words::{Certainty, HopKind, Party};

/// Paths over which everything fails alike, at a hop.
pub(super) fn behind_one_hop(reports: &[&Report]) -> Vec<Finding> {
    let mut paths: Vec<&String> = reports.iter().map(|report| &report.path).collect();
    paths.sort();
    paths.dedup();
    let finding = |path: &String| {
        let of: Vec<&Report> = reports
            .iter()
            .copied()
            .filter(|each| each.path == *path)
            .collect();
        let verdict = &of.first()?.verdict;
        let alike = of
            .iter()
            .all(|each| each.verdict.id == verdict.id && !each.is_reachable());
        let at_hop = verdict.hop != HopKind::Target;
        (alike && at_hop && targets(&of).len() >= 2).then(|| Finding {
            kind: FindingKind::BehindOneHop {
                path: path.clone(),
                id: verdict.id,
            },
            party: verdict.party,
            certainty: Certainty::Proved,
            targets: targets(&of),
        })
    };
    paths.into_iter().filter_map(finding).collect()
}

/// One page that is not a success, from unrelated names.
pub(super) fn same_page(reports: &[&Report]) -> Option<Finding> {
    let pages: Vec<(&Report, &HttpAnswer)> = reports
        .iter()
        .filter_map(|report| Some((*report, page(report)?)))
        .filter(|(_, page)| page.status >= 300 && !page.excerpt.is_empty())
        .collect();
    let like = |(report, page): &(&Report, &HttpAnswer)| (page.status, text(report, page));
    let most = pages
        .iter()
        .max_by_key(|one| pages.iter().filter(|two| like(one) == like(two)).count())?;
    let same = pages.iter().filter(|each| like(each) == like(most));
    let of: Vec<&Report> = same.map(|(report, _)| *report).collect();
    // Services of one provider answer alike; unrelated ones do not by accident.
    unrelated(&of, 3).then(|| Finding {
        kind: FindingKind::SamePage {
            status: most.1.status,
            excerpt: most.1.excerpt.clone(),
        },
        party: Party::Firewall,
        certainty: Certainty::Likely,
        targets: targets(&of),
    })
}

/// IPv6 fails wherever there is any, and IPv4 nowhere.
pub(super) fn only_ipv6(reports: &[&Report]) -> Option<Finding> {
    let both: Vec<&Report> = reports
        .iter()
        .copied()
        .filter(|report| report.addresses.iter().any(|each| each.address.is_ipv6()))
        .collect();
    let as_said = both
        .iter()
        .flat_map(|report| &report.addresses)
        .all(|each| {
            each.address.is_ipv4() == (each.verdict.id == crate::verdict_id::VerdictId::Reachable)
        });
    (targets(&both).len() >= 2 && as_said).then(|| Finding {
        kind: FindingKind::OnlyIpv6,
        party: Party::Network,
        certainty: Certainty::Likely,
        targets: targets(&both),
    })
}

/// The last answer of HTTP that the walk had, also one in plain text where TLS was expected.
fn page(report: &Report) -> Option<&HttpAnswer> {
    report
        .steps
        .iter()
        .rev()
        .find_map(|step| match step.evidence.as_ref()? {
            Evidence::Http(http) => http.answer.as_ref(),
            Evidence::Tls(tls) => tls.http.as_ref(),
            Evidence::Tunnel(tunnel) => tunnel.answer.as_ref(),
            _ => None,
        })
}

/// The page without the name that was asked for, which such pages repeat.
fn text(report: &Report, page: &HttpAnswer) -> String {
    page.excerpt.replace(&report.target.host().to_string(), "…")
}
