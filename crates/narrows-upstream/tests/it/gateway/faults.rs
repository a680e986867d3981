//! The ways in which a gateway fails to be one, and what is said about each.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use narrows_endpoint::{Hop, Step};
use narrows_upstream::{
    CertificateFault, DialError, DialErrorKind, Gateway, GatewayConfig, Protocol, Timeouts,
    TlsFault,
};
use rcgen::{CertificateParams, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::double::{
    Authority, CLOSED, Double, ECHO, LOGIN, NAME, REFUSED, SILENT, dialer, protocols, provider,
    target,
};

/// Serves every connection with `serve`; gives the address.
async fn listen<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((io, _)) = listener.accept().await {
            tokio::spawn(serve(io));
        }
    });
    addr
}

/// Serves TLS and then nothing.
async fn listen_tls(config: ServerConfig) -> SocketAddr {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    listen(move |io| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(mut io) = acceptor.accept(io).await {
                let _ = io.read(&mut [0]).await;
            }
        }
    })
    .await
}

fn config(addr: SocketAddr, authority: &Authority) -> GatewayConfig {
    GatewayConfig::new(format!("{NAME}:{}", addr.port()).parse().unwrap())
        .with_authorities(authority.pem.as_bytes())
        .unwrap()
}

async fn error(config: GatewayConfig) -> DialError {
    let timeouts = Timeouts {
        tls: Duration::from_secs(1),
        ..Timeouts::default()
    };
    let gateway = Gateway::new(config).unwrap();
    let error = gateway
        .open(&dialer(timeouts), &target(ECHO))
        .await
        .unwrap_err();
    let fact = gateway.health().tls.and_then(|fact| fact.error);
    if error.step() == Step::Tls
        && !matches!(
            error.kind(),
            DialErrorKind::Tls(TlsFault::Alert { code: 116, .. })
        )
    {
        assert_eq!(fact.as_deref(), Some(&error.to_string()[..]));
    }
    error
}

#[track_caller]
fn assert_tls(error: &DialError, proxy_error: &str, sentence: &str) {
    let text = error.to_string();
    assert!(text.contains(sentence), "{text}");
    assert!(text.starts_with(&format!("gateway {NAME}:")), "{text}");
    assert_eq!(
        (error.hop(), error.step()),
        (Hop::Gateway, Step::Tls),
        "{text}"
    );
    assert_eq!(error.proxy_error().as_str(), proxy_error, "{text}");
    assert!(
        error.is_gateway_down() && !error.is_gateway_policy(),
        "{text}"
    );
}

#[tokio::test]
async fn what_firewalls_do_is_told_apart() {
    let authority = Authority::new("Test CA");
    async fn hello(io: &mut TcpStream) {
        let _ = io.read(&mut [0; 4096]).await;
    }
    let closed = listen(|mut io| async move { hello(&mut io).await }).await;
    let reset = listen(|mut io| async move {
        hello(&mut io).await;
        socket2::SockRef::from(&io)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    })
    .await;
    let cut = listen(|mut io| async move {
        hello(&mut io).await;
        let _ = io.write_all(&[0x16, 3, 3, 0, 100, 2]).await;
    })
    .await;
    let silent = listen(|mut io| async move {
        hello(&mut io).await;
        std::future::pending::<()>().await;
    })
    .await;
    let page = listen(|mut io| async move {
        hello(&mut io).await;
        let _ = io
            .write_all(b"HTTP/1.1 403 Forbidden\r\nServer: box\r\n\r\n")
            .await;
    })
    .await;
    let alert = listen(|mut io| async move {
        hello(&mut io).await;
        let _ = io.write_all(&[0x15, 3, 3, 0, 2, 2, 112]).await;
    })
    .await;
    for (addr, proxy_error, sentence) in [
        (
            closed,
            "tls_protocol_error",
            "closed the connection after ClientHello without a word (a firewall between filters by name?",
        ),
        (
            reset,
            "tls_protocol_error",
            "reset the connection after ClientHello without a word",
        ),
        (
            cut,
            "tls_protocol_error",
            "closed the connection in the middle of the TLS handshake, after 6 octets",
        ),
        (silent, "connection_timeout", "was silent after ClientHello"),
        (
            page,
            "tls_protocol_error",
            "does not speak TLS but begins with \"HTTP/1.1 403 Forbidden\\r\\n",
        ),
        (
            alert,
            "tls_alert_received",
            "alert 112 unrecognized_name (it serves no such name",
        ),
    ] {
        let error = error(config(addr, &authority)).await;
        assert_tls(&error, proxy_error, sentence);
    }
}

