//! A process that gets no processor for a while, as on a machine that hangs or moves: SIGSTOP, SIGCONT.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use narrows_endpoint::{Hop, Step};
use narrows_log::Via;
use narrows_tests::deadline;
use narrows_tests::gateway::Gateway;
use narrows_tests::proxy::{Setup, connect_head};
use narrows_tests::raw::{End, Raw};
use narrows_tests::vitals::Vitals;
use rustix::process::Signal;
use tempfile::TempDir;

use super::{LONGEST, Refusal, SPARE_MEMORY, echo, lasting, talk};
use crate::gateway::proxy_for;

/// What a client says while nobody listens.
const SAID: &[u8] = &[7; 100_000];

/// How long the process is stopped.
fn pause() -> Duration {
    lasting(Duration::from_secs(2), LONGEST)
}

/// The signal takes effect on each thread by itself.
fn until_stopped(vitals: Vitals) {
    deadline::until("every thread stops", || vitals.is_stopped().then_some(()));
}

#[test]
fn proxy_that_is_stopped_and_continued_loses_nothing() {
    let target = echo();
    let wanted = target.address.to_string();
    let proxy = Setup::new().start();
    let mut open = proxy.tunnel(&wanted);
    talk(&mut open);
    let memory = proxy.vitals().memory();

    proxy.signal(Signal::STOP);
    until_stopped(proxy.vitals());
    open.send(SAID);
    // The system takes these; the proxy does not know of them yet.
    let mut crowd: Vec<Raw> = (0..50).map(|_| proxy.connect()).collect();
    for client in &mut crowd {
        client.send(connect_head(&wanted));
    }
    assert!(open.is_silent_for(pause()));
    proxy.signal(Signal::CONT);

    assert_eq!(open.exactly(SAID.len()), SAID);
    for client in &mut crowd {
        assert_eq!(client.head().status(), 200);
        talk(client);
        client.finish();
        assert_eq!(client.end(), End::Eof(Vec::new()));
    }
    open.finish();
    assert_eq!(open.end(), End::Eof(Vec::new()));
    let told = proxy.finished(1 + crowd.len());
    let all = 4 + SAID.len() as u64;
    let last = told.iter().find(|told| told.done().sent == all).unwrap();
    assert_eq!((last.done().received, &last.ended), (all, &None));
    assert!(told.iter().all(|told| told.ended.is_none()), "{told:?}");
    assert!(proxy.vitals().memory() < memory + SPARE_MEMORY);
    proxy.stop();
}

/// The limits of clients count the time in which the proxy was stopped: a clock that ran on is no excuse
/// for a client that did nothing.
#[test]
fn limits_that_passed_while_the_proxy_was_stopped_hold_at_once() {
    let target = echo();
    let wanted = target.address.to_string();
    let config = "[limits]\nhead_seconds = 1\nidle_seconds = 1\n";
    let proxy = Setup::new().config(config).start();
    let mut idle = proxy.tunnel(&wanted);
    talk(&mut idle);
    let mut slow = proxy.connect();
    slow.send("CONNECT");
    proxy.signal(Signal::STOP);
    until_stopped(proxy.vitals());
    // On a slow machine the limit may have come first, which ends the same.
    idle.is_silent_for(pause());
    proxy.signal(Signal::CONT);
    let end = slow.end().text();
    assert!(end.starts_with("HTTP/1.1 408 "), "{end:?}");
    idle.end();
    let mut told = proxy.finished(2);
    told.sort_by_key(|told| told.refused.is_some());
    assert_eq!(told[1].refused().status, 408);
    let (by, reason) = told[0].ended.clone().unwrap();
    assert_eq!((by, &*reason), (Hop::Narrows, "idle for too long"));
    proxy.stop();
}

