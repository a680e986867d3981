use std::collections::HashSet;

use super::*;
use crate::alert::Alert;
use crate::evidence::{
    ConnectEvidence, ConnectFault, HttpAnswer, HttpEvidence, ResolveEvidence, ResolveFault,
    TlsEvidence, TunnelEvidence,
};
use crate::path::Path;
use crate::report::ExperimentKind;
use crate::words::{Ending, HelloSize, Outcome};

fn target() -> Target {
    "a.example:443".parse().unwrap()
}

fn step(step: Step, hop: HopKind, evidence: Evidence) -> StepReport {
    let passed = passes(&target(), hop, &evidence);
    StepReport {
        step,
        hop,
        to: target(),
        outcome: if passed {
            Outcome::Passed
        } else {
            Outcome::Failed
        },
        started: Duration::ZERO,
        elapsed: Duration::from_millis(12),
        evidence: Some(evidence),
    }
}

fn resolved(addresses: &[&str], fault: Option<ResolveFault>) -> Evidence {
    Evidence::Resolve(ResolveEvidence {
        name: Some("a.example".to_owned()),
        addresses: addresses
            .iter()
            .map(|address| address.parse().unwrap())
            .collect(),
        fault,
    })
}

fn connected(fault: Option<ConnectFault>) -> Evidence {
    let peer = "20.1.2.3:443".parse().unwrap();
    Evidence::Connect(ConnectEvidence {
        peer,
        local: None,
        fault,
    })
}

fn answer(status: u16, headers: &[(&str, &str)], excerpt: &str) -> HttpAnswer {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    HttpAnswer {
        status,
        reason: String::new(),
        headers: headers.collect(),
        excerpt: excerpt.to_owned(),
    }
}

fn shaken(change: impl FnOnce(&mut TlsEvidence)) -> Evidence {
    let mut tls = TlsEvidence {
        sni: Some("a.example".to_owned()),
        sent: 250,
        hello_sent: true,
        ..TlsEvidence::default()
    };
    change(&mut tls);
    Evidence::Tls(Box::new(tls))
}

fn cut(ending: Ending, received: u64) -> Evidence {
    shaken(|tls| {
        tls.ending = Some(ending);
        tls.ending_after = Some(Duration::from_millis(2));
        tls.received = received;
    })
}

#[track_caller]
fn check(hop: HopKind, evidence: Evidence, id: &str, says: &str) {
    let kind = match &evidence {
        Evidence::Resolve(_) => Step::Resolve,
        Evidence::Connect(_) => Step::Connect,
        Evidence::Tunnel(_) => Step::ProxyConnect,
        Evidence::Tls(_) => Step::Tls,
        Evidence::Certificate(_) => Step::Certificate,
        Evidence::Http(_) => Step::Http,
    };
    let verdict = judge(&[step(kind, hop, evidence)], &[]);
    assert_eq!(verdict.id.as_str(), id, "{verdict:?}");
    assert!(verdict.sentence.contains(says), "{verdict}");
    assert!(
        !verdict.sentence.contains('\n') && !verdict.sentence.ends_with('.'),
        "{verdict}"
    );
}

#[test]
fn names() {
    use ResolveFault as Fault;
    let at = HopKind::Target;
    check(
        at,
        resolved(&[], Some(Fault::NotFound)),
        "dns.nxdomain",
        "a.example does not exist",
    );
    check(
        at,
        resolved(&[], Some(Fault::NoAddress)),
        "dns.no_address",
        "no address",
    );
    check(
        at,
        resolved(&[], Some(Fault::Timeout)),
        "dns.timeout",
        "in 12 ms",
    );
    check(
        at,
        resolved(&[], Some(Fault::Failed("try again".to_owned()))),
        "dns.server_error",
        "try again",
    );
    check(
        at,
        resolved(&["0.0.0.0", "::"], None),
        "dns.sinkhole",
        "0.0.0.0",
    );
    check(
        at,
        resolved(&["192.0.2.7"], None),
        "dns.bogon",
        "documentation",
    );
    check(
        at,
        resolved(&["0.0.0.0", "20.1.2.3"], None),
        "reachable",
        "",
    );
    check(
        HopKind::Proxy,
        resolved(&[], Some(Fault::NotFound)),
        "proxy.resolve_failed",
        "the proxy",
    );
}

