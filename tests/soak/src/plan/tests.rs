use std::collections::BTreeSet;

use super::*;

#[test]
fn a_number_is_an_address_and_back() {
    for route in Route::ALL {
        for serial in [0, 1, 70_000, 4_000_000, 5_000_000, u64::MAX] {
            let id = Id::new(route, serial);
            assert!(id.address().is_loopback());
            assert!(id.address() > Ipv4Addr::new(127, 0, 0, 255), "{id}");
            assert_ne!(id.address(), Ipv4Addr::new(127, 255, 255, 255));
            assert_eq!((Id::of(id.address()), id.route()), (id, route));
        }
    }
}

#[test]
fn every_sort_comes_up_early() {
    let book = Book {
        seed: 1,
        half_closes: true,
    };
    let early: BTreeSet<String> = (0..2000)
        .map(|serial| book.plan(Id::new(Route::GatewayH2, serial)).to_string())
        .collect();
    let sorts = [
        "aborted",
        "bulk",
        "half-closed",
        "plain HTTP",
        "refused",
        "short",
        "slow reader",
        "websocket",
    ];
    assert!(early.iter().eq(sorts), "{early:?}");
}

#[test]
fn squid_is_not_asked_for_half_closes() {
    let book = Book {
        seed: 1,
        half_closes: false,
    };
    let half_closes = |route| {
        (0..2000).any(|serial| matches!(book.plan(Id::new(route, serial)), Plan::HalfClose { .. }))
    };
    assert!(!half_closes(Route::Enterprise));
    assert!(half_closes(Route::Direct));
}
