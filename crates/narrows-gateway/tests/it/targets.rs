//! Where a client that was let in may go.

use crate::house::{House, echo};

/// A client that was let in is refused with 403, and the one record names it and the reason.
async fn denied(features: &[&str], names: &[(&str, &[&str])], target: &str, reason: &str) {
    let house = House::new(features, names).await;
    let head = house.refused(&house.alice(), target, 403).await;
    assert!(head.contains(reason), "{head}");
    let record = house.record();
    assert!(
        record.contains(reason) && record.contains("token:alice"),
        "{record}"
    );
    assert!(record.contains("refused 403 narrows/decide"), "{record}");
}

#[tokio::test]
async fn what_no_feature_carries_is_refused() {
    denied(
        &["a.example"],
        &[],
        "b.example:443",
        "no feature of gateway trial",
    )
    .await;
    denied(
        &["*"],
        &[],
        "example.com:443",
        "no feature of gateway trial",
    )
    .await;
}

#[tokio::test]
async fn ports_and_literal_addresses_need_rules_of_their_own() {
    for target in [
        "a.example:22",
        "a.example:25",
        "127.0.0.1:443",
        "[::1]:443",
        "8.8.8.8:443",
    ] {
        denied(
            &["a.example", "*"],
            &[],
            target,
            "no feature of gateway trial",
        )
        .await;
    }
}

#[tokio::test]
async fn names_that_lead_inside_are_refused_after_resolution() {
    for (address, class) in [
        ("127.0.0.1", "loopback"),
        ("0.0.0.0", "unspecified"),
        ("::1", "loopback"),
        ("169.254.169.254", "cloud metadata"),
        ("169.254.1.1", "link-local"),
        ("fe80::1", "link-local"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "broadcast"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("192.168.0.1", "private"),
        ("fc00::1", "private"),
        ("100.64.0.1", "carrier NAT"),
        ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("2002:7f00:1::", "loopback"),
        ("2001:0:7f00:1::", "reserved"),
        ("::127.0.0.1", "loopback"),
    ] {
        let reason = format!("denied address class {class}");
        denied(
            &["a.example"],
            &[("a.example", &[address])],
            "a.example:443",
            &reason,
        )
        .await;
    }
}

#[tokio::test]
async fn the_gateway_does_not_dial_itself() {
    let house = House::new(
        &["localhost:1-65535 in 127.0.0.0/8"],
        &[("localhost", &["127.0.0.1"])],
    )
    .await;
    let target = format!("localhost:{}", house.address.port());
    let head = house.refused(&house.alice(), &target, 403).await;
    assert!(head.contains("this gateway itself is there"), "{head}");

    let house = House::new(&["*.gw.localhost"], &[]).await;
    let endpoint = house.state.gateways.load().gateways()[0]
        .definition
        .gateway_endpoint
        .to_string();
    let head = house
        .refused(&house.alice(), &format!("{endpoint}:443"), 403)
        .await;
    assert!(head.contains("error=proxy_loop_detected"), "{head}");
}

#[tokio::test]
async fn own_ports_are_denied_where_loopback_is_allowed() {
    let admin = echo().await.port();
    let (features, names) = (
        ["localhost:1-65535 in 127.0.0.0/8"],
        [("localhost", &["127.0.0.1"][..])],
    );
    let house = House::build(&features, &format!("own.ports = [{admin}]"), &names, |_| {}).await;
    let head = house
        .refused(&house.alice(), &format!("localhost:{admin}"), 403)
        .await;
    assert!(head.contains("this gateway itself is there"), "{head}");
}

#[tokio::test]
async fn of_a_mixed_answer_only_allowed_addresses_are_dialled() {
    let port = echo().await.port();
    // Nothing listens at 127.0.0.2, and the rule does not name it.
    let feature = format!("mixed.example:{port} in 127.0.0.1");
    let house = House::new(
        &[&feature],
        &[("mixed.example", &["127.0.0.2", "127.0.0.1"])],
    )
    .await;
    let (stream, head) = house
        .ask(&house.alice(), &format!("mixed.example:{port}"))
        .await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    drop(stream);
}
