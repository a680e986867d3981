//! `gateway.optimistic`: clients that are answered before the gateway has.

use narrows_endpoint::{Hop, Route};
use narrows_log::Via;
use narrows_tests::deadline;
use narrows_tests::gateway::Gateway;
use narrows_tests::proxy::{Proxy, connect_head};
use narrows_tests::raw::{End, Peer};

use super::proxy_for;

const OPTIMISTIC: &str = "protocol = \"h2\"\noptimistic = true";

/// A target that says what it hears.
fn echo() -> Peer {
    Peer::start(|mut client| {
        let heard = client.end();
        client.send(heard.text());
    })
}

/// Opens tunnels to a target that the gateway carries until one was answered ahead of it: until then no
/// session is ready.
fn warm_up(proxy: &Proxy, target: &str) {
    let mut client = proxy.tunnel(target);
    client.finish();
    client.end();
    proxy.finished(1);
}

#[test]
fn the_first_octets_arrive_once_and_in_order() {
    let target = echo();
    let at = target.address.to_string();
    let gateway = Gateway::start(&at);
    let proxy = proxy_for(&gateway, OPTIMISTIC).start();
    warm_up(&proxy, &at);
    for n in 2..20 {
        let mut client = proxy.connect();
        client.send(connect_head(&at) + "first, ");
        assert_eq!(client.head().status(), 200);
        client.send("second");
        client.finish();
        assert_eq!(client.end(), End::Eof(b"first, second".to_vec()));
        let told = proxy.finished(n).remove(n - 1);
        let done = told.done();
        assert_eq!(
            (done.via, done.sent, done.received),
            (Via::GatewayH2, 13, 13)
        );
        assert_eq!(told.ended, None);
    }
}

/// A refusal comes too late for a status: the client's tunnel is reset, the log says why, and the next
/// request for that target takes the fallback from the start.
#[test]
fn a_refusal_is_a_reset_once_and_told_in_the_log() {
    let carried = echo();
    let at = carried.address.to_string();
    let gateway = Gateway::start(&at);
    let more = format!("{OPTIMISTIC}\nfallback = \"direct\"");
    let proxy = proxy_for(&gateway, &more).start();
    warm_up(&proxy, &at);

    // A session takes a moment to be ready. Before that the refusal is known before the answer, and
    // remembered, so each try needs a target of its own.
    let mut count = 1;
    let (end, target) = deadline::until("a tunnel is answered ahead of its refusal", || {
        let target = Peer::start(|mut client| client.send("here"));
        let mut client = proxy.tunnel(&target.address.to_string());
        // It may be reset before this.
        let _ = client.try_send("lost");
        let end = client.end();
        drop(client);
        count += 1;
        proxy.finished(count);
        (target.accepted() == 0).then_some((end, target))
    });
    let at = target.address.to_string();
    assert_eq!(end, End::Reset(Vec::new()));
    let told = proxy.finished(count).remove(count - 1);
    assert_eq!(told.done().via, Via::GatewayH2);
    let (by, reason) = told.ended.unwrap();
    assert_eq!(by, Hop::Gateway);
    assert!(reason.contains("403"), "{reason}");

    let mut client = proxy.tunnel(&at);
    assert_eq!(client.exactly(4), b"here");
    drop(client);
    let again = proxy.finished(count + 1).remove(count);
    assert_eq!(again.fallback, Some((Route::Gateway, Route::Direct)));
}
