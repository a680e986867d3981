//! Enterprise proxies inside TLS, and several of them.

use std::sync::Arc;

use narrows_endpoint::{Hop, Step};
use narrows_upstream::{
    DialErrorKind, Gateway, Stream, Timeouts, TlsFault, TlsSettings, Upstream, Upstreams,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::double::{Authority, Double, ECHO, GREETING, NAME, REFUSED, dialer, target};
use crate::scripted::{Proxy, Then};

/// The double as an enterprise proxy: to a client it is one.
fn upstream(proxy: &Double, authority: &Authority) -> Upstream {
    let settings = TlsSettings::new().with_authorities(authority.pem.as_bytes());
    let url = format!("https://{NAME}:{}", proxy.addr.port());
    let upstream = Upstream::new(url.parse().unwrap());
    upstream.with_tls(&settings.unwrap()).unwrap()
}

#[tokio::test]
async fn a_tunnel_through_a_proxy_inside_tls() {
    let proxy = Double::h1().await;
    let upstream = upstream(&proxy, &proxy.authority);
    let dialer = dialer(Timeouts::default());
    let mut tunnel = dialer.through(&upstream, &target(ECHO)).await.unwrap();
    assert!(matches!(tunnel.io, Stream::Tls(_)));
    tunnel.io.write_all(b"hello").await.unwrap();
    let mut received = [0; 5];
    tunnel.io.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"hello");

    let tunnel = dialer.through(&upstream, &target(GREETING)).await.unwrap();
    assert!(!tunnel.early.is_empty(), "glued to the answer");
    let error = dialer
        .through(&upstream, &target(REFUSED))
        .await
        .unwrap_err();
    assert_eq!(
        (error.hop(), error.step(), error.status()),
        (Hop::Proxy, Step::Request, 403)
    );
}

#[tokio::test]
async fn a_proxy_with_a_strange_certificate_is_sent_nothing() {
    let proxy = Double::h1().await;
    let upstream = upstream(&proxy, &Authority::new("Other CA"));
    let dialer = dialer(Timeouts::default());
    let error = dialer.through(&upstream, &target(ECHO)).await.unwrap_err();
    assert_eq!((error.hop(), error.step()), (Hop::Proxy, Step::Tls));
    assert!(
        matches!(error.kind(), DialErrorKind::Tls(TlsFault::Certificate(_))),
        "{error}"
    );
    assert!(proxy.heads().is_empty());
    assert!(upstream.facts().tcp.unwrap().error.is_some());
}

/// The fifth way of dying: TLS with the proxy is cut.
#[tokio::test]
async fn a_proxy_whose_tls_is_cut_is_passed_over() {
    let second = Double::h1().await;
    let first = Proxy::always("", Then::Close).await;
    let cut = Upstream::new(format!("https://{}", first.addr).parse().unwrap());
    let cut = cut.with_tls(&TlsSettings::new()).unwrap();
    let second = upstream(&second, &second.authority);
    let all = Upstreams::new([Arc::new(cut), Arc::new(second)]);
    let upstreams = Arc::new(all.unwrap());
    let dialer = dialer(Timeouts::default());
    for _ in 0..2 {
        let via = narrows_connect::Via::default();
        let chosen = upstreams
            .forward(&dialer, &target(ECHO), &via)
            .await
            .unwrap();
        assert_eq!(
            chosen.passage.upstream().endpoint().host().to_string(),
            NAME
        );
    }
    assert!(upstreams.health()[0].parked.is_some());
}

/// TLS in TLS: the way to the gateway leads through a proxy that is itself inside TLS; and one that cuts
/// the gateway's TLS is passed over.
#[tokio::test]
async fn a_gateway_behind_proxies() {
    let gateway = Double::h1().await;
    let cutting = Proxy::always("HTTP/1.1 200 OK\r\n\r\n", Then::Close).await;
    let cutting = Upstream::new(format!("http://{}", cutting.addr).parse().unwrap());
    let leading = super::path::tunnelling(gateway.addr).await;
    let leading = Upstream::new(format!("http://{leading}").parse().unwrap());
    let upstreams = Upstreams::new([Arc::new(cutting), Arc::new(leading)]);
    let upstreams = Arc::new(upstreams.unwrap());
    let config = gateway.config().with_upstreams(Arc::clone(&upstreams));
    let gateway = Gateway::new(config).unwrap();
    let dialer = dialer(Timeouts::default());
    gateway.open(&dialer, &target(ECHO)).await.unwrap();
    let health = upstreams.health();
    assert!(health[0].parked.is_some() && health[1].parked.is_none());
    assert!(health[0].facts.tls.as_ref().unwrap().error.is_some());
    assert!(health[1].facts.tls.as_ref().unwrap().error.is_none());
}
