//! The whole way: client, `narrows-proxy`, a Squid that lets out nothing but the way to the gateway,
//! gateway, target.

use narrows_endpoint::Route;
use narrows_log::Via;
use narrows_tests::gateway::Gateway;
use narrows_tests::origin::Origin;
use narrows_tests::program;
use narrows_tests::proxy::{Proxy, connect_head};
use narrows_tests::raw::Raw;
use narrows_tests::squid::Squid;
use rustix::process::Signal;

use super::{download, proxy_for, target};

#[test]
fn enterprise_proxy_sees_the_gateway_only() {
    whole_way("", Via::GatewayH2);
}

#[test]
fn enterprise_proxy_sees_the_gateway_only_in_http1() {
    whole_way("protocol = \"h1\"", Via::GatewayH1);
}

fn whole_way(protocol: &str, via: Via) {
    if !program::installed(&["curl"]) || !Squid::available() {
        return;
    }
    let origin = Origin::start();
    let gateway = Gateway::start(&target(&origin));
    let squid = Squid::obeying(&format!(
        "acl gateway dstdomain localhost\n\
         acl its_port port {}\n\
         http_access allow CONNECT gateway its_port\n\
         http_access deny all",
        gateway.address.port()
    ));
    let proxy = proxy_for(&gateway, &format!("fallback = \"none\"\n{protocol}"))
        .flag("proxy", &squid.url)
        .start();
    download(&origin, &proxy, 1_000_000);

    let near = proxy.only();
    assert_eq!(near.target.as_ref().unwrap().to_string(), target(&origin));
    assert_eq!(
        (near.done().via, near.fallback),
        (via, None::<(Route, Route)>)
    );
    let far = gateway.finished(1).remove(0);
    assert_eq!(far.target, near.target);
    let octets = |told: &narrows_tests::traffic::Told| (told.done().sent, told.done().received);
    assert_eq!(octets(&near), octets(&far));

    // Squid writes its line when a connection ends, and sessions outlive their tunnels.
    end(proxy);
    for line in squid.access(1) {
        assert_eq!(
            (line.method.as_str(), &line.url),
            ("CONNECT", &gateway.authority())
        );
        assert_eq!(line.result, "TCP_TUNNEL/200");
    }
    lets_nobody_else_out(&squid, &target(&origin));
}

/// Ends it; sessions with the gateway are no reason to wait.
fn end(mut proxy: Proxy) {
    proxy.signal(Signal::TERM);
    let status = proxy.wait();
    assert!(status.success(), "{status}\n{}", proxy.said());
}

/// What the test above rests on.
fn lets_nobody_else_out(squid: &Squid, target: &str) {
    let address = squid.url.strip_prefix("http://").unwrap().parse().unwrap();
    let mut client = Raw::connect(address);
    client.send(connect_head(target));
    assert_eq!(client.head().status(), 403);
}
