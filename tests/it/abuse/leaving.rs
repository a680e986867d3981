//! Row 36 end to end: clients that leave at each stage, by FIN, RST, and FIN followed by RST. Each request is
//! told once and with the stage, the proxy serves, and it holds no descriptor more than when it was idle.

use std::sync::mpsc;

use narrows_endpoint::{Hop, Step};
use narrows_tests::deadline;
use narrows_tests::proxy::{Proxy, Setup, connect_head};
use narrows_tests::raw::{End, Once, Raw};
use narrows_tests::tcp::{self, BlackHole};
use narrows_tests::traffic::Refused;
use rustix::process::Signal;

type Manner = fn(Raw);

/// A client that waits no longer. That one has gone cannot be told from one that has only ended its sending
/// side: its request goes on to the deadline of its stage.
const CLOSES: Manner = drop;
/// Those who can be seen to have gone: no deadline is waited for.
const RESETS: [Manner; 2] = [Raw::reset, |mut client| {
    client.finish();
    client.reset();
}];

fn manners() -> impl Iterator<Item = Manner> {
    RESETS.into_iter().chain([CLOSES])
}

/// Longer than any test waits: what ends before has not waited for it.
const FOR_EVER: &str = "[timeouts]\nconnect_seconds = 3600\nrequest_seconds = 3600\n";
const SHORT_DIALS: &str = "[timeouts]\nconnect_seconds = 0.3\n";
const SHORT_REQUESTS: &str = "[timeouts]\nrequest_seconds = 0.3\n";

/// The proxy serves, and has told of nobody after those that were counted.
fn serves(proxy: &Proxy, told: usize) {
    let (head, _) = proxy.ask(connect_head("nobody"));
    assert_eq!(head.status(), 400);
    proxy.finished(told + 1);
}

fn left(refused: &Refused, step: Step) {
    let is = (refused.status, refused.hop, refused.step);
    assert_eq!(is, (499, Hop::Client, step), "{refused:?}");
}

#[test]
fn row_36_before_being_accepted() {
    let proxy = Proxy::direct();
    proxy.signal(Signal::STOP);
    deadline::until("the proxy is stopped", || {
        proxy.vitals().is_stopped().then_some(())
    });
    for leave in manners() {
        leave(proxy.connect());
    }
    proxy.signal(Signal::CONT);
    serves(&proxy, 0);
    proxy.stop();
}

#[test]
fn row_36_right_after_connecting() {
    let proxy = Proxy::direct();
    for leave in manners() {
        let client = proxy.connect();
        tcp::until_read(client.address(), proxy.address);
        leave(client);
    }
    serves(&proxy, 0);
    proxy.stop();
}

#[test]
fn row_36_within_the_head() {
    let proxy = Proxy::direct();
    let parts = ["CON", "CONNECT far.te", "GET http://far.te"];
    for (at, part) in parts.into_iter().enumerate() {
        for leave in manners() {
            let mut client = proxy.connect();
            client.send(part);
            // A reset would discard what has not been read.
            tcp::until_read(client.address(), proxy.address);
            leave(client);
        }
        for told in &proxy.finished(3 * at + 3)[3 * at..] {
            left(told.refused(), Step::Head);
        }
    }
    serves(&proxy, 9);
    proxy.stop();
}

#[test]
fn row_36_while_the_target_is_dialled() {
    let hole = BlackHole::new();
    let ask = |proxy: &Proxy| {
        let mut client = proxy.connect();
        client.send(connect_head(&hole.address.to_string()));
        client
    };
    let proxy = Setup::new().config(FOR_EVER).start();
    for (before, leave) in RESETS.into_iter().enumerate() {
        let client = ask(&proxy);
        hole.until_dials(1);
        leave(client);
        left(proxy.finished(before + 1)[before].refused(), Step::Request);
        hole.until_dials(0);
    }
    serves(&proxy, RESETS.len());
    proxy.stop();

    let proxy = Setup::new().config(SHORT_DIALS).start();
    CLOSES(ask(&proxy));
    let refused = proxy.only().refused().clone();
    let is = (refused.status, refused.hop, refused.step);
    assert_eq!(is, (504, Hop::Target, Step::Connect), "{refused:?}");
    hole.until_dials(0);
    serves(&proxy, 1);
    proxy.stop();
}

/// The record of a request whose client leaves while the parent has the request and has not answered.
fn parent_thinks(timeouts: &str, leave: Manner) -> Refused {
    let (tell, told) = mpsc::channel();
    let parent = Once::start(move |mut client: Raw| {
        tell.send(client.head()).unwrap();
        client.end()
    });
    let proxy = Setup::new()
        .flag("proxy", parent.proxy_url())
        .config(timeouts)
        .start();
    let mut client = proxy.connect();
    client.send(connect_head("far.test:443") + "early data");
    told.recv().unwrap();
    leave(client);
    let refused = proxy.only().refused().clone();
    // The parent is left too, and has heard nothing of the early data.
    assert_eq!(parent.join().text(), "");
    serves(&proxy, 1);
    proxy.stop();
    refused
}

#[test]
fn row_36_while_the_parent_thinks() {
    for leave in RESETS {
        left(&parent_thinks(FOR_EVER, leave), Step::Request);
    }
    let refused = parent_thinks(SHORT_REQUESTS, CLOSES);
    let is = (refused.status, refused.hop, refused.step);
    assert_eq!(is, (504, Hop::Proxy, Step::Request), "{refused:?}");
}

/// A tunnel over which the client has heard `hi`; how the target hears of its end, and who is blamed.
fn carries(
    leave: impl FnOnce(Raw, &Proxy),
    target: impl FnOnce(Raw) -> End + Send + 'static,
) -> (End, Option<Hop>) {
    let target = Once::start(|mut client: Raw| {
        client.send("hi");
        target(client)
    });
    let proxy = Proxy::direct();
    let mut client = proxy.tunnel(&target.address.to_string());
    assert_eq!(client.exactly(2), b"hi");
    leave(client, &proxy);
    let heard = target.join();
    let told = proxy.only();
    assert_eq!((told.done().sent, told.done().received), (0, 2));
    serves(&proxy, 1);
    proxy.stop();
    (heard, told.ended.map(|(by, _)| by))
}

#[test]
fn row_36_while_the_tunnel_carries() {
    let nothing = Vec::new;
    let closed = carries(|client, _| drop(client), |mut client| client.end());
    assert_eq!(closed, (End::Eof(nothing()), None));
    let reset = carries(|client, _| client.reset(), |mut client| client.end());
    assert_eq!(reset, (End::Reset(nothing()), Some(Hop::Client)));

    // Who ends and then resets is missed by whoever has something to say.
    let (ended, has_ended) = mpsc::channel();
    let (go, gone) = mpsc::channel();
    let leave = move |mut client: Raw, proxy: &Proxy| {
        client.finish();
        has_ended.recv().unwrap();
        let address = client.address();
        client.reset();
        tcp::until_reset(address, proxy.address);
        go.send(()).unwrap();
    };
    let target = move |mut client: Raw| {
        let end = client.end();
        ended.send(()).unwrap();
        gone.recv().unwrap();
        client.send("anybody?");
        end
    };
    assert_eq!(
        carries(leave, target),
        (End::Eof(nothing()), Some(Hop::Client))
    );
}