#[test]
fn connections() {
    use ConnectFault as Fault;
    for (fault, at_target, at_hop) in [
        (Fault::Refused, "tcp.refused", "proxy.connect_refused"),
        (Fault::Timeout, "tcp.timeout", "proxy.connect_timeout"),
        (
            Fault::Unreachable("no route".to_owned()),
            "tcp.unreachable",
            "proxy.unreachable",
        ),
        (Fault::Denied, "tcp.local_denied", "tcp.local_denied"),
        (
            Fault::Exhausted("too many".to_owned()),
            "tcp.local_resources",
            "tcp.local_resources",
        ),
        (Fault::Reset, "tcp.reset_on_accept", "proxy.unreachable"),
    ] {
        check(
            HopKind::Target,
            connected(Some(fault.clone())),
            at_target,
            "20.1.2.3:443",
        );
        check(
            HopKind::Gateway,
            connected(Some(fault)),
            at_hop,
            "20.1.2.3:443",
        );
    }
}

#[test]
fn answers_to_connect() {
    let said = |answer| {
        Evidence::Tunnel(TunnelEvidence {
            answer: Some(answer),
            ..TunnelEvidence::default()
        })
    };
    let at = HopKind::Proxy;
    for (status, id) in [
        (200, "reachable"),
        (204, "reachable"),
        (302, "proxy.status"),
        (403, "proxy.denied"),
        (407, "proxy.auth_required"),
        (451, "proxy.denied"),
        (470, "proxy.denied"),
        (502, "proxy.bad_gateway"),
        (503, "proxy.unavailable"),
        (504, "proxy.upstream_timeout"),
        (522, "proxy.upstream_timeout"),
    ] {
        check(at, said(answer(status, &[], "")), id, "");
    }
    let squid = [
        ("x-squid-error", "ERR_ACCESS_DENIED 0"),
        ("server", "squid/6.6"),
    ];
    check(
        at,
        said(answer(503, &squid, "")),
        "proxy.denied",
        "squid/6.6, ERR_ACCESS_DENIED 0",
    );
    let broken = |ending, received| {
        Evidence::Tunnel(TunnelEvidence {
            ending: Some(ending),
            received,
            ..TunnelEvidence::default()
        })
    };
    check(
        at,
        broken(Ending::Closed, 0),
        "proxy.closed",
        "without a byte",
    );
    check(at, broken(Ending::Reset, 9), "proxy.reset", "after 9 bytes");
    check(
        at,
        broken(Ending::Silent, 9),
        "proxy.timeout",
        "fell silent",
    );
}

#[test]
fn handshakes() {
    let at = HopKind::Target;
    check(
        at,
        cut(Ending::Closed, 0),
        "tls.closed_after_client_hello",
        "closed 2 ms after the ClientHello for a.example",
    );
    check(
        at,
        cut(Ending::Reset, 0),
        "tls.reset_after_client_hello",
        "reset 2 ms after",
    );
    check(
        at,
        cut(Ending::Silent, 0),
        "tls.no_server_hello",
        "not a byte in 2 ms",
    );
    check(
        at,
        cut(Ending::Closed, 90),
        "tls.closed_mid_handshake",
        "after 90 bytes",
    );
    check(
        at,
        cut(Ending::Reset, 90),
        "tls.reset_mid_handshake",
        "after 90 bytes",
    );
    check(
        at,
        cut(Ending::Silent, 90),
        "tls.stalled_mid_handshake",
        "after 90 bytes",
    );
    let unsent = |sent| {
        shaken(|tls| {
            tls.ending = Some(Ending::Reset);
            (tls.sent, tls.hello_sent) = (sent, false);
        })
    };
    check(
        at,
        unsent(0),
        "tcp.reset_on_accept",
        "before anything was sent",
    );
    check(
        at,
        unsent(100),
        "tls.reset_before_server_hello",
        "being sent",
    );
    let first = |octets: &[u8]| {
        let octets = octets.to_vec();
        shaken(|tls| tls.first = octets)
    };
    check(at, first(b"220 mail ready"), "tls.not_tls", "mail or FTP");
    check(at, first(b"\x00\xff"), "tls.not_tls", "\\x00\\xff");
    let old = shaken(|tls| tls.error = Some(crate::tls::TOO_OLD.to_owned()));
    check(at, old, "tls.version_unsupported", "below TLS 1.2");
    check(
        at,
        shaken(|tls| tls.error = Some("odd".to_owned())),
        "tls.protocol_error",
        "odd",
    );
    check(
        HopKind::Gateway,
        cut(Ending::Reset, 0),
        "proxy.tls_failed",
        "the gateway a.example:443",
    );
}

