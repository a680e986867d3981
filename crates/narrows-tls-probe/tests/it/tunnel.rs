//! CONNECT through proxies and gateways.

use std::sync::Arc;
use std::time::Duration;

use narrows_tls_probe::{
    Authorization, Evidence, Hop, HopKind, Party, Path, Report, Step, TunnelEvidence, VerdictId,
};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy_bidirectional_with_sizes};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::scripted::{Authority, Server, prober, read_head, serve};

/// Probes through a proxy that answers CONNECT with these bytes and closes.
async fn answered(answer: &'static [u8]) -> Report {
    let proxy = Server::start(move |mut io| async move {
        read_head(&mut io).await;
        let _ = io.write_all(answer).await;
    })
    .await;
    let mut options = Authority::new().options();
    options.experiments = false;
    let target = "service.example:443".parse().unwrap();
    prober(options)
        .probe(&target, &Path::through(Hop::proxy(proxy.hop())))
        .await
}

fn tunnel(report: &Report) -> &TunnelEvidence {
    match &report.step(Step::ProxyConnect).unwrap().evidence {
        Some(Evidence::Tunnel(tunnel)) => tunnel,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check(report: &Report, id: VerdictId, says: &str) {
    assert_eq!(report.verdict.id, id, "{report:#?}");
    assert!(report.verdict.sentence.contains(says), "{}", report.verdict);
    assert_eq!(report.verdict.hop, HopKind::Proxy);
    assert!(report.step(Step::Resolve).is_none(), "the proxy resolves");
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let report = answered(
        b"HTTP/1.1 403 Forbidden\r\nServer: squid/6.6\r\n\
        X-Squid-Error: ERR_ACCESS_DENIED 0\r\nContent-Length: 2\r\n\r\nno",
    )
    .await;
    check(&report, VerdictId::ProxyDenied, "ERR_ACCESS_DENIED");
    assert_eq!(report.verdict.party, Party::Proxy);

    let report = answered(
        b"HTTP/1.1 407 Auth\r\nProxy-Authenticate: Negotiate\r\n\
        Proxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    check(
        &report,
        VerdictId::ProxyAuthRequired,
        "negotiate, ntlm, none of which",
    );
    assert_eq!(tunnel(&report).schemes, ["negotiate", "ntlm"]);

    let report = answered(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await;
    check(&report, VerdictId::ProxyBadGateway, "502");
    assert_eq!(
        report.verdict.party,
        Party::Network,
        "the break is behind the proxy"
    );
}

#[tokio::test]
async fn no_answer_at_all_or_not_a_whole_one() {
    check(
        &answered(b"").await,
        VerdictId::ProxyClosed,
        "without a byte",
    );
    check(
        &answered(b"HTTP/1.1 2").await,
        VerdictId::ProxyClosed,
        "after 10 bytes",
    );
    check(
        &answered(b"\x00\x01garbage").await,
        VerdictId::ProxyMalformed,
        "does not speak HTTP",
    );
    check(
        &answered(b"\x15\x03\x01\x00\x02\x02\x46").await,
        VerdictId::ProxyExpectsTls,
        "https",
    );
}

#[tokio::test]
async fn a_tunnel_that_is_dropped_after_hello() {
    let report = answered(b"HTTP/1.1 200 OK\r\n\r\n").await;
    assert_eq!(
        report.verdict.id,
        VerdictId::ProxyTunnelDropped,
        "{report:#?}"
    );
    assert_eq!(report.verdict.step, Step::Tls);
}

#[tokio::test]
async fn a_proxy_that_is_silent() {
    let proxy = Server::start(|mut io| async move {
        read_head(&mut io).await;
        std::future::pending::<()>().await;
    })
    .await;
    let mut options = Authority::new().options();
    options.deadlines.tunnel = Duration::from_millis(100);
    let target = "service.example:443".parse().unwrap();
    let path = Path::through(Hop::proxy(proxy.hop()));
    check(
        &prober(options).probe(&target, &path).await,
        VerdictId::ProxyTimeout,
        "did not answer",
    );
}

/// Answers one CONNECT, if it has these credentials, with a tunnel to the service.
async fn forward<S: AsyncRead + AsyncWrite + Unpin>(
    mut io: S,
    to: &'static [u8],
    service: Arc<Server>,
) {
    let head = read_head(&mut io).await;
    let denied = !to.is_empty() && !head.contains(&String::from_utf8_lossy(to).into_owned());
    if denied {
        let _ = io
            .write_all(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
            .await;
        return;
    }
    let mut far = TcpStream::connect(service.address).await.unwrap();
    io.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    let _ = copy_bidirectional_with_sizes(&mut io, &mut far, 8192, 8192).await;
}

#[tokio::test]
async fn a_gateway_behind_a_proxy() {
    let authority = Authority::new();
    let acceptor = authority.good();
    let service = Arc::new(Server::start(move |io| serve(acceptor.clone(), io)).await);
    let gateways = Authority::new();
    let config: ServerConfig = gateways.server(&["127.0.0.1"], &["http/1.1"]);
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let behind = service.clone();
    let gateway = Server::start(move |io| {
        let (acceptor, service) = (acceptor.clone(), behind.clone());
        async move {
            if let Ok(io) = acceptor.accept(io).await {
                forward(io, b"Proxy-Authorization: Bearer s3cr3t\r\n", service).await;
            }
        }
    })
    .await;
    let gateway = Arc::new(gateway);
    let behind = gateway.clone();
    let proxy = Server::start(move |io| forward(io, b"CONNECT 127.0.0.1:", behind.clone())).await;

    let bearer = Authorization::bearer("s3cr3t").unwrap();
    let hop = Hop::gateway(gateway.hop()).with_authorization(bearer);
    let trusted = hop.clone().with_authorities(vec![gateways.root()]);
    let path = Path::through(Hop::proxy(proxy.hop())).then(trusted);
    let report = authority.prober().probe(&service.target(), &path).await;
    assert_eq!(report.verdict.id, VerdictId::Reachable, "{report:#?}");
    let steps: Vec<_> = report
        .steps
        .iter()
        .map(|step| (step.step, step.hop))
        .collect();
    let whole = [
        (Step::Connect, HopKind::Proxy),
        (Step::ProxyConnect, HopKind::Proxy),
        (Step::GatewayTls, HopKind::Gateway),
        (Step::Certificate, HopKind::Gateway),
        (Step::GatewayConnect, HopKind::Gateway),
        (Step::Tls, HopKind::Target),
        (Step::Certificate, HopKind::Target),
        (Step::Http, HopKind::Target),
    ];
    assert_eq!(steps, whole);

    // Without its authority the gateway is not trusted, and gets no token.
    let path = Path::through(Hop::proxy(proxy.hop())).then(hop);
    let report = authority.prober().probe(&service.target(), &path).await;
    assert_eq!(report.verdict.id, VerdictId::ProxyTlsFailed, "{report:#?}");
    assert_eq!(report.verdict.because, Some(VerdictId::CertUnknownIssuer));
    assert_eq!(report.verdict.hop, HopKind::Gateway);
    assert!(report.step(Step::GatewayConnect).is_none());
}
