//! What has changed between two runs.

use std::collections::BTreeSet;

use narrows_tls_probe::{Evidence, Report, Step, chain::Certificate};

use super::{Run, Tested};

/// What has changed from one run to the next, one line each, what is worse first; empty if nothing has.
///
/// A target counts as changed if its verdict, the issuer of its certificate or its warnings did, not if
/// its addresses or times did: those do at every look.
pub fn changes(before: &Run, after: &Run) -> Vec<String> {
    let (mut broken, mut other, mut fixed) = (Vec::new(), Vec::new(), Vec::new());
    for now in &after.results {
        let name = name(now);
        let Some(then) = find(before, now) else {
            other.push(format!("{name}: new, {}", state(&now.report)));
            continue;
        };
        match (then.report.is_reachable(), now.report.is_reachable()) {
            (true, false) => broken.push(format!(
                "{name}: was reachable, now {}: {}",
                now.report.verdict.id, now.report.verdict
            )),
            (false, true) => {
                fixed.push(format!(
                    "{name}: was {}, now reachable",
                    then.report.verdict.id
                ));
            }
            _ => other.extend(
                difference(&then.report, &now.report).map(|what| format!("{name}: {what}")),
            ),
        }
    }
    for then in &before.results {
        if find(after, then).is_none() {
            other.push(format!("{}: not tested any more", name(then)));
        }
    }
    broken.extend(other);
    broken.extend(fixed);
    broken
}

fn find<'a>(run: &'a Run, one: &Tested) -> Option<&'a Tested> {
    run.results.iter().find(|other| {
        other.report.target == one.report.target && other.report.path == one.report.path
    })
}

fn name(one: &Tested) -> String {
    match &*one.report.path {
        "direct" => one.report.target.to_string(),
        path => format!("{} by {path}", one.report.target),
    }
}

fn state(report: &Report) -> String {
    if report.is_reachable() {
        "reachable".to_owned()
    } else {
        format!("{}: {}", report.verdict.id, report.verdict)
    }
}

/// How two reports of one target differ, both reachable or both not.
fn difference(then: &Report, now: &Report) -> Option<String> {
    if then.verdict.id != now.verdict.id {
        return Some(format!(
            "was {}, now {}: {}",
            then.verdict.id, now.verdict.id, now.verdict
        ));
    }
    if let (Some(was), Some(is)) = (issuer(then), issuer(now))
        && was != is
    {
        return Some(format!("the certificate was issued by {was}, now by {is}"));
    }
    let ids = |report: &Report| -> BTreeSet<&'static str> {
        report
            .warnings
            .iter()
            .map(|warning| warning.id.as_str())
            .collect()
    };
    let (was, is) = (ids(then), ids(now));
    let words = |ids: Vec<&&str>| ids.into_iter().copied().collect::<Vec<_>>().join(", ");
    let (gone, come) = (
        words(was.difference(&is).collect()),
        words(is.difference(&was).collect()),
    );
    match (gone.is_empty(), come.is_empty()) {
        (true, true) => None,
        (_, false) => Some(format!("warning: {come}")),
        (false, true) => Some(format!("no more: {gone}")),
    }
}

/// Who issued the certificate that was shown.
pub(crate) fn issuer(report: &Report) -> Option<String> {
    leaf(report).map(|leaf| leaf.issuer.text)
}

/// The target's own certificate.
pub(crate) fn leaf(report: &Report) -> Option<Certificate> {
    let step = report.step(Step::Certificate)?;
    match step.evidence.as_ref()? {
        Evidence::Certificate(evidence) => {
            Certificate::from_der(evidence.chain.first()?.as_ref()).ok()
        }
        _ => None,
    }
}