#[test]
fn alerts() {
    for (code, asked, id) in [
        (40, false, "tls.alert.handshake_failure"),
        (40, true, "tls.client_cert_required"),
        (42, true, "tls.client_cert_required"),
        (49, false, "tls.alert.access_denied"),
        (70, false, "tls.version_unsupported"),
        (112, false, "tls.alert.unrecognized_name"),
        (116, false, "tls.client_cert_required"),
        (120, false, "alpn.no_overlap"),
        (200, false, "tls.alert.unknown"),
    ] {
        let evidence = shaken(|tls| {
            tls.alert = Some(Alert(code));
            tls.client_cert_requested = asked;
        });
        check(HopKind::Target, evidence, id, &code.to_string());
    }
}

#[test]
fn pages() {
    let page = |answer| {
        Evidence::Http(HttpEvidence {
            answer: Some(answer),
            ..HttpEvidence::default()
        })
    };
    let at = HopKind::Target;
    for status in [200, 301, 401, 403, 404, 500] {
        check(at, page(answer(status, &[], "")), "reachable", "");
    }
    let deny = "Action: Deny. Reason: No rule matched.";
    check(
        at,
        page(answer(470, &[], deny)),
        "http.denied_by_firewall",
        "No rule matched",
    );
    let zscaler = [("server", "Zscaler/6.2")];
    check(
        at,
        page(answer(403, &zscaler, "blocked")),
        "http.block_page",
        "Zscaler",
    );
    check(
        at,
        page(answer(200, &[], "Web Page Blocked! FortiGuard")),
        "http.block_page",
        "FortiGate",
    );
    // A service that happens to stand behind Squid is no block page.
    check(
        at,
        page(answer(200, &[("server", "squid/6.6")], "hello")),
        "reachable",
        "",
    );

    let clear = |answer| {
        shaken(|tls| {
            tls.first = b"HTTP/1.1".to_vec();
            tls.http = Some(answer);
        })
    };
    check(
        at,
        clear(answer(470, &[], deny)),
        "http.denied_by_firewall",
        "in plain text",
    );
    check(at, clear(answer(400, &[], "")), "tls.plaintext_http", "400");
    let away = answer(
        302,
        &[("location", "http://login.portal.test/a.example")],
        "",
    );
    let verdict = judge(&[step(Step::Tls, at, clear(away))], &[]);
    assert_eq!(verdict.because, Some(VerdictId::HttpCaptivePortal));
    let home = answer(301, &[("location", "https://www.a.example/")], "");
    let verdict = judge(&[step(Step::Tls, at, clear(home))], &[]);
    assert_eq!(verdict.because, None);
}

#[test]
fn a_tunnel_that_is_dropped_is_the_hops_or_what_is_behind_it() {
    let open = Evidence::Tunnel(TunnelEvidence {
        answer: Some(answer(200, &[], "")),
        ..TunnelEvidence::default()
    });
    let steps = |ending| {
        [
            step(Step::ProxyConnect, HopKind::Proxy, open.clone()),
            step(Step::Tls, HopKind::Target, cut(ending, 0)),
        ]
    };
    let verdict = judge(&steps(Ending::Closed), &[]);
    assert_eq!(verdict.id, VerdictId::ProxyTunnelDropped);
    assert_eq!(verdict.because, Some(VerdictId::TlsClosedAfterClientHello));
    let verdict = judge(&steps(Ending::Silent), &[]);
    assert_eq!(
        verdict.id,
        VerdictId::TlsNoServerHello,
        "silence drops nothing"
    );
}

#[test]
fn a_server_that_asked_for_a_certificate_and_hung_up() {
    let http = |ending| {
        Evidence::Http(HttpEvidence {
            ending: Some(ending),
            ..HttpEvidence::default()
        })
    };
    let tls = |asked| {
        shaken(|tls| {
            tls.completed = true;
            tls.client_cert_requested = asked;
        })
    };
    for (asked, ending, id) in [
        (true, Ending::Reset, VerdictId::TlsClientCertRequired),
        (true, Ending::Silent, VerdictId::HttpTimeout),
        (false, Ending::Reset, VerdictId::HttpReset),
        (false, Ending::Closed, VerdictId::HttpEmptyReply),
    ] {
        let steps = [
            step(Step::Tls, HopKind::Target, tls(asked)),
            step(Step::Http, HopKind::Target, http(ending)),
        ];
        assert_eq!(judge(&steps, &[]).id, id);
    }
}

// === Experiments ===

fn tried(kind: ExperimentKind, answered: bool) -> Experiment {
    Experiment {
        kind,
        answered,
        failure: None,
        steps: Vec::new(),
        started: Duration::ZERO,
        elapsed: Duration::ZERO,
    }
}

