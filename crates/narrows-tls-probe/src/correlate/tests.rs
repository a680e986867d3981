use std::net::IpAddr;
use std::time::Duration;

use rcgen::{CertificateParams, DnType, Issuer, KeyPair, date_time_ymd};

use super::*;
use crate::evidence::{CertificateEvidence, Der, Evidence, HttpAnswer, HttpEvidence, TrustFault};
use crate::report::{AddressReport, StepReport};
use crate::verdict::Verdict;
use crate::words::{HopKind, Outcome, Step};

/// 2026-06-01.
const NOW: u64 = 1_780_272_000;

fn verdict(id: VerdictId, hop: HopKind) -> Verdict {
    Verdict {
        id,
        because: None,
        step: Step::Tls,
        hop,
        party: if id == VerdictId::Reachable {
            Party::Nobody
        } else {
            Party::Firewall
        },
        certainty: Certainty::Likely,
        sentence: String::new(),
    }
}

fn report(name: &str, id: VerdictId) -> Report {
    Report {
        target: format!("{name}:443").parse().unwrap(),
        path: "direct".to_owned(),
        verdict: verdict(id, HopKind::Target),
        steps: Vec::new(),
        warnings: Vec::new(),
        experiments: Vec::new(),
        addresses: Vec::new(),
        elapsed: Duration::ZERO,
    }
}

fn good(name: &str) -> Report {
    report(name, VerdictId::Reachable)
}

fn bad(name: &str) -> Report {
    report(name, VerdictId::TlsClosedAfterClientHello)
}

impl Report {
    fn saw(mut self, step: Step, evidence: Evidence) -> Self {
        self.steps.push(StepReport {
            step,
            hop: HopKind::Target,
            to: self.target.clone(),
            outcome: Outcome::Failed,
            started: Duration::ZERO,
            elapsed: Duration::ZERO,
            evidence: Some(evidence),
        });
        self
    }

    /// A certificate by this organisation, valid for these years.
    fn showed(self, organization: &str, years: (i32, i32), fault: TrustFault) -> Self {
        let name = self.target.host().to_string();
        let mut issuer = CertificateParams::new([]).unwrap();
        issuer.distinguished_name = rcgen::DistinguishedName::new();
        issuer
            .distinguished_name
            .push(DnType::OrganizationName, organization);
        let issuer = Issuer::new(issuer, KeyPair::generate().unwrap());
        let mut leaf = CertificateParams::new([name.clone()]).unwrap();
        leaf.not_before = date_time_ymd(years.0, 1, 1);
        leaf.not_after = date_time_ymd(years.1, 1, 1);
        let leaf = leaf
            .signed_by(&KeyPair::generate().unwrap(), &issuer)
            .unwrap();
        let public = (fault == TrustFault::UnknownIssuer).then_some(false);
        let evidence = CertificateEvidence {
            expected: name,
            chain: vec![Der(leaf.der().to_vec())],
            at: NOW,
            fault: Some(fault),
            // A certificate outside of its time is not asked about.
            public,
        };
        self.saw(Step::Certificate, Evidence::Certificate(evidence))
    }

    fn said(self, status: u16, excerpt: &str) -> Self {
        let answer = HttpAnswer {
            status,
            excerpt: excerpt.to_owned(),
            ..HttpAnswer::default()
        };
        let evidence = HttpEvidence {
            answer: Some(answer),
            ..HttpEvidence::default()
        };
        self.saw(Step::Http, Evidence::Http(evidence))
    }
}

fn found(reports: &[Report]) -> Vec<Finding> {
    let observed: Vec<Observed<'_>> = reports
        .iter()
        .map(|report| Observed {
            report,
            features: &[],
        })
        .collect();
    correlate(&observed)
}

#[track_caller]
fn only(reports: &[Report]) -> Finding {
    let mut findings = found(reports);
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings.remove(0)
}

#[test]
fn nothing_is_found_where_there_is_nothing() {
    assert_eq!(found(&[]), []);
    assert_eq!(found(&[good("a.example"), good("b.example")]), []);
    assert_eq!(found(&[bad("a.example")]), []);
    assert_eq!(
        found(&[bad("a.example"), bad("b.test"), good("c.example")]),
        []
    );
}

#[test]
fn wildcard_that_a_rule_forgot_is_named() {
    let reports = [
        good("management.azure.com"),
        bad("a.servicebus.windows.net"),
        bad("b-1.servicebus.windows.net"),
        good("login.windows.net"),
    ];
    let finding = only(&reports);
    let suffix = "servicebus.windows.net".to_owned();
    assert_eq!(finding.kind, FindingKind::Suffix { suffix });
    assert_eq!((finding.party, finding.targets.len()), (Party::Firewall, 2));
    assert_eq!(
        finding.to_string(),
        "all 2 names that fail are below servicebus.windows.net, and none below it works"
    );
    // One that works below it, and it is no rule for all of it.
    let more = [reports.to_vec(), vec![good("c.servicebus.windows.net")]].concat();
    assert_eq!(found(&more), []);
}