#[tokio::test]
async fn bad_certificates_are_told_apart() {
    let authority = Authority::new("Test CA");
    type Change = fn(&mut CertificateParams);
    for (change, sentence) in [
        (
            (|params| params.not_after = date_time_ymd(2020, 1, 1)) as Change,
            "expired ",
        ),
        (
            |params| params.not_before = date_time_ymd(4000, 1, 1),
            "is not valid before ",
        ),
        (
            |params| {
                params.subject_alt_names =
                    vec![rcgen::SanType::DnsName("a.example".try_into().unwrap())];
            },
            "is not for gateway.example but for a.example",
        ),
    ] {
        let addr = listen_tls(authority.server(change)).await;
        let error = error(config(addr, &authority)).await;
        assert_tls(&error, "tls_certificate_error", sentence);
    }
    let addr = listen_tls(Authority::new("Box Inspection CA").server(|_| {})).await;
    let error = error(config(addr, &authority)).await;
    assert_tls(
        &error,
        "tls_certificate_error",
        "does not trust; its issuer is CN=Box Inspection CA",
    );
    let DialErrorKind::Tls(TlsFault::Certificate(CertificateFault::UntrustedIssuer { issuer })) =
        error.kind()
    else {
        panic!("{error:?}");
    };
    assert_eq!(issuer.as_deref(), Some("CN=Box Inspection CA"));
}

#[tokio::test]
async fn protocols_must_overlap() {
    let authority = Authority::new("Test CA");
    let mut foreign = authority.server(|_| {});
    foreign.alpn_protocols = vec![b"spdy/3".to_vec()];
    let foreign = listen_tls(foreign).await;
    let without = listen_tls(authority.server(|_| {})).await;
    for config in [
        config(foreign, &authority),
        config(without, &authority).with_protocol(Protocol::H2),
    ] {
        let error = error(config).await;
        assert_tls(
            &error,
            "tls_protocol_error",
            "has no application protocol in common",
        );
    }
}

#[tokio::test]
async fn a_missing_client_certificate_is_named() {
    let authority = Authority::new("Test CA");
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(authority.pem.as_bytes());
    roots.add(ca.unwrap()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
    let (certificate, key) = authority.sign(|_| {});
    let chain = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let private = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    for alpn in ["h2", "http/1.1"] {
        let mut server = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.clone().build().unwrap())
            .with_single_cert(vec![chain.clone()], private.clone_key())
            .unwrap();
        server.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        let addr = listen_tls(server).await;
        let error = error(config(addr, &authority)).await;
        assert_tls(
            &error,
            "tls_alert_received",
            "alert 116 certificate_required (it wants a client certificate",
        );
    }
    // With one, TLS is no obstacle.
    let double = Double::h2().await;
    let config = double
        .config()
        .with_client_certificate(certificate.as_bytes(), key.as_bytes());
    let gateway = Gateway::new(config.unwrap()).unwrap();
    gateway
        .open(&dialer(Timeouts::default()), &target(ECHO))
        .await
        .unwrap();
}

#[tokio::test]
async fn answers_of_the_gateway_are_told_apart() {
    for (protocol, settings) in protocols() {
        let double = Double::start(settings).await;
        let gateway = Gateway::new(double.config().with_protocol(protocol)).unwrap();
        let patient = dialer(Timeouts::default());
        // For what never answers, and nothing else: the others may take their time.
        let impatient = dialer(Timeouts {
            request: Duration::from_millis(100),
            ..Timeouts::default()
        });
        for (asked, status, proxy_error, sentence) in [
            (
                REFUSED,
                403,
                "http_request_denied",
                "refused CONNECT refused.example:443: 403 Forbidden, gw; error=http_request_denied; details=\"not carried\" (\"not carried\") (the gateway's policy",
            ),
            (
                LOGIN,
                502,
                "proxy_configuration_error",
                "wants credentials by bearer, but none are configured for it: 407",
            ),
            (
                SILENT,
                504,
                "http_response_timeout",
                "did not answer CONNECT silent.example:443 in time",
            ),
            (
                CLOSED,
                502,
                "connection_terminated",
                "CONNECT closed.example:443",
            ),
        ] {
            let dialer = match asked {
                SILENT => &impatient,
                _ => &patient,
            };
            let error = gateway.open(dialer, &target(asked)).await.unwrap_err();
            let text = error.to_string();
            assert!(text.contains(sentence), "{text}");
            assert_eq!(
                (error.hop(), error.step()),
                (Hop::Gateway, Step::Request),
                "{text}"
            );
            assert_eq!(
                (error.status(), error.proxy_error().as_str()),
                (status, proxy_error),
                "{text}"
            );
            assert_eq!(error.is_gateway_policy(), asked == REFUSED, "{text}");
            let fact = gateway.health().connect.unwrap();
            assert_eq!(fact.error.as_deref(), Some(&text[..]));
        }
        // None of this hurt the gateway.
        gateway.open(&patient, &target(ECHO)).await.unwrap();
        assert!(gateway.health().connect.unwrap().error.is_none());
    }
}

#[tokio::test]
async fn an_unreachable_gateway_is_blamed_itself() {
    let authority = Authority::new("Test CA");
    // Bound but not listening: refuses, and no other test can take the port.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let refusing = config(socket.local_addr().unwrap(), &authority);
    let unknown = GatewayConfig::new(target("nowhere.example:443"));
    for (config, step, proxy_error) in [
        (refusing, Step::Connect, "connection_refused"),
        (unknown, Step::Resolve, "dns_error"),
    ] {
        let error = error(config).await;
        assert_eq!((error.hop(), error.step()), (Hop::Gateway, step), "{error}");
        assert_eq!(error.proxy_error().as_str(), proxy_error);
        assert!(error.is_gateway_down() && !error.is_proxy_down());
    }
}
