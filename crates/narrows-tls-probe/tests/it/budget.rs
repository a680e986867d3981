//! What a failing target may cost, and what the extra connections show.

use narrows_tls_probe::{Certainty, ExperimentKind, MAX_EXPERIMENTS, Party, Path, VerdictId};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::scripted::{Authority, NAME, OTHER, Server, prober, read_hello, serve};

fn contains(octets: &[u8], text: &str) -> bool {
    octets
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// Cuts what names the service, and serves everything else: what a firewall's application rule does.
async fn filter(mut io: TcpStream, acceptor: TlsAcceptor) {
    let mut peeked = [0; 2048];
    let seen = io.peek(&mut peeked).await.unwrap_or_default();
    if contains(&peeked[..seen], NAME) {
        read_hello(&mut io).await;
        return;
    }
    serve(acceptor, io).await;
}

#[tokio::test]
async fn a_filter_by_name_is_proved() {
    let authority = Authority::new();
    let acceptor = authority.good();
    let server = Server::start(move |io| filter(io, acceptor.clone())).await;
    let mut options = authority.options();
    options.neutral = vec![
        OTHER
            .parse::<narrows_endpoint::Host>()
            .unwrap()
            .name()
            .unwrap()
            .clone(),
    ];
    let report = prober(options)
        .probe(&server.target(), &Path::direct())
        .await;
    assert_eq!(report.verdict.id, VerdictId::TlsSniFiltered, "{report:#?}");
    assert_eq!(
        report.verdict.because,
        Some(VerdictId::TlsClosedAfterClientHello)
    );
    assert_eq!(
        (report.verdict.party, report.verdict.certainty),
        (Party::Firewall, Certainty::Proved)
    );
    assert!(
        report.verdict.sentence.ends_with(
            "the same address completed TLS with another name (allowed.example): a device between \
             filters by name"
        ),
        "{}",
        report.verdict
    );
    assert_eq!(
        report.experiments[0].kind,
        ExperimentKind::OtherName {
            sni: OTHER.to_owned()
        }
    );
    assert!(report.experiments[0].answered);
}

#[tokio::test]
async fn a_failing_target_costs_at_most_eight_connections_more() {
    let server = Server::start(|mut io| async move {
        read_hello(&mut io).await;
    })
    .await;
    let mut options = Authority::new().options();
    let names = (0..20).map(|n| {
        format!("n{n}.example")
            .parse::<narrows_endpoint::Host>()
            .unwrap()
    });
    options.neutral = names.map(|host| host.name().unwrap().clone()).collect();
    let report = prober(options)
        .probe(&server.target(), &Path::direct())
        .await;
    assert_eq!(
        report.verdict.id,
        VerdictId::TlsClosedAfterClientHello,
        "{report:#?}"
    );
    assert!(
        report.verdict.sentence.contains("fails in the same way"),
        "{}",
        report.verdict
    );
    assert!(report.experiments.len() <= MAX_EXPERIMENTS && report.experiments.len() > 2);
    assert_eq!(server.connections(), 1 + report.experiments.len());
}

#[tokio::test]
async fn a_reachable_target_costs_one_connection() {
    let authority = Authority::new();
    let acceptor = authority.good();
    let server = Server::start(move |io| serve(acceptor.clone(), io)).await;
    authority
        .prober()
        .probe(&server.target(), &Path::direct())
        .await;
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_large_hello_is_tried_on_request() {
    let authority = Authority::new();
    let acceptor = authority.good();
    // A device that looks at one segment only, and drops what does not fit.
    let server = Server::start(move |io: TcpStream| {
        let acceptor = acceptor.clone();
        async move {
            let mut peeked = [0; 2048];
            if io.peek(&mut peeked).await.unwrap_or_default() < 1000 {
                serve(acceptor, io).await;
            }
        }
    })
    .await;
    let mut options = authority.options();
    options.large_hello = true;
    let report = prober(options)
        .probe(&server.target(), &Path::direct())
        .await;
    assert_eq!(report.verdict.id, VerdictId::Reachable, "{report:#?}");
    let ids: Vec<_> = report.warnings.iter().map(|warning| warning.id).collect();
    assert_eq!(ids, [VerdictId::TlsLargeHelloIntolerant], "{report:#?}");
    assert!(server.connections() <= 3);
}