/// No sign of life while it hangs, and not a burst of them for the time that it did.
#[test]
fn watchdog_hears_nothing_from_a_stopped_proxy_and_no_burst_afterwards() {
    let home = TempDir::new().unwrap();
    let socket = home.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(deadline::PATIENCE)).unwrap();
    let proxy = Setup::new()
        .env("NOTIFY_SOCKET", socket.to_str().unwrap())
        .env("WATCHDOG_USEC", "200000")
        .start();
    let hear = || -> bool {
        let mut message = [0; 4096];
        let length = manager.recv(&mut message).expect("a sign of life");
        message[..length].starts_with(b"WATCHDOG=1")
    };
    while !hear() {}
    proxy.signal(Signal::STOP);
    until_stopped(proxy.vitals());
    // What was sent before it stopped.
    manager.set_nonblocking(true).unwrap();
    while manager.recv(&mut [0; 4096]).is_ok() {}
    let mut waiting = proxy.connect();
    assert!(waiting.is_silent_for(pause()));
    assert!(manager.recv(&mut [0; 4096]).is_err(), "a sign of life");
    manager.set_nonblocking(false).unwrap();
    let since = Instant::now();
    proxy.signal(Signal::CONT);
    let mut heard = 0;
    while heard < 6 {
        heard += u32::from(hear());
    }
    // Two at once at most: one that was due, and the next; then one each tenth of a second.
    let least = Duration::from_millis(100) * (heard - 2);
    assert!(since.elapsed() >= least, "{:?}", since.elapsed());
    drop(waiting);
    proxy.stop();
}

#[test]
fn gateway_that_is_stopped_and_continued_loses_nothing() {
    for (protocol, via) in [("h1", Via::GatewayH1), ("h2", Via::GatewayH2)] {
        let target = echo();
        let wanted = target.address.to_string();
        let gateway = Gateway::start(&wanted);
        let lines = format!("fallback = \"none\"\nprotocol = \"{protocol}\"");
        let proxy = proxy_for(&gateway, &lines).start();
        let mut open = proxy.tunnel(&wanted);
        talk(&mut open);
        gateway.signal(Signal::STOP);
        until_stopped(gateway.vitals());
        open.send(SAID);
        // Less than it takes to give up a silent session (20 s and 10 s).
        let short = Duration::from_secs(2);
        assert!(open.is_silent_for(short));
        gateway.signal(Signal::CONT);
        assert_eq!(open.exactly(SAID.len()), SAID);
        open.finish();
        assert_eq!(open.end(), End::Eof(Vec::new()));
        let told = proxy.only();
        let all = 4 + SAID.len() as u64;
        let done = told.done();
        assert_eq!((done.via, done.sent, done.received), (via, all, all));
        assert_eq!(told.ended, None);
        drop(proxy);
        assert_eq!(gateway.finished(1)[0].done().received, all);
        gateway.stop();
    }
}

/// A session over HTTP/2 in which a ping is not answered is given up, and its tunnels are reset: they would
/// otherwise hang for as long as the gateway does. Requests are answered in their own time.
#[test]
fn gateway_that_is_stopped_for_a_minute_is_given_up_and_comes_back() {
    if !super::is_long() {
        return;
    }
    let target = echo();
    let wanted = target.address.to_string();
    let gateway = Gateway::start(&wanted);
    let lines = "fallback = \"none\"\nprotocol = \"h2\"\n[timeouts]\ntls_seconds = 2\n";
    let proxy = proxy_for(&gateway, lines).start();
    let mut open = proxy.tunnel(&wanted);
    talk(&mut open);
    gateway.signal(Signal::STOP);
    until_stopped(gateway.vitals());
    let since = Instant::now();
    open.set_patience(Duration::from_secs(45));
    assert_eq!(open.end(), End::Reset(Vec::new()));
    assert!(
        since.elapsed() > Duration::from_secs(10),
        "{:?}",
        since.elapsed()
    );
    let told = proxy.only();
    assert_eq!(told.ended.clone().unwrap().0, Hop::Gateway, "{told:?}");
    // The system takes a connection for it, on which nothing is said.
    let silence = Refusal {
        status: 504,
        error: "connection_timeout",
        hop: Hop::Gateway,
        step: Step::Tls,
        says: "was silent after ClientHello",
    };
    silence.expect(&proxy, &wanted, 2);
    let mut waiting = Raw::connect(gateway.address);
    assert!(waiting.is_silent_for(LONGEST.saturating_sub(since.elapsed())));
    gateway.signal(Signal::CONT);
    deadline::until("a tunnel opens again", || {
        let mut client = proxy.connect();
        client.send(connect_head(&wanted));
        (client.head().status() == 200).then_some(())
    });
    drop(waiting);
    proxy.stop();
    gateway.stop();
}
