//! Tunnels that are used before the gateway has answered.

use std::io::ErrorKind;
use std::time::Duration;

use narrows_connect::Via;
use narrows_upstream::{
    AuthenticationFault, BearerToken, DialErrorKind, Dialer, Gateway, GatewayConnected,
    GatewayCredentials, Timeouts,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::double::{
    CLOSED, Double, ECHO, LOGIN, Order, REFUSED, SILENT, dialer, long_path, target,
};

/// A tunnel, as soon as a session is ready for it; the first one makes the session.
async fn ahead(gateway: &Gateway, dialer: &Dialer, name: &str) -> GatewayConnected {
    let ready = async {
        loop {
            if let Some(tunnel) = gateway.ahead(dialer, &target(name), &Via::default()) {
                return tunnel;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    drop(gateway.open(dialer, &target(ECHO)).await.unwrap());
    let ready = tokio::time::timeout(Duration::from_secs(10), ready).await;
    ready.expect("a session gets ready")
}

#[tokio::test]
async fn nothing_is_sent_before_a_session_is_ready() {
    for double in [Double::h1().await, Double::h2().await] {
        let gateway = double.gateway();
        let dialer = dialer(Timeouts::default());
        let none = gateway.ahead(&dialer, &target(ECHO), &Via::default());
        assert!(none.is_none());
        assert!(double.heads().is_empty());
    }
}

/// HTTP/1.1 has no frames that tell tunnel octets from another request.
#[tokio::test]
async fn sessions_of_http1_are_not_used() {
    let double = Double::h1().await;
    let gateway = double.gateway();
    let dialer = dialer(Timeouts::default());
    drop(gateway.open(&dialer, &target(ECHO)).await.unwrap());
    double.until(|_| gateway.health().ready > 0).await;
    let none = gateway.ahead(&dialer, &target(ECHO), &Via::default());
    assert!(none.is_none());
}

#[tokio::test]
async fn the_first_octets_arrive_once_and_in_order_after_one_round_trip() {
    const EACH_WAY: Duration = Duration::from_millis(100);
    let double = Double::h2().await;
    let address = long_path(double.addr, EACH_WAY).await;
    let gateway = Gateway::new(double.config_at(address)).unwrap();
    let dialer = dialer(Timeouts::default());
    let mut first = ahead(&gateway, &dialer, ECHO).await;
    first.io.write_u8(7).await.unwrap();
    assert_eq!(first.io.read_u8().await.unwrap(), 7);

    let start = Instant::now();
    let mut tunnel = ahead_at_once(&gateway, &dialer);
    assert!(start.elapsed() < EACH_WAY / 2, "{:?}", start.elapsed());
    let octets: Vec<u8> = (0..=255).collect();
    for part in octets.chunks(100) {
        tunnel.io.write_all(part).await.unwrap();
    }
    tunnel.io.shutdown().await.unwrap();
    let mut echoed = Vec::new();
    tunnel.io.read_to_end(&mut echoed).await.unwrap();
    let took = start.elapsed();
    assert_eq!(echoed, octets);
    // With an answer to wait for it would be two round trips.
    assert!((2 * EACH_WAY..4 * EACH_WAY).contains(&took), "{took:?}");
    assert!(tunnel.warm && tunnel.verdict.unwrap().refusal().is_none());
}

fn ahead_at_once(gateway: &Gateway, dialer: &Dialer) -> GatewayConnected {
    let tunnel = gateway.ahead(dialer, &target(ECHO), &Via::default());
    tunnel.expect("the session is ready")
}

#[tokio::test]
async fn what_the_gateway_refuses_is_a_reset_with_a_verdict() {
    let timeouts = Timeouts {
        request: Duration::from_millis(300),
        ..Timeouts::default()
    };
    for (name, policy, says) in [
        (REFUSED, true, "403"),
        (CLOSED, false, "CONNECT_ERROR"),
        (SILENT, false, "did not answer"),
    ] {
        let double = Double::h2().await;
        let gateway = double.gateway();
        let mut tunnel = ahead(&gateway, &dialer(timeouts), name).await;
        tunnel.io.write_all(b"lost").await.unwrap();
        let error = tunnel.io.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{name}");
        // However often one asks.
        let error = tunnel.io.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{name}");
        let verdict = tunnel.verdict.unwrap();
        let refusal = verdict.refusal().unwrap();
        assert_eq!(refusal.is_gateway_policy(), policy, "{refusal}");
        assert!(refusal.to_string().contains(says), "{refusal}");
        assert!(gateway.health().connect.unwrap().error.is_some());
    }
}

#[tokio::test]
async fn a_session_that_dies_before_the_answer_is_a_reset_and_not_tried_again() {
    let double = Double::h2().await;
    let gateway = double.gateway();
    let dialer = dialer(Timeouts::default());
    let mut tunnel = ahead(&gateway, &dialer, SILENT).await;
    tunnel.io.write_all(b"lost").await.unwrap();
    double
        .until(|seen| seen.heads.lock().unwrap().len() == 2)
        .await;
    double.order(Order::Die);
    let error = tunnel.io.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(tunnel.verdict.unwrap().refusal().is_some());
    assert_eq!(double.heads().len(), 2);
}

/// Row 32: no further credentials after a rejection, this way either.
#[tokio::test]
async fn rejected_credentials_are_not_sent_again() {
    let double = Double::h2().await;
    let token: BearerToken = "t0p-s3cr3t".parse().unwrap();
    let config = double.config();
    let gateway = Gateway::new(config.with_credentials(GatewayCredentials::Bearer(token))).unwrap();
    let dialer = dialer(Timeouts::default());
    let mut tunnel = ahead(&gateway, &dialer, LOGIN).await;
    tunnel.io.read_u8().await.unwrap_err();
    let verdict = tunnel.verdict.unwrap();
    let kind = verdict.refusal().unwrap().kind();
    let rejected = AuthenticationFault::Rejected;
    assert!(matches!(kind, DialErrorKind::Authentication(fault, _) if *fault == rejected));
    let again = gateway.ahead(&dialer, &target(ECHO), &Via::default());
    assert!(again.is_none());
    assert_eq!(double.heads().len(), 2);
}
