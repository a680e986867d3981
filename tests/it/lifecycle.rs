//! The process: how it ends, what it lets in, and what it survives.

use std::time::Duration;

use narrows_endpoint::{Hop, Step};
use narrows_tests::deadline;
use narrows_tests::proxy::{Proxy, Setup, connect_head};
use narrows_tests::raw::{End, Once, Peer, Raw};
use rustix::process::Signal;

#[test]
fn drain_lets_open_tunnels_finish_and_takes_no_new_ones() {
    let target = Once::start(|mut client| {
        let heard = client.exactly(5);
        client.send("still here");
        (heard, client.end())
    });
    let mut proxy = Proxy::direct();
    let mut client = proxy.tunnel(&target.address.to_string());
    proxy.signal(Signal::TERM);
    deadline::until("the listener closes", || {
        std::net::TcpStream::connect(proxy.address)
            .is_err()
            .then_some(())
    });
    client.send("hello");
    assert_eq!(client.exactly(10), b"still here");
    client.finish();
    assert_eq!(client.end(), End::Eof(vec![]));
    target.join();
    let status = proxy.wait();
    assert_eq!(status.code(), Some(0), "{}", proxy.said());
    let told = proxy.only();
    assert_eq!((told.done().sent, told.done().received), (5, 10));
}

#[test]
fn drain_ends_and_tunnels_that_go_on_are_cut_and_logged() {
    let target = Once::start(|mut client| client.end());
    let mut proxy = Setup::new().config("[drain]\nseconds = 0.2\n").start();
    let mut client = proxy.tunnel(&target.address.to_string());
    client.send("word");
    proxy.signal(Signal::TERM);
    client.end();
    target.join();
    assert_eq!(proxy.wait().code(), Some(3), "{}", proxy.said());
    let told = proxy.only();
    assert_eq!(told.ended.as_ref().map(|(by, _)| *by), Some(Hop::Narrows));
    assert_eq!(told.done().sent, 4);
}

#[test]
fn second_signal_ends_at_once() {
    let target = Once::start(|mut client| client.end());
    let mut proxy = Proxy::direct();
    let client = proxy.tunnel(&target.address.to_string());
    proxy.signal(Signal::TERM);
    deadline::until("the listener closes", || {
        std::net::TcpStream::connect(proxy.address)
            .is_err()
            .then_some(())
    });
    proxy.signal(Signal::TERM);
    assert_eq!(proxy.wait().code(), Some(3), "{}", proxy.said());
    drop(client);
    target.join();
}

#[test]
fn one_tunnel_too_many_is_a_503() {
    let target = Peer::start(|mut client| {
        client.end();
    });
    let proxy = Setup::new().config("[limits]\ntunnels = 2\n").start();
    let address = target.address.to_string();
    let held = [proxy.tunnel(&address), proxy.tunnel(&address)];
    let (head, body) = proxy.ask(connect_head(&address));
    assert_eq!(head.status(), 503);
    assert!(head.field("Proxy-Status").is_some(), "{}", head.as_str());
    assert_eq!(body.trim_end().lines().count(), 1, "{body:?}");
    let told = proxy.only();
    assert_eq!(
        (told.refused().status, told.refused().hop),
        (503, Hop::Narrows)
    );
    drop(held);
    deadline::until("places come back", || {
        let mut client = proxy.connect();
        client.send(connect_head(&address));
        (client.head().status() == 200).then_some(())
    });
    proxy.settle();
}

#[test]
fn one_client_too_greedy_is_a_503() {
    let target = Peer::start(|mut client| {
        client.end();
    });
    let proxy = Setup::new()
        .config("[limits]\ntunnels_per_client = 1\n")
        .start();
    let address = target.address.to_string();
    let held = proxy.tunnel(&address);
    assert_eq!(proxy.ask(connect_head(&address)).0.status(), 503);
    drop(held);
    proxy.finished(2);
    proxy.stop();
}

#[test]
fn listening_beyond_loopback_needs_an_allowed_range() {
    let output = Setup::new().output(&["--listen", "0.0.0.0:0", "--log", "-"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("0.0.0.0:0") && said.contains("allow"),
        "{said}"
    );
}

#[test]
fn running_out_of_descriptors_is_survived() {
    let proxy = Setup::new().descriptors(48).start();
    let crowd: Vec<Raw> = (0..96).map(|_| proxy.connect()).collect();
    deadline::until("the proxy runs out", || {
        (proxy.descriptors() >= 47).then_some(())
    });
    drop(crowd);
    let target = Once::start(|mut client| client.end());
    let mut client = deadline::until("the proxy serves again", || {
        let mut client = proxy.connect();
        client
            .try_send(connect_head(&target.address.to_string()))
            .ok()?;
        (client.head().status() == 200).then_some(client)
    });
    client.send("alive");
    client.finish();
    assert_eq!(target.join(), End::Eof(b"alive".to_vec()));
    proxy.settle();
    proxy.stop();
}

#[test]
fn slow_head_is_cut_at_the_deadline() {
    let proxy = Setup::new()
        .config("[limits]\nhead_seconds = 0.3\n")
        .start();
    let mut client = proxy.connect();
    for octet in connect_head("far.test:443").bytes() {
        // One octet at a time keeps the connection busy, which must not move the deadline.
        if client.try_send([octet]).is_err() || !client.is_silent_for(Duration::from_millis(50)) {
            break;
        }
    }
    let end = client.end();
    assert!(!end.text().starts_with("HTTP/1.1 200"), "{end:?}");
    let told = proxy.only();
    assert_eq!(
        (told.refused().hop, told.refused().step),
        (Hop::Client, Step::Head)
    );
    proxy.stop();
}
