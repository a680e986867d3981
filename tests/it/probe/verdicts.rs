//! Direct paths: verdict, step, party and certainty for every server.

use narrows_tests::lab::Lab;
use narrows_tls_probe::{Path, Report};

use super::cases::{Case, start};
use super::probe_all;

#[test]
fn every_broken_server_gets_its_verdict() {
    let lab = Lab::new();
    let started = start(&lab);
    let reports = probe_all(&lab, &started.servers(), &Path::direct());
    let wrong: Vec<String> = started
        .cases
        .iter()
        .zip(&reports)
        .filter_map(|((case, _), report)| wrong(case, report))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// What is wrong with the report, in words.
fn wrong(case: &Case, report: &Report) -> Option<String> {
    let verdict = &report.verdict;
    // The system decides whose end comes first, and with it who is to blame and where.
    let race = case.ids.len() > 1;
    let blame = (verdict.step, verdict.party, verdict.certainty);
    let expected = (case.step, case.party, case.certainty);
    let right = case.ids.contains(&verdict.id.as_str()) && (race || blame == expected);
    (!right).then(|| {
        let ids = case.ids.join(" or ");
        format!(
            "{}: {} {blame:?}, not {ids} {expected:?}: {verdict}",
            case.name, verdict.id
        )
    })
}
