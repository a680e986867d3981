use super::*;

#[test]
fn no_number_of_stalled_readers_fills_the_connection() {
    let mut window = FIRST;
    loop {
        let held = streams(window) as u64 * u64::from(window);
        assert!(held <= u64::from(BUDGET));
        // What h2 lets the peer see of the rest at worst.
        let seen = (u64::from(CONNECTION) - held) * 2 / 3;
        assert!(seen > 0 && seen >= u64::from(BUDGET) / 3, "{window}");
        match larger(window, 1) {
            Some(next) => window = next,
            None => break,
        }
    }
    assert_eq!(window, LARGEST);
}

#[test]
fn windows_grow_while_all_streams_can_have_it() {
    for (window, open, expected) in [
        (FIRST, 1, Some(4 * FIRST)),
        (FIRST, 32, Some(4 * FIRST)),
        (FIRST, 33, Some(2 * FIRST)),
        (FIRST, 64, Some(2 * FIRST)),
        (FIRST, 65, None),
        (LARGEST / 2, 2, Some(LARGEST)),
        (LARGEST / 2, 3, None),
        (LARGEST, 0, None),
    ] {
        assert_eq!(larger(window, open), expected, "{window} {open}");
    }
}

#[test]
fn only_a_full_window_asks_for_more() {
    let long = Some(Duration::from_secs(3600));
    for (octets, rtt, expected) in [
        (&[100, 100][..], long, false),
        (&[200, 56], long, true),
        (&[1024], long, true),
        (&[1024], Some(Duration::ZERO), false),
        (&[1024], None, false),
    ] {
        let mut meter = Meter::new();
        let limited = octets
            .iter()
            .any(|&octets| meter.is_limited(octets, 1024, rtt));
        assert_eq!(limited, expected, "{octets:?} {rtt:?}");
    }
}

#[test]
fn windows_give_way_to_more_streams() {
    for (window, open, expected) in [
        (LARGEST, 2, LARGEST),
        (LARGEST, 3, LARGEST / 2),
        (LARGEST, 128, FIRST),
        (LARGEST, 1000, FIRST),
        (4 * FIRST, 32, 4 * FIRST),
        (FIRST, 1000, FIRST),
    ] {
        assert_eq!(fitting(window, open), expected, "{window} {open}");
    }
}
