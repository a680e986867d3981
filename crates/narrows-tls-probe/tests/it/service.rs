//! What services do that is no fault of the path, and what is odd about them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use narrows_tls_probe::{Evidence, Path, Prober, Report, StaticResolver, Step, VerdictId};
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use crate::scripted::{Authority, NAME, Server, prober, read_hello, serve};

fn ids(report: &Report) -> Vec<VerdictId> {
    report.warnings.iter().map(|warning| warning.id).collect()
}

#[tokio::test]
async fn a_service_that_speaks_only_http2() {
    let authority = Authority::new();
    let acceptor = TlsAcceptor::from(Arc::new(authority.server(&[NAME], &["h2"])));
    let server = Server::start(move |io| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(io) = acceptor.accept(io).await else {
                return;
            };
            let mut session = h2::server::handshake(io).await.unwrap();
            while let Some(Ok((_, mut respond))) = session.accept().await {
                let answer = http::Response::builder()
                    .status(403)
                    .header("server", "kestrel");
                let mut body = respond
                    .send_response(answer.body(()).unwrap(), false)
                    .unwrap();
                body.send_data("not for you".into(), true).unwrap();
            }
        }
    })
    .await;
    let report = authority
        .prober()
        .probe(&server.target(), &Path::direct())
        .await;
    assert_eq!(report.verdict.id, VerdictId::Reachable, "{report:#?}");
    let Some(Evidence::Http(http)) = &report.step(Step::Http).unwrap().evidence else {
        panic!("{report:#?}");
    };
    assert_eq!(http.request, "GET / HTTP/2");
    let answer = http.answer.as_ref().unwrap();
    assert_eq!(
        (answer.status, answer.excerpt.as_str()),
        (403, "not for you")
    );
}

#[tokio::test]
async fn a_service_without_http() {
    let authority = Authority::new();
    let acceptor = TlsAcceptor::from(Arc::new(authority.server(&[NAME], &["mqtt"])));
    let server = Server::start(move |io| serve(acceptor.clone(), io)).await;
    let report = authority
        .prober()
        .probe(&server.target(), &Path::direct())
        .await;
    assert_eq!(report.verdict.id, VerdictId::AlpnNoOverlap, "{report:#?}");
}

#[tokio::test]
async fn a_service_that_wants_a_client_certificate() {
    let authority = Authority::new();
    let mut roots = RootCertStore::empty();
    roots.add(authority.root()).unwrap();
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
        .build()
        .unwrap();
    for alpn in ["h2", "http/1.1"] {
        let config = authority.server_with(verifier.clone(), &[NAME], &[alpn]);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let server = Server::start(move |io| serve(acceptor.clone(), io)).await;
        for http in [true, false] {
            let mut options = authority.options();
            options.http = http;
            let report = prober(options)
                .probe(&server.target(), &Path::direct())
                .await;
            assert_eq!(
                report.verdict.id,
                VerdictId::TlsClientCertRequired,
                "{report:#?}"
            );
        }
    }
}

#[tokio::test]
async fn a_server_that_speaks_only_old_tls() {
    // To modern hellos alert 70; to those of TLS 1.0 a ServerHello, AES128-SHA.
    let server = Server::start(|mut io| async move {
        let hello = read_hello(&mut io).await;
        let modern = hello.get(4..6) == Some(&[3, 3]);
        let answer: &[u8] = if modern {
            &[21, 3, 1, 0, 2, 2, 70]
        } else {
            &[
                &[22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1],
                [7; 32].as_slice(),
                &[0, 0, 0x2f, 0],
            ]
            .concat()
        };
        let _ = io.write_all(answer).await;
        let _ = io.shutdown().await;
        let _ = io.read(&mut [0; 64]).await;
    })
    .await;
    let report = Authority::new()
        .prober()
        .probe(&server.target(), &Path::direct())
        .await;
    assert_eq!(
        report.verdict.id,
        VerdictId::TlsVersionUnsupported,
        "{report:#?}"
    );
    let sentence = &report.verdict.sentence;
    assert!(
        sentence.contains("TLS 1.0 with RSA_WITH_AES_128_CBC_SHA"),
        "{sentence}"
    );
    assert_eq!(report.experiments.len(), 3);
}

#[tokio::test]
async fn all_addresses_are_tried_and_a_half_broken_name_is_told() {
    let authority = Authority::new();
    let acceptor = authority.good();
    let server = Server::start(move |io| serve(acceptor.clone(), io)).await;
    let addresses = [
        IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V4(Ipv4Addr::LOCALHOST),
    ];
    let resolver = StaticResolver::new().with(NAME.parse().unwrap(), addresses);
    let prober = Prober::with_resolver(authority.options(), resolver).unwrap();
    let report = prober.probe(&server.target(), &Path::direct()).await;
    assert_eq!(report.verdict.id, VerdictId::Reachable, "{report:#?}");
    let tried: Vec<_> = report.addresses.iter().map(|each| each.address).collect();
    assert_eq!(tried, addresses);
    assert!(report.addresses[1].verdict.is_reachable());
    assert_eq!(report.warnings.len(), 1);
    assert!(
        report.warnings[0].sentence.starts_with("only IPv6 fails: "),
        "{report:#?}"
    );
}

#[tokio::test]
async fn a_public_name_with_a_private_address_is_warned_of() {
    let authority = Authority::new();
    let acceptor = authority.good();
    let server = Server::start(move |io| serve(acceptor.clone(), io)).await;
    let mut options = authority.options();
    options.expect_private = false;
    let report = prober(options)
        .probe(&server.target(), &Path::direct())
        .await;
    assert_eq!(report.verdict.id, VerdictId::Reachable);
    assert_eq!(
        ids(&report),
        [VerdictId::DnsSinkhole],
        "loopback is a hosts file's doing"
    );
}

#[tokio::test]
async fn nothing_is_dialled_for_addresses_that_no_service_has() {
    let authority = Authority::new();
    let resolver =
        StaticResolver::new().with(NAME.parse().unwrap(), [Ipv4Addr::UNSPECIFIED.into()]);
    let prober = Prober::with_resolver(authority.options(), resolver).unwrap();
    let report = prober
        .probe(&format!("{NAME}:443").parse().unwrap(), &Path::direct())
        .await;
    assert_eq!(report.verdict.id, VerdictId::DnsSinkhole, "{report:#?}");
    assert_eq!(report.steps.len(), 1);
}
