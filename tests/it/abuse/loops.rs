//! Row 16: proxies that lead back to each other. `Via` shows it after one round.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, OnceLock};

use narrows_endpoint::{Hop, Step};
use narrows_tests::proxy::{Proxy, connect_head};
use narrows_tests::raw::Peer;
use narrows_tests::squid::Squid;

/// A way to a place that is known later: an address that is nobody's own.
struct Detour {
    peer: Peer,
    to: Arc<OnceLock<SocketAddr>>,
}

impl Detour {
    fn new() -> Self {
        let to = Arc::new(OnceLock::new());
        let there = Arc::clone(&to);
        let peer = Peer::start(move |near| {
            let far = TcpStream::connect(there.get().unwrap()).unwrap();
            relay(&near.into_inner(), &far);
        });
        Self { peer, to }
    }

    fn lead_to(&self, proxy: &Proxy) {
        self.to.set(proxy.address).unwrap();
    }
}

fn relay(near: &TcpStream, far: &TcpStream) {
    let carry = |mut from: &TcpStream, mut to: &TcpStream| {
        // However a side ends, the other is told that it did.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    };
    std::thread::scope(|scope| {
        scope.spawn(|| carry(near, far));
        carry(far, near);
    });
}

/// The proxy refuses what comes back with 508, and tells its client that the path is a loop.
fn is_found(proxy: &Proxy) {
    let (head, body) = proxy.ask(connect_head("target.test:443"));
    assert_eq!(head.status(), 502, "{body}");
    assert!(body.contains("508"), "{body}");
    let told = proxy.finished(2);
    let inner = told[0].refused();
    assert_eq!(
        (inner.status, inner.hop, inner.step),
        (508, Hop::Narrows, Step::Decide)
    );
    assert_eq!(told[1].refused().hop, Hop::Proxy);
}

#[test]
fn row_16_a_proxy_that_is_its_own_upstream_finds_out() {
    let back = Detour::new();
    let proxy = Proxy::through(back.peer.proxy_url());
    back.lead_to(&proxy);
    is_found(&proxy);
    // Plain HTTP in the same way.
    let request =
        "GET http://target.test/ HTTP/1.1\r\nHost: target.test\r\nConnection: close\r\n\r\n";
    let (head, _) = proxy.ask(request);
    assert_eq!(head.status(), 508);
    let status = head.field("Proxy-Status").unwrap();
    assert!(status.contains("error=proxy_loop_detected"), "{status}");
    proxy.stop();
}

#[test]
fn row_16_two_proxies_that_lead_to_each_other_find_out() {
    let (there, back) = (Detour::new(), Detour::new());
    let first = Proxy::through(there.peer.proxy_url());
    let second = Proxy::through(back.peer.proxy_url());
    there.lead_to(&second);
    back.lead_to(&first);
    is_found(&first);
    second.finished(1);
}

#[test]
fn row_16_a_proxy_that_its_parent_leads_back_to_finds_out() {
    if !Squid::available() {
        return;
    }
    let back = Detour::new();
    let squid = Squid::obeying(&format!(
        "cache_peer 127.0.0.1 parent {} 0 no-query default\n\
         never_direct allow all\n\
         http_access allow all",
        back.peer.address.port()
    ));
    let proxy = Proxy::through(&*squid.url);
    back.lead_to(&proxy);
    is_found(&proxy);
}

/// What has passed other proxies of this name, in other processes, is no loop.
#[test]
fn row_16_the_names_of_others_are_no_loop() {
    let target = Peer::start(|mut client| client.send("here"));
    let proxy = Proxy::direct();
    let mut client = proxy.connect();
    client.send(format!(
        "CONNECT {at} HTTP/1.1\r\nHost: {at}\r\nVia: 1.1 narrows-proxy, 1.1 narrows-proxy-0000000000000000\r\n\r\n",
        at = target.address
    ));
    assert_eq!(client.head().status(), 200);
    assert_eq!(client.exactly(4), b"here");
}