#[test]
fn feature_whose_targets_fail_is_named() {
    let reports = [bad("a.example"), bad("b.test"), good("c.example")];
    let [sql, both]: [Vec<String>; 2] = [vec!["sql".into()], vec!["servers".into(), "sql".into()]];
    let servers = vec!["servers".to_owned()];
    let features = [&sql, &both, &servers];
    let observed: Vec<Observed<'_>> = reports
        .iter()
        .zip(features)
        .map(|(report, features)| Observed { report, features })
        .collect();
    let findings = correlate(&observed);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(
        findings[0].kind,
        FindingKind::Feature {
            feature: "sql".to_owned()
        }
    );
}

#[test]
fn clock_is_blamed_only_when_every_certificate_agrees() {
    let old =
        |name| report(name, VerdictId::CertExpired).showed("CA", (2024, 2025), TrustFault::Expired);
    let reports = [old("a.example"), old("b.test"), old("c.invalid")];
    let finding = only(&reports);
    assert_eq!(
        finding.kind,
        FindingKind::Clock {
            behind: false,
            days: 516
        }
    );
    assert_eq!(
        (finding.party, finding.certainty),
        (Party::ThisHost, Certainty::Proved)
    );
    let early = |name| {
        report(name, VerdictId::CertNotYetValid).showed("CA", (2027, 2028), TrustFault::NotYetValid)
    };
    let finding = only(&[early("a.example"), early("b.test"), early("c.invalid")]);
    assert!(
        finding.to_string().contains("clock is behind by 214 days"),
        "{finding}"
    );
    let fine = good("d.example").showed("CA", (2026, 2027), TrustFault::WrongName);
    assert_eq!(found(&[reports.to_vec(), vec![fine]].concat()), []);
}

#[test]
fn one_issuer_of_unrelated_names_is_named() {
    let shows = |name, organization| {
        let fault = TrustFault::UnknownIssuer;
        report(name, VerdictId::CertUnknownIssuer).showed(organization, (2026, 2027), fault)
    };
    let finding = only(&[shows("a.example", "Contoso"), shows("b.test", "Contoso")]);
    let issuer = "O=Contoso".to_owned();
    assert_eq!(
        finding.kind,
        FindingKind::OneIssuer {
            issuer,
            product: None
        }
    );
    assert_eq!(finding.certainty, Certainty::Likely);
    let finding = only(&[
        shows("a.example", "Zscaler Inc."),
        shows("b.test", "Zscaler Inc."),
    ]);
    assert!(
        finding.to_string().ends_with("as Zscaler signs"),
        "{finding}"
    );
    assert_eq!(
        found(&[shows("a.example", "One"), shows("b.test", "Another")]),
        []
    );
    assert_eq!(
        found(&[
            shows("a.corp.test", "Contoso"),
            shows("b.corp.test", "Contoso")
        ]),
        []
    );
}

#[test]
fn everything_behind_one_hop_fails_alike() {
    let behind = |name: &str, id| Report {
        path: "proxy=proxy.example:3128".to_owned(),
        verdict: verdict(id, HopKind::Proxy),
        ..report(name, id)
    };
    let denied = VerdictId::ProxyDenied;
    let finding = only(&[
        good("a.example"),
        behind("a.example", denied),
        behind("b.test", denied),
    ]);
    let path = "proxy=proxy.example:3128".to_owned();
    assert_eq!(finding.kind, FindingKind::BehindOneHop { path, id: denied });
    let other = VerdictId::ProxyBadGateway;
    assert_eq!(
        found(&[behind("a.example", denied), behind("b.test", other)]),
        []
    );
}

#[test]
fn page_that_unrelated_names_share_is_a_block_page() {
    let page = |name: &str| {
        report(name, VerdictId::HttpBlockPage).said(403, &format!("Access to {name} is blocked"))
    };
    let finding = only(&[page("a.example"), page("b.test"), page("c.invalid")]);
    let FindingKind::SamePage { status: 403, .. } = finding.kind else {
        panic!("{finding:?}");
    };
    assert_eq!(found(&[page("a.example"), page("b.test")]), []);
}

#[test]
fn ipv6_that_fails_everywhere_is_told() {
    let of = |address: &str, id| AddressReport {
        address: address.parse::<IpAddr>().unwrap(),
        verdict: verdict(id, HopKind::Target),
        steps: Vec::new(),
    };
    let both = |name, six| {
        let mut report = good(name);
        report.addresses = vec![
            of("2001:db8::1", six),
            of("192.0.2.1", VerdictId::Reachable),
        ];
        report
    };
    let down = VerdictId::TcpTimeout;
    assert_eq!(
        only(&[both("a.example", down), both("b.test", down)]).kind,
        FindingKind::OnlyIpv6
    );
    assert_eq!(
        found(&[
            both("a.example", down),
            both("b.test", VerdictId::Reachable)
        ]),
        []
    );
}
