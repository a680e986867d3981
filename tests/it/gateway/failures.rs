//! What a gateway refuses, and a gateway that goes away.

use std::time::{Duration, Instant};

use narrows_endpoint::{Hop, Route};
use narrows_log::Via;
use narrows_tests::deadline;
use narrows_tests::gateway::Gateway;
use narrows_tests::proxy::{Proxy, connect_head};
use narrows_tests::raw::{End, Peer};
use tempfile::TempDir;

use super::{Through, proxy_for};

/// How soon a gateway that is back must be found to be.
const SOON: Duration = Duration::from_secs(3);

/// A target that says a word and stays.
fn target() -> Peer {
    Peer::start(|mut client| {
        client.send("here");
        client.end();
    })
}

#[test]
fn wrong_token_is_a_502_and_one_record_at_the_gateway() {
    let (target, home) = (target(), TempDir::new().unwrap());
    let gateway = Gateway::start(&target.address.to_string());
    let token = home.path().join("token");
    std::fs::write(&token, "narrows_wrong\n").unwrap();
    let through = Through {
        url: &gateway.url(),
        ca_file: &gateway.ca_file(),
        more: format!("token_file = {token:?}\n"),
    };
    let proxy = through.setup().start();
    let (head, body) = proxy.ask(connect_head(&target.address.to_string()));
    assert_eq!(head.status(), 502);
    let status = head.field("Proxy-Status").unwrap();
    assert!(status.contains("next-hop=\"gateway\""), "{status}");
    let gateway_at = gateway.authority();
    for word in ["gateway", &gateway_at, "407"] {
        assert!(body.contains(word), "{body:?} does not say {word}");
    }
    let told = proxy.only();
    assert_eq!(
        (told.refused().status, told.refused().hop),
        (502, Hop::Gateway)
    );

    let told = gateway.finished(1).remove(0);
    let refused = told.refused();
    assert_eq!((refused.status, refused.hop), (407, Hop::Narrows));
    assert!(refused.reason.contains("token"), "{}", refused.reason);
    assert_eq!(target.accepted(), 0);
    let everything = body + &proxy.log() + &gateway.log();
    assert!(!everything.contains("narrows_wrong"), "{everything}");
}

#[test]
fn target_outside_the_features_is_a_403_and_falls_back() {
    let target = target();
    let gateway = Gateway::start("elsewhere.test");
    let proxy = proxy_for(&gateway, "fallback = \"direct\"").start();
    let mut client = proxy.tunnel(&target.address.to_string());
    assert_eq!(client.exactly(4), b"here");
    client.finish();
    client.end();

    let told = proxy.only();
    assert_eq!(told.fallback, Some((Route::Gateway, Route::Direct)));
    assert_eq!(told.done().via, Via::Direct);
    let log = proxy.log();
    let line = log
        .lines()
        .find(|line| line.contains("wanted gateway, took direct"));
    let line = line.unwrap_or_else(|| panic!("no fallback in {log}"));
    assert!(line.contains("403"), "{line}");

    let told = gateway.finished(1).remove(0);
    assert_eq!(told.refused().status, 403);
    let reason = &told.refused().reason;
    assert!(
        reason.contains("token:trial") && reason.contains("no feature"),
        "{reason}"
    );
}

#[test]
fn gateway_is_killed_and_comes_back() {
    killed_and_back("h2", Via::GatewayH2);
}

#[test]
fn gateway_is_killed_and_comes_back_in_http1() {
    killed_and_back("h1", Via::GatewayH1);
}

fn killed_and_back(protocol: &str, via: Via) {
    let target = target();
    let mut gateway = Gateway::start(&target.address.to_string());
    let lines = format!("fallback = \"none\"\nprotocol = \"{protocol}\"");
    let proxy = proxy_for(&gateway, &lines).start();
    let wanted = target.address.to_string();
    let mut clients = [(); 3].map(|()| proxy.tunnel(&wanted));
    for client in &mut clients {
        assert_eq!(client.exactly(4), b"here");
    }

    gateway.kill();
    for client in &mut clients {
        assert_eq!(client.end(), End::Reset(Vec::new()));
    }
    for told in proxy.finished(3) {
        assert_eq!(told.done().via, via);
        let by = told.ended.as_ref().map(|(by, _)| *by);
        assert_eq!(by, Some(Hop::Gateway), "{told:?}");
    }
    // This is a moment at which the proxy learns that the gateway is down.
    assert_eq!(proxy.ask(connect_head(&wanted)).0.status(), 502);

    gateway.restart();
    let back = Instant::now();
    deadline::until("a tunnel opens again", || {
        opens(&proxy, &wanted).then_some(())
    });
    assert!(back.elapsed() < SOON, "{:?}", back.elapsed());
}

/// Whether a tunnel to the target opens and is one.
fn opens(proxy: &Proxy, target: &str) -> bool {
    let mut client = proxy.connect();
    client.send(connect_head(target));
    client.head().status() == 200 && client.exactly(4) == b"here"
}
