use super::*;

const SHORT: Plan = Plan::Turns {
    rounds: 1,
    up: 10,
    down: 20,
};
const ABORT: Plan = Plan::Abort {
    by_client: true,
    up: 10,
    down: 20,
};
/// What both ends of [`SHORT`] have to say.
const CLIENT: Seen = Seen {
    sent: 10,
    received: 20,
    intact: true,
};
const ORIGIN: Seen = Seen {
    sent: 20,
    received: 10,
    intact: true,
};
const LOGGED: Logged = Logged {
    status: 200,
    sent: 10,
    received: 20,
};

/// The contradictions after one request.
fn faults(route: Route, plan: Plan, tell: impl FnOnce(&Ledger, Id)) -> Vec<String> {
    let (ledger, id) = (Ledger::default(), Id::new(route, 0));
    ledger.asks(id, plan);
    tell(&ledger, id);
    ledger.close();
    ledger.faults().1
}

fn client(ledger: &Ledger, id: Id, status: u16, seen: Seen) {
    ledger.client(id, ClientSaw { status, seen });
}

#[test]
fn who_agrees_is_no_fault() {
    let faults = faults(Route::GatewayH1, SHORT, |ledger, id| {
        ledger.logged(Writer::Gateway, id, LOGGED);
        client(ledger, id, 200, CLIENT);
        ledger.origin(id, ORIGIN);
        ledger.logged(Writer::Proxy, id, LOGGED);
        assert_eq!(ledger.settled().len(), 1);
    });
    assert_eq!(faults, [""; 0]);
}

#[test]
fn one_octet_less_at_any_party_is_a_fault() {
    let less = |number: u64, party: u8, which: u8| number - u64::from(party == which);
    for which in 0..4 {
        let faults = faults(Route::GatewayH1, SHORT, |ledger, id| {
            let (mut saw, mut seen, mut gateway, mut proxy) = (CLIENT, ORIGIN, LOGGED, LOGGED);
            saw.received = less(saw.received, 0, which);
            seen.received = less(seen.received, 1, which);
            gateway.sent = less(gateway.sent, 2, which);
            proxy.sent = less(proxy.sent, 3, which);
            client(ledger, id, 200, saw);
            ledger.origin(id, seen);
            ledger.logged(Writer::Gateway, id, gateway);
            ledger.logged(Writer::Proxy, id, proxy);
        });
        assert!(faults[0].contains("lost octets"), "{which}: {faults:?}");
    }
}

#[test]
fn altered_octets_a_second_record_and_none_are_faults() {
    let altered = faults(Route::Direct, SHORT, |ledger, id| {
        let wrong = Seen {
            intact: false,
            ..ORIGIN
        };
        client(ledger, id, 200, CLIENT);
        ledger.origin(id, wrong);
        ledger.logged(Writer::Proxy, id, LOGGED);
    });
    assert!(altered[0].contains("altered octets"), "{altered:?}");
    let twice = faults(Route::Direct, SHORT, |ledger, id| {
        client(ledger, id, 200, CLIENT);
        ledger.origin(id, ORIGIN);
        ledger.logged(Writer::Proxy, id, LOGGED);
        ledger.logged(Writer::Proxy, id, LOGGED);
    });
    assert!(twice[0].contains("never settled"), "{twice:?}");
    let none = faults(Route::Direct, SHORT, |ledger, id| {
        client(ledger, id, 200, CLIENT);
        ledger.origin(id, ORIGIN);
    });
    assert!(none[0].contains("never settled"), "{none:?}");
}

#[test]
fn of_what_was_reset_nobody_passes_on_more_than_it_got() {
    let aborted = |sent: u64, received: u64| {
        faults(Route::Direct, ABORT, |ledger, id| {
            let (mut saw, mut seen) = (CLIENT, ORIGIN);
            (saw.received, seen.received) = (15, 5);
            client(ledger, id, 200, saw);
            ledger.origin(id, seen);
            let logged = Logged {
                status: 200,
                sent,
                received,
            };
            ledger.logged(Writer::Proxy, id, logged);
        })
    };
    assert_eq!(aborted(5, 20), [""; 0]);
    assert_eq!(aborted(10, 15), [""; 0]);
    for (sent, received) in [(4, 15), (11, 15), (5, 14), (5, 21)] {
        assert!(aborted(sent, received)[0].contains("more octets"));
    }
}

#[test]
fn a_refusal_must_be_the_right_one_and_carries_nothing() {
    let refused = |plan, status, sent| {
        faults(Route::Direct, plan, |ledger, id| {
            client(ledger, id, status, Seen::default());
            let logged = Logged {
                status,
                sent,
                received: 0,
            };
            ledger.logged(Writer::Proxy, id, logged);
        })
    };
    assert_eq!(refused(Plan::Denied, 403, 0), [""; 0]);
    assert_eq!(refused(Plan::Closed, 502, 0), [""; 0]);
    assert_eq!(refused(Plan::Denied, 502, 0).len(), 1);
    assert_eq!(refused(Plan::Closed, 502, 1).len(), 1);
}