fn other() -> ExperimentKind {
    ExperimentKind::OtherName {
        sni: "b.example".to_owned(),
    }
}

#[track_caller]
fn follow(evidence: Evidence, experiments: &[Experiment], id: &str, sure: Certainty, says: &str) {
    let verdict = judge(&[step(Step::Tls, HopKind::Target, evidence)], experiments);
    assert_eq!(
        (verdict.id.as_str(), verdict.certainty),
        (id, sure),
        "{verdict}"
    );
    assert!(verdict.sentence.contains(says), "{verdict}");
}

#[test]
fn a_filter_is_proved_only_if_the_name_fails_twice() {
    let closed = || cut(Ending::Closed, 0);
    let id = "tls.closed_after_client_hello";
    let again = |answered| tried(ExperimentKind::Again, answered);
    let filtered = [tried(other(), true), again(false)];
    follow(
        closed(),
        &filtered,
        "tls.sni_filtered",
        Certainty::Proved,
        "another name (b.example)",
    );
    let unnamed = [tried(ExperimentKind::NoName, true), again(false)];
    follow(
        closed(),
        &unnamed,
        "tls.sni_filtered",
        Certainty::Proved,
        "no name at all",
    );
    follow(
        closed(),
        &[tried(other(), true), again(true)],
        id,
        Certainty::Guess,
        "unsteady",
    );
    follow(
        closed(),
        &[tried(other(), false), again(false)],
        id,
        Certainty::Guess,
        "same way",
    );
    follow(
        closed(),
        &[tried(other(), true)],
        id,
        Certainty::Likely,
        "b.example",
    );
}

#[test]
fn old_servers_are_known_by_what_they_answer() {
    let alert = |code| shaken(|tls| tls.alert = Some(Alert(code)));
    let old = |chose: Option<&str>| {
        let kind = ExperimentKind::OldHello {
            version: "TLS 1.2".to_owned(),
            chose: chose.map(str::to_owned),
        };
        [tried(kind, chose.is_some())]
    };
    let weak = old(Some("TLS 1.2 with RSA_WITH_AES_128_CBC_SHA"));
    follow(
        alert(40),
        &weak,
        "tls.no_common_cipher",
        Certainty::Proved,
        "CBC",
    );
    let ancient = old(Some("TLS 1.0 with RSA_WITH_AES_128_CBC_SHA"));
    follow(
        alert(70),
        &ancient,
        "tls.version_unsupported",
        Certainty::Proved,
        "TLS 1.0",
    );
    follow(
        alert(40),
        &old(None),
        "tls.alert.handshake_failure",
        Certainty::Guess,
        "not answered",
    );
}

#[test]
fn a_firewall_is_believed_about_itself() {
    let page = answer(470, &[], "Action: Deny. Reason: No rule matched.");
    let http = Evidence::Http(HttpEvidence {
        answer: Some(page),
        ..HttpEvidence::default()
    });
    let mut plain = tried(ExperimentKind::PlainHttp, true);
    plain.steps.push(step(Step::Http, HopKind::Target, http));
    let id = "tls.reset_after_client_hello";
    follow(
        cut(Ending::Reset, 0),
        &[plain],
        id,
        Certainty::Proved,
        "says so itself: 470",
    );
}

#[test]
fn a_larger_hello_that_is_answered_is_told() {
    let kind = ExperimentKind::Hello {
        size: HelloSize::Large,
    };
    let id = "tls.no_server_hello";
    follow(
        cut(Ending::Silent, 0),
        &[tried(kind, true)],
        id,
        Certainty::Guess,
        "larger ClientHello",
    );
}

// === Texts ===

#[test]
fn every_verdict_is_explained() {
    let paths = [Path::direct(), Path::local()];
    let mut meanings = HashSet::new();
    for id in VerdictId::all() {
        meanings.insert(id.meaning());
        for text in [id.meaning(), id.disproof()] {
            assert!(text.ends_with('.') && !text.contains("  "), "{id}: {text}");
        }
        for path in &paths {
            let ask = id.ask(&target(), path);
            assert!(
                ask.ends_with('.') && !ask.contains(['{', '}']) && !ask.contains("  "),
                "{id}: {ask}"
            );
        }
        if id != VerdictId::Reachable {
            assert_ne!(
                id.meaning(),
                VerdictId::Reachable.meaning(),
                "{id} has no texts"
            );
        }
    }
    assert!(meanings.len() > 45, "{}", meanings.len());
}
