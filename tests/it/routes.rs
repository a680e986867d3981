//! Where requests go: rules, upstream, environment and the gateway that is not there yet.

use narrows_endpoint::Route;
use narrows_log::Via;
use narrows_tests::proxy::{Proxy, Setup, connect_head};
use narrows_tests::raw::{Once, Peer, Raw};

/// A parent that opens every tunnel and then says its own name.
fn parent() -> Peer {
    Peer::start(|mut client: Raw| {
        client.head();
        client.send("HTTP/1.1 200 OK\r\n\r\nparent");
        client.finish();
        client.end();
    })
}

/// A target that says its own name.
fn target() -> Peer {
    Peer::start(|mut client: Raw| {
        client.send("target");
        client.finish();
        client.end();
    })
}

/// Who answers in a tunnel to `target`.
fn answered_by(proxy: &Proxy, target: &str) -> String {
    let mut client = proxy.tunnel(target);
    client.finish();
    client.end().text()
}

#[test]
fn without_configuration_targets_are_reached_directly() {
    let (target, proxy) = (target(), Proxy::direct());
    assert_eq!(answered_by(&proxy, &target.address.to_string()), "target");
    assert_eq!(proxy.only().done().via, Via::Direct);
    proxy.stop();
}

#[test]
fn with_an_upstream_names_go_through_it_and_bypassed_ones_do_not() {
    let (parent, target) = (parent(), target());
    let proxy = Setup::new()
        .flag("proxy", parent.proxy_url())
        .flag("bypass", "127.0.0.1")
        .start();
    assert_eq!(answered_by(&proxy, "far.test:443"), "parent");
    // Records stand in the order in which tunnels ended for the proxy: the second is not to overtake.
    proxy.finished(1);
    assert_eq!(answered_by(&proxy, &target.address.to_string()), "target");
    let via: Vec<Via> = proxy
        .finished(2)
        .iter()
        .map(|told| told.done().via)
        .collect();
    assert_eq!(via, [Via::Proxy, Via::Direct]);
    proxy.stop();
}

#[test]
fn the_environment_is_an_upstream_source() {
    let (parent, target) = (parent(), target());
    let proxy = Setup::new()
        .env("HTTPS_PROXY", parent.proxy_url())
        .env("NO_PROXY", "localhost,127.0.0.1")
        .start();
    assert_eq!(answered_by(&proxy, "far.test:443"), "parent");
    assert_eq!(answered_by(&proxy, &target.address.to_string()), "target");
    proxy.finished(2);
    proxy.stop();
}

#[test]
fn denied_names_are_refused_with_the_rule_that_denies_them() {
    let proxy = Setup::new()
        .config("[rules]\ndeny = [\"*.ads.test\"]\n")
        .start();
    let (head, body) = proxy.ask(connect_head("x.ads.test:443"));
    assert_eq!(head.status(), 403);
    let status = head.field("Proxy-Status").unwrap();
    assert!(status.contains("error=http_request_denied"), "{status}");
    assert!(body.contains("*.ads.test"), "{body}");
    assert_eq!(proxy.only().refused().status, 403);
    proxy.stop();
}

#[test]
fn a_gateway_decision_is_served_by_the_fallback_and_the_log_says_so() {
    let parent = Once::start(|mut client| {
        let head = client.head();
        client.send("HTTP/1.1 200 OK\r\n\r\n");
        client.end();
        head
    });
    let proxy = Proxy::through(parent.proxy_url());
    let mut client = proxy.tunnel("je.his.arc.azure.com:443");
    client.finish();
    client.end();
    assert_eq!(
        parent.join().first_line(),
        "CONNECT je.his.arc.azure.com:443 HTTP/1.1"
    );
    let told = proxy.only();
    assert_eq!(told.fallback, Some((Route::Gateway, Route::Proxy)));
    assert_eq!(told.done().via, Via::Proxy);
    proxy.stop();
}

#[test]
fn a_never_gateway_name_needs_no_fallback() {
    let parent = parent();
    let proxy = Proxy::through(parent.proxy_url());
    assert_eq!(answered_by(&proxy, "gbl.his.arc.azure.com:443"), "parent");
    assert_eq!(proxy.only().fallback, None);
    proxy.stop();
}
