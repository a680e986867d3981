//! The steps over a direct path.

use std::time::Duration;

use narrows_tls_probe::{
    Certainty, Ending, Evidence, Outcome, Party, Path, Report, Step, TlsEvidence, VerdictId,
};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::scripted::{Authority, Server, prober, read_hello, reset, serve};

fn tls(report: &Report) -> &TlsEvidence {
    match &report.step(Step::Tls).unwrap().evidence {
        Some(Evidence::Tls(tls)) => tls,
        other => panic!("{other:?}"),
    }
}

/// Probes a server without experiments.
async fn probe<R>(script: fn(TcpStream) -> R) -> Report
where
    R: Future<Output = ()> + Send + 'static,
{
    let authority = Authority::new();
    let server = Server::start(script).await;
    let mut options = authority.options();
    options.experiments = false;
    options.deadlines.tls = Duration::from_millis(300);
    prober(options)
        .probe(&server.target(), &Path::direct())
        .await
}

#[tokio::test]
async fn a_good_service_is_reachable_whatever_its_status() {
    let authority = Authority::new();
    let acceptor = authority.good();
    let server = Server::start(move |io| serve(acceptor.clone(), io)).await;
    let report = authority
        .prober()
        .probe(&server.target(), &Path::direct())
        .await;
    assert_eq!(report.verdict.id, VerdictId::Reachable, "{report:#?}");
    let steps: Vec<_> = report.steps.iter().map(|step| step.step).collect();
    let whole = [
        Step::Resolve,
        Step::Connect,
        Step::Tls,
        Step::Certificate,
        Step::Http,
    ];
    assert_eq!(steps, whole);
    assert!(
        report
            .steps
            .iter()
            .all(|step| step.outcome == Outcome::Passed)
    );
    let tls = tls(&report);
    assert_eq!(tls.version.as_deref(), Some("TLS 1.3"), "{tls:?}");
    assert_eq!(tls.alpn.as_deref(), Some("http/1.1"));
    assert!(tls.group.is_some() && tls.cipher.is_some() && tls.hello_sent);
    assert!(
        report.verdict.sentence.starts_with("answers HTTP 404 over"),
        "{}",
        report.verdict
    );
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
}

#[tokio::test]
async fn a_report_reads_back_and_is_judged_the_same() {
    let report = probe(|mut io| async move {
        read_hello(&mut io).await;
        reset(io);
    })
    .await;
    let text = serde_json::to_string(&report).unwrap();
    let back: Report = serde_json::from_str(&text).unwrap();
    assert_eq!(back.target, report.target);
    let again = narrows_tls_probe::judge(&back.steps, &back.experiments);
    assert_eq!(again.id, report.verdict.id);
    assert_eq!(again.party, report.verdict.party);
}

#[tokio::test]
async fn fin_after_hello() {
    let report = probe(|mut io| async move {
        read_hello(&mut io).await;
    })
    .await;
    assert_eq!(
        report.verdict.id,
        VerdictId::TlsClosedAfterClientHello,
        "{report:#?}"
    );
    assert_eq!(report.verdict.step, Step::Tls);
    assert_eq!(
        (report.verdict.party, report.verdict.certainty),
        (Party::Firewall, Certainty::Guess)
    );
    let tls = tls(&report);
    assert_eq!((tls.ending, tls.received), (Some(Ending::Closed), 0));
    assert!(tls.sent > 200 && tls.sent < 400, "{}", tls.sent);
}

#[tokio::test]
async fn rst_after_hello() {
    let report = probe(|mut io| async move {
        read_hello(&mut io).await;
        reset(io);
    })
    .await;
    assert_eq!(
        report.verdict.id,
        VerdictId::TlsResetAfterClientHello,
        "{report:#?}"
    );
    assert_eq!(tls(&report).ending, Some(Ending::Reset));
}

