//! Where a client that was let in may go.

use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use narrows_gateway::strict::Strict;
use narrows_upstream::{Resolve, Resolving, StaticResolver};

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

/// A catalogue's `*` is not every name there is.
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

/// Rows 10 and 18.
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

/// Rows 11 to 13. That no SYN is sent follows from where it is refused: at the decision, by the log.
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

/// Row 12: the rule of one name lets it in, and another name that leads to the same place stays out.
#[tokio::test]
async fn a_range_is_open_to_the_name_whose_rule_says_so() {
    let port = echo().await.port();
    let features = [
        format!("wiki.example:{port} in 127.0.0.0/8"),
        format!("other.example:{port} in 10.0.0.0/8"),
    ];
    let names = ["wiki.example", "other.example"].map(|name| (name, &["127.0.0.1"][..]));
    let house = House::new(&[&features[0], &features[1]], &names).await;
    let (_, head) = house
        .ask(&house.alice(), &format!("wiki.example:{port}"))
        .await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let other = format!("other.example:{port}");
    let head = house.refused(&house.alice(), &other, 403).await;
    assert!(head.contains("denied address class loopback"), "{head}");
}

/// Row 15: a name that leads outside when it is judged and inside when it is asked about again. It is not
/// asked about again: a second question would be answered with the echo on loopback, and carried.
#[tokio::test]
async fn what_was_judged_is_what_is_dialled() {
    let asked = Arc::new(AtomicUsize::new(0));
    let rebinding = Rebinding(Arc::clone(&asked));
    let port = echo().await.port();
    let feature = format!("rebind.example:{port} in 127.0.0.2");
    let house = House::resolving(&[&feature], rebinding).await;
    let target = format!("rebind.example:{port}");
    // Nobody listens on the judged address.
    let (_, head) = house.ask(&house.alice(), &target).await;
    assert!(head.starts_with("HTTP/1.1 502"), "{head}");
    assert!(head.contains("error=connection_refused"), "{head}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

/// 127.0.0.2 at first, 127.0.0.1 from then on.
struct Rebinding(Arc<AtomicUsize>);

impl Resolve for Rebinding {
    fn resolve<'a>(&'a self, _: &'a narrows_endpoint::Name) -> Resolving<'a> {
        let last = if self.0.fetch_add(1, Ordering::SeqCst) == 0 {
            2
        } else {
            1
        };
        Box::pin(std::future::ready(Ok(vec![[127, 0, 0, last].into()])))
    }
}

/// Row 16: the port that the gateway listens on, by whatever address or name of this machine.
#[tokio::test]
async fn the_gateway_does_not_dial_itself_by_any_address() {
    let mut addresses = vec!["127.0.0.1".to_owned(), "127.0.0.53".to_owned()];
    addresses.extend(["::1".to_owned(), "::ffff:127.0.0.1".to_owned()]);
    // Looks up the route and sends nothing.
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    if socket.connect("203.0.113.1:9").is_ok() {
        addresses.push(socket.local_addr().unwrap().ip().to_string());
    }
    for address in addresses {
        let plain = address.trim_start_matches("::ffff:");
        let prefix = if plain.contains(':') { 128 } else { 32 };
        let feature = format!("alias.example:1-65535 in {plain}/{prefix}");
        let house = House::new(&[&feature], &[("alias.example", &[&address])]).await;
        let target = format!("alias.example:{}", house.address.port());
        let head = house.refused(&house.alice(), &target, 403).await;
        assert!(
            head.contains("this gateway itself is there"),
            "{address}: {head}"
        );
    }
}

/// Row 16, by the simplest address and by the gateway's own name.
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

/// Row 17. There is no admin listener yet; `own.ports` names what else of this machine is not for clients.
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

/// Row 14; that one bad address can deny all is a test of `Strict`.
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

/// Row 14: with `Strict`, what is public in an answer that also leads inside is never dialled; what is inside
/// is judged as ever.
#[tokio::test]
async fn row_14_one_address_inside_spoils_the_name_where_that_is_wanted() {
    let port = echo().await.port();
    let answer = ["8.8.8.8", "127.0.0.1"].map(|text| text.parse::<IpAddr>().unwrap());
    for (range, want) in [
        ("10.0.0.0/8", "HTTP/1.1 403"),
        ("127.0.0.0/8", "HTTP/1.1 200"),
    ] {
        let resolver = StaticResolver::new().with("mixed.example".parse().unwrap(), answer);
        let feature = format!("mixed.example:{port} in {range}");
        let house = House::resolving(&[&feature], Strict(resolver)).await;
        let target = format!("mixed.example:{port}");
        let (stream, head) = house.ask(&house.alice(), &target).await;
        assert!(head.starts_with(want), "{range}: {head}");
        drop(stream);
    }
}
