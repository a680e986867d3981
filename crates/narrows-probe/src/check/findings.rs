//! What several results have in common, as the library of the probe finds it.

use narrows_tls_probe::correlate::{Finding, Observed, correlate};

use super::Tested;
use crate::feature::Feature;

/// What several results have in common, one sentence each, with who likely brings it about; empty if
/// there is nothing.
pub fn find(results: &[Tested]) -> Vec<String> {
    let observed: Vec<_> = results
        .iter()
        .map(|one| Observed {
            report: &one.report,
            features: features(one),
        })
        .collect();
    correlate(&observed).iter().map(say).collect()
}

/// What the target is needed for, if it is a feature: a name by hand stands for nothing else.
fn features(one: &Tested) -> &[String] {
    match Feature::find(&one.use_case) {
        Some(_) => std::slice::from_ref(&one.use_case),
        None => &[],
    }
}

fn say(finding: &Finding) -> String {
    format!(
        "{finding} (who likely: {}, {})",
        finding.party, finding.certainty
    )
}