#[tokio::test]
async fn silence_after_hello() {
    let report = probe(|mut io| async move {
        read_hello(&mut io).await;
        std::future::pending::<()>().await;
    })
    .await;
    assert_eq!(
        report.verdict.id,
        VerdictId::TlsNoServerHello,
        "{report:#?}"
    );
    assert_eq!(tls(&report).ending, Some(Ending::Silent));
}

#[tokio::test]
async fn plain_text_instead_of_tls() {
    let report = probe(|mut io| async move {
        read_hello(&mut io).await;
        let page = b"HTTP/1.1 470 status code 470\r\nContent-Length: 70\r\n\r\n\
            Action: Deny. Reason: No rule matched. Proceeding with default action.";
        let _ = io.write_all(page).await;
    })
    .await;
    assert_eq!(
        report.verdict.id,
        VerdictId::HttpDeniedByFirewall,
        "{report:#?}"
    );
    assert_eq!(report.verdict.certainty, Certainty::Proved);
    assert!(
        report.verdict.sentence.contains("No rule matched"),
        "{}",
        report.verdict
    );

    let report = probe(|mut io| async move {
        let _ = io.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await;
        read_hello(&mut io).await;
    })
    .await;
    assert_eq!(report.verdict.id, VerdictId::TlsNotTls, "{report:#?}");
    assert_eq!(tls(&report).first, b"SSH-2.0-OpenSSH_9.2\r\n");
}

#[tokio::test]
async fn an_alert_is_told_by_its_number() {
    let report = probe(|mut io| async move {
        read_hello(&mut io).await;
        let _ = io.write_all(&[21, 3, 3, 0, 2, 2, 80]).await;
    })
    .await;
    assert_eq!(
        report.verdict.id.as_str(),
        "tls.alert.internal_error",
        "{report:#?}"
    );
    assert!(
        report.verdict.sentence.contains("80 internal_error"),
        "{}",
        report.verdict
    );
}

#[tokio::test]
async fn an_unknown_issuer_does_not_hide_its_chain() {
    let server = Authority::new().good();
    let server = Server::start(move |io| serve(server.clone(), io)).await;
    let report = Authority::new()
        .prober()
        .probe(&server.target(), &Path::direct())
        .await;
    assert_eq!(
        report.verdict.id,
        VerdictId::CertUnknownIssuer,
        "{report:#?}"
    );
    let Some(Evidence::Certificate(certificate)) =
        &report.step(Step::Certificate).unwrap().evidence
    else {
        panic!("{report:#?}");
    };
    assert_eq!(certificate.chain.len(), 1);
    assert!(tls(&report).completed);
}

#[tokio::test]
async fn a_refused_connection() {
    let server = Server::start(|_| async {}).await;
    // A port that was free a moment ago: bound, and closed again.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let target = format!("127.0.0.1:{}", free.port()).parse().unwrap();
    let report = Authority::new()
        .prober()
        .probe(&target, &Path::direct())
        .await;
    assert_eq!(report.verdict.id, VerdictId::TcpRefused, "{report:#?}");
    assert_eq!(server.connections(), 0);
    assert!(report.experiments.is_empty());
}

#[tokio::test]
async fn a_name_that_does_not_exist() {
    let target = "nowhere.example:443".parse().unwrap();
    let report = Authority::new()
        .prober()
        .probe(&target, &Path::direct())
        .await;
    assert_eq!(report.verdict.id, VerdictId::DnsNxdomain, "{report:#?}");
    assert_eq!(report.verdict.party, Party::Resolver);
}

#[tokio::test]
async fn a_stream_from_elsewhere() {
    let authority = Authority::new();
    let acceptor = authority.good();
    let (near, far) = tokio::io::duplex(64 * 1024);
    tokio::spawn(serve(acceptor, far));
    let report = authority
        .prober()
        .probe_over(near, &"service.example:443".parse().unwrap())
        .await;
    assert_eq!(report.verdict.id, VerdictId::Reachable, "{report:#?}");
    assert_eq!(report.path, "stream");
}
