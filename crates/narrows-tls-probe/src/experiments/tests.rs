use super::*;
use crate::alert::Alert;
use crate::words::{Certainty, HopKind, Party};

fn verdict(id: Id, because: Option<Id>) -> Verdict {
    Verdict {
        id,
        because,
        step: Step::Tls,
        hop: HopKind::Target,
        party: Party::Unknown,
        certainty: Certainty::Guess,
        sentence: String::new(),
    }
}

fn planned(id: Id, because: Option<Id>, change: impl FnOnce(&mut Options)) -> Vec<String> {
    let mut options = Options::default();
    change(&mut options);
    let target: Target = "a.example:443".parse().unwrap();
    let plan = plan(&verdict(id, because), &target, &options);
    assert!(plan.len() <= MAX_EXPERIMENTS, "{plan:?}");
    let word = |kind: &ExperimentKind| serde_json::to_value(kind).unwrap()["kind"].to_string();
    plan.iter().map(word).collect()
}

#[test]
fn what_a_filter_explains_is_followed_up_with_the_controls_first() {
    let names = |options: &mut Options| {
        let names = ["a.example", "b.example", "c.example", "d.example"];
        let name = |name: &str| {
            name.parse::<narrows_endpoint::Host>()
                .unwrap()
                .name()
                .cloned()
        };
        options.neutral = names.iter().filter_map(|each| name(each)).collect();
    };
    let whole = [
        "\"other_name\"",
        "\"other_name\"",
        "\"no_name\"",
        "\"again\"",
        "\"hello\"",
        "\"plain_http\"",
    ];
    assert_eq!(planned(Id::TlsClosedAfterClientHello, None, names), whole);
    let dropped = planned(
        Id::ProxyTunnelDropped,
        Some(Id::TlsResetAfterClientHello),
        names,
    );
    assert_eq!(dropped, whole);
}

#[test]
fn what_old_servers_explain_is_followed_up_with_old_hellos() {
    let old = ["\"old_hello\""; 3];
    assert_eq!(planned(Id::TlsVersionUnsupported, None, |_| {}), old);
    assert_eq!(planned(Id::TlsAlert(Alert(40)), None, |_| {}), old);
}

#[test]
fn nothing_else_costs_a_connection() {
    for id in [
        Id::TcpRefused,
        Id::ProxyDenied,
        Id::CertExpired,
        Id::HttpTimeout,
        Id::Reachable,
    ] {
        assert!(planned(id, None, |_| {}).is_empty(), "{id}");
    }
    let off = |options: &mut Options| options.experiments = false;
    assert!(planned(Id::TlsClosedAfterClientHello, None, off).is_empty());
    let large = |options: &mut Options| options.large_hello = true;
    assert_eq!(planned(Id::Reachable, None, large), ["\"hello\""]);
}
