//! No descriptors left: what is open goes on, nothing spins, and serving goes on when there are some again.

use std::time::Duration;

use narrows_tests::deadline;
use narrows_tests::gateway::Gateway;
use narrows_tests::launch::Launch;
use narrows_tests::proxy::{Setup, connect_head};
use narrows_tests::raw::{End, Raw};

use super::{SPARE_MEMORY, echo, lasting, talk};
use crate::gateway::proxy_for;

/// Descriptors of the process that runs out of them; a proxy that has no more carries one tunnel.
const FEW: u32 = 128;
/// More clients than that, and no more than wait in the system's queue meanwhile (128).
const CROWD: usize = 200;
/// The share of one processor that waiting for descriptors may take. A loop that does not wait takes all
/// that it can get.
const CALM: f64 = 0.2;

/// As long as the want lasts; clients that are silent for ten seconds are cut.
fn spell() -> Duration {
    lasting(Duration::from_secs(1), Duration::from_secs(8))
}

#[test]
fn proxy_without_descriptors_goes_on_with_what_is_open_and_recovers() {
    let target = echo();
    let wanted = target.address.to_string();
    let proxy = Setup::new().descriptors(FEW).start();
    let mut open = proxy.tunnel(&wanted);
    let (vitals, before) = (proxy.vitals(), proxy.vitals().memory());
    let crowd: Vec<Raw> = (0..CROWD).map(|_| proxy.connect()).collect();
    deadline::until("the proxy runs out", || {
        proxy
            .said()
            .contains("cannot accept connections")
            .then_some(())
    });
    talk(&mut open);
    let load = vitals.load_during(|| assert!(open.is_silent_for(spell())));
    assert!(load < CALM, "{load} of a processor");
    talk(&mut open);

    drop(crowd);
    talk(&mut open);
    open.finish();
    assert_eq!(open.end(), End::Eof(Vec::new()));
    deadline::until("the proxy serves again", || {
        let mut client = proxy.connect();
        client.try_send(connect_head(&wanted)).ok()?;
        (client.head().status() == 200).then_some(())
    });
    assert!(
        proxy.said().contains("Too many open files"),
        "{}",
        proxy.said()
    );
    // Said once, however often it was tried.
    assert_eq!(proxy.said().matches("cannot accept").count(), 1);
    assert!(vitals.memory() < before + SPARE_MEMORY);
    proxy.stop();
}

#[test]
fn gateway_without_descriptors_goes_on_with_what_is_open_and_recovers() {
    let target = echo();
    let wanted = target.address.to_string();
    let launch = Launch::new().descriptors(FEW);
    let gateway = Gateway::start_with(&wanted, "", launch);
    let idle = gateway.descriptors();
    let proxy = proxy_for(&gateway, "fallback = \"none\"\nprotocol = \"h2\"").start();
    let mut open = proxy.tunnel(&wanted);
    let (vitals, before) = (gateway.vitals(), gateway.vitals().memory());
    let crowd: Vec<Raw> = (0..CROWD).map(|_| Raw::connect(gateway.address)).collect();
    deadline::until("the gateway runs out", || {
        gateway
            .said()
            .contains("cannot accept connections")
            .then_some(())
    });
    talk(&mut open);
    let load = vitals.load_during(|| assert!(open.is_silent_for(spell())));
    assert!(load < CALM, "{load} of a processor");
    talk(&mut open);

    drop(crowd);
    deadline::until("the gateway serves again", || {
        let mut client = proxy.connect();
        client.send(connect_head(&wanted));
        (client.head().status() == 200).then_some(())
    });
    assert_eq!(gateway.said().matches("cannot accept").count(), 1);
    drop((open, proxy));
    deadline::until("descriptors go back to those of an idle gateway", || {
        (gateway.descriptors() <= idle).then_some(())
    });
    assert!(vitals.memory() < before + SPARE_MEMORY);
    gateway.stop();
}
