//! What the certificates of several targets have in common.

use jiff::Timestamp;

use super::{Finding, FindingKind, targets, unrelated};
use crate::chain::{Certificate, Signatures};
use crate::evidence::{CertificateEvidence, Evidence, TrustFault};
use crate::report::Report;
use crate::words::{Certainty, Party, Step};

/// Every leaf is outside of its time on the same side, for three unrelated names at least.
pub(super) fn clock(reports: &[&Report]) -> Option<Finding> {
    let seen: Vec<(&Report, Certificate, Timestamp)> = reports
        .iter()
        .filter_map(|report| leaf(report))
        .map(|(report, shown, leaf)| {
            let at = i64::try_from(shown.at)
                .ok()
                .and_then(|at| Timestamp::from_second(at).ok());
            at.map(|at| (report, leaf, at))
        })
        .collect::<Option<_>>()?;
    let of: Vec<&Report> = seen.iter().map(|(report, _, _)| *report).collect();
    if !unrelated(&of, ENOUGH) {
        return None;
    }
    let early = seen
        .iter()
        .map(|(_, leaf, at)| leaf.not_before.duration_since(*at));
    let late = seen
        .iter()
        .map(|(_, leaf, at)| at.duration_since(leaf.not_after));
    let least = |mut distances: Vec<jiff::SignedDuration>| {
        distances.sort();
        let all = distances
            .first()
            .is_some_and(jiff::SignedDuration::is_positive);
        // The clock is wrong by at least what the worst of them shows.
        distances.pop().filter(|_| all)
    };
    let (behind, distance) = match (least(early.collect()), least(late.collect())) {
        (Some(distance), _) => (true, distance),
        (None, Some(distance)) => (false, distance),
        (None, None) => return None,
    };
    Some(Finding {
        kind: FindingKind::Clock {
            behind,
            days: distance.as_hours() / 24,
        },
        party: Party::ThisHost,
        certainty: Certainty::Proved,
        targets: targets(&of),
    })
}

/// Two unrelated names or more show certificates of one issuer that is not trusted here or not by the
/// public, or that signs as a known product does. What the public roots know signs for everybody.
pub(super) fn one_issuer(reports: &[&Report]) -> Option<Finding> {
    let seen: Vec<(&Report, Certificate)> = reports
        .iter()
        .filter_map(|report| leaf(report))
        .filter(|(_, shown, leaf)| {
            let product = Signatures::built_in().product(&leaf.issuer).is_some();
            let private = shown.public == Some(false);
            let unknown = shown.fault == Some(TrustFault::UnknownIssuer);
            let by_nobody = product || private || unknown;
            !leaf.is_self_issued() && shown.public != Some(true) && by_nobody
        })
        .map(|(report, _, leaf)| (report, leaf))
        .collect();
    let most = seen.iter().max_by_key(|(_, leaf)| {
        let same = seen.iter().filter(|(_, other)| other.issuer == leaf.issuer);
        same.count()
    });
    let issuer = &most?.1.issuer;
    let of: Vec<&Report> = seen
        .iter()
        .filter(|(_, leaf)| leaf.issuer == *issuer)
        .map(|(report, _)| *report)
        .collect();
    if !unrelated(&of, 2) {
        return None;
    }
    let product = Signatures::built_in().product(issuer);
    let enough = product.is_some() || unrelated(&of, ENOUGH);
    Some(Finding {
        kind: FindingKind::OneIssuer {
            issuer: issuer.to_string(),
            product: product.map(|product| product.name.clone()),
        },
        party: Party::Firewall,
        certainty: if enough {
            Certainty::Proved
        } else {
            Certainty::Likely
        },
        targets: targets(&of),
    })
}

/// The certificate that the target itself showed, if the walk came so far.
fn leaf<'r>(report: &&'r Report) -> Option<(&'r Report, &'r CertificateEvidence, Certificate)> {
    let Evidence::Certificate(shown) = report.step(Step::Certificate)?.evidence.as_ref()? else {
        return None;
    };
    let leaf = Certificate::from_der(shown.chain.first()?.as_ref()).ok()?;
    Some((report, shown, leaf))
}

/// So many unrelated names agree by no accident.
const ENOUGH: usize = 3;
