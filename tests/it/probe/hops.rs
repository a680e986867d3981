//! Proxies and gateways that are broken themselves.

use narrows_tests::gateway::Gateway;
use narrows_tests::lab::{Chain, HOST, Lab, TlsServer, Upstream};
use narrows_tls_probe::{Authorization, Certainty, Hop, HopKind, Party, Path, Report, Step};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{probe, target};

/// A target that only a proxy could reach, as nobody listens there.
fn through(lab: &Lab, hop: Hop) -> Report {
    probe(lab, narrows_tests::raw::closed_port(), &Path::through(hop))
}

fn upstream(lab: &Lab, upstream: Upstream) -> Report {
    let address = lab.upstream(upstream).to_string();
    through(lab, Hop::proxy(address.parse().unwrap()))
}

#[track_caller]
fn check(report: &Report, id: &str, step: Step, blame: (Party, Certainty)) {
    let verdict = &report.verdict;
    let found = (
        verdict.id.as_str(),
        verdict.step,
        (verdict.party, verdict.certainty),
    );
    assert_eq!(found, (id, step, blame), "{verdict}");
}

#[test]
fn answers_of_an_upstream_are_told_apart() {
    use Upstream::Answers;
    let lab = Lab::new();
    let asked = "proxy.auth_required";
    let squid = "X-Squid-Error: ERR_ACCESS_DENIED 0\r\n";
    let all = "Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\
        Proxy-Authenticate: Basic realm=\"x\"\r\n";
    for (status, headers, id, party, certainty) in [
        (
            "403 Forbidden",
            squid,
            "proxy.denied",
            Party::Proxy,
            Certainty::Proved,
        ),
        (
            "470 Denied",
            "",
            "proxy.denied",
            Party::Proxy,
            Certainty::Proved,
        ),
        (
            "407 No",
            "Proxy-Authenticate: Basic realm=\"x\"\r\n",
            asked,
            Party::Proxy,
            Certainty::Proved,
        ),
        (
            "407 No",
            "Proxy-Authenticate: Digest realm=\"x\"\r\n",
            asked,
            Party::Proxy,
            Certainty::Proved,
        ),
        (
            "407 No",
            "Proxy-Authenticate: NTLM\r\n",
            asked,
            Party::Proxy,
            Certainty::Proved,
        ),
        (
            "407 No",
            "Proxy-Authenticate: Negotiate\r\n",
            asked,
            Party::Proxy,
            Certainty::Proved,
        ),
        ("407 No", all, asked, Party::Proxy, Certainty::Proved),
        ("407 No", "", asked, Party::Proxy, Certainty::Proved),
        (
            "502 Bad Gateway",
            "",
            "proxy.bad_gateway",
            Party::Network,
            Certainty::Likely,
        ),
        (
            "503 Unavailable",
            "",
            "proxy.unavailable",
            Party::Network,
            Certainty::Likely,
        ),
        (
            "504 Timeout",
            "",
            "proxy.upstream_timeout",
            Party::Network,
            Certainty::Likely,
        ),
        (
            "302 Found",
            "Location: http://portal.example/\r\n",
            "proxy.status",
            Party::Proxy,
            Certainty::Proved,
        ),
    ] {
        let report = upstream(&lab, Answers(status, headers));
        let verdict = &report.verdict;
        assert_eq!(verdict.id.as_str(), id, "{status} {headers}: {verdict}");
        assert_eq!(
            (verdict.hop, verdict.step),
            (HopKind::Proxy, Step::ProxyConnect),
            "{verdict}"
        );
        assert_eq!(
            (verdict.party, verdict.certainty),
            (party, certainty),
            "{status}: {verdict}"
        );
    }
}

#[test]
fn upstream_that_gives_no_answer_is_told_by_how_it_ends() {
    let lab = Lab::new();
    for (broken, id, certainty) in [
        (Upstream::Nothing, "proxy.closed", Certainty::Likely),
        (Upstream::HalfAHead, "proxy.closed", Certainty::Likely),
        (Upstream::Resets, "proxy.reset", Certainty::Likely),
        (Upstream::Silent, "proxy.timeout", Certainty::Guess),
        (Upstream::Garbage, "proxy.malformed", Certainty::Likely),
        (Upstream::WantsTls, "proxy.expects_tls", Certainty::Proved),
    ] {
        let report = upstream(&lab, broken);
        let verdict = &report.verdict;
        assert_eq!(
            (verdict.id.as_str(), verdict.certainty),
            (id, certainty),
            "{broken:?}: {verdict}"
        );
        assert_eq!(
            (verdict.hop, verdict.step),
            (HopKind::Proxy, Step::ProxyConnect),
            "{verdict}"
        );
    }
}

#[test]
fn tunnel_that_is_dropped_at_once_is_not_a_tunnel() {
    let lab = Lab::new();
    for (broken, how) in [
        (Upstream::OpensThenCloses, "tls.closed_after_client_hello"),
        (Upstream::OpensThenResets, "tls.reset_after_client_hello"),
    ] {
        let report = upstream(&lab, broken);
        assert_eq!(
            report.verdict.id.as_str(),
            "proxy.tunnel_dropped",
            "{}",
            report.verdict
        );
        assert_eq!(
            report.verdict.because.unwrap().as_str(),
            how,
            "{}",
            report.verdict
        );
        assert_eq!(report.verdict.step, Step::Tls);
    }
}

#[test]
fn gateway_that_does_not_carry_the_target_refuses_it_by_policy() {
    let lab = Lab::new();
    let gateway = Gateway::start("localhost:1 in 127.0.0.0/8");
    let server = lab.tls(TlsServer::with(Chain::Good));
    let hop = |token: &str| {
        let authority = CertificateDer::from_pem_file(gateway.ca_file()).unwrap();
        Hop::gateway(gateway.authority().parse().unwrap())
            .with_authorization(Authorization::bearer(token).unwrap())
            .with_authorities(vec![authority])
    };
    let report = probe(&lab, server, &Path::through(hop(&gateway.token())));
    let blame = (Party::Gateway, Certainty::Proved);
    check(&report, "proxy.denied", Step::GatewayConnect, blame);
    assert!(
        report.verdict.to_string().contains(&gateway.authority()),
        "{}",
        report.verdict
    );

    let report = probe(&lab, server, &Path::through(hop("not-the-token")));
    assert_eq!(
        report.verdict.id.as_str(),
        "proxy.auth_required",
        "{}",
        report.verdict
    );
    assert_eq!(report.verdict.step, Step::GatewayConnect);
}

#[test]
fn gateway_whose_tls_is_opened_on_the_way_is_told_from_a_target() {
    let lab = Lab::new();
    let device = lab.tls(TlsServer::with(Chain::Intercepted));
    let hop = Hop::gateway(format!("{HOST}:{}", device.port()).parse().unwrap());
    let report = through(
        &lab,
        hop.with_authorization(Authorization::bearer("secret").unwrap()),
    );
    assert_eq!(
        report.verdict.id.as_str(),
        "proxy.tls_failed",
        "{}",
        report.verdict
    );
    assert_eq!(
        report.verdict.because.unwrap().as_str(),
        "cert.intercepted",
        "{}",
        report.verdict
    );
    assert_eq!(report.verdict.hop, HopKind::Gateway);
    assert_eq!(report.target.host(), target(device).host());
}
