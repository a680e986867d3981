//! Direct paths: verdict, step, party and certainty for every server.

use narrows_tests::lab::{Chain, Lab, TlsServer};
use narrows_tls_probe::{Certainty, Party, Path, Report};

use super::cases::{Case, start};
use super::{probe_all, prober_with, run, target};

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

#[test]
fn device_whose_root_was_installed_is_found_although_all_is_accepted() {
    let lab = Lab::new();
    let server = lab.tls(TlsServer::with(Chain::Intercepted));
    let prober = prober_with(lab.pki.roots_with_device());
    let report = run(prober.probe(&target(server), &Path::direct()));
    assert!(report.is_reachable(), "{}", report.verdict);
    let [warning] = report.warnings.as_slice() else {
        panic!("{:?}", report.warnings);
    };
    assert_eq!(warning.id.as_str(), "cert.intercepted");
    assert_eq!(
        (warning.party, warning.certainty),
        (Party::Firewall, Certainty::Proved)
    );
    assert!(warning.to_string().contains("FortiGate"), "{warning}");
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
