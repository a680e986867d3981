use std::io::ErrorKind;

use super::*;

const V4: &str = "192.0.2.1:443";
const V6: &str = "[2001:db8::1]:443";

fn attempt(peer: &str, error: Option<io::Error>) -> Attempt {
    Attempt {
        peer: peer.parse().unwrap(),
        error,
    }
}

fn kind(peer: &str, kind: ErrorKind) -> Attempt {
    attempt(peer, Some(kind.into()))
}

#[test]
fn the_most_telling_failure_is_named() {
    let exhausted = || attempt(V4, Some(Errno::MFILE.into()));
    let refused = || kind(V4, ErrorKind::ConnectionRefused);
    let silent = || attempt(V4, None);
    let unreachable = || kind(V6, ErrorKind::NetworkUnreachable);
    let no_ipv6 = || kind(V6, ErrorKind::AddrNotAvailable);
    for (attempts, expected) in [
        (vec![refused(), exhausted()], Cause::Exhausted),
        (vec![silent(), refused(), unreachable()], Cause::Refused),
        (vec![unreachable(), silent()], Cause::NoAnswer),
        (vec![no_ipv6(), unreachable()], Cause::Unreachable),
        (vec![no_ipv6(), silent()], Cause::NoAnswer),
        (vec![no_ipv6()], Cause::NoSource),
    ] {
        let failure = ConnectFailure::new(attempts, 3);
        assert_eq!(failure.cause(), expected, "{failure}");
    }
}

#[test]
fn ports_of_our_own_run_out_only_over_ipv4() {
    let ports = kind(V4, ErrorKind::AddrNotAvailable);
    assert_eq!(ports.cause(), Cause::Exhausted);
    let buffers = attempt(V6, Some(Errno::NOBUFS.into()));
    assert_eq!(buffers.cause(), Cause::Exhausted);
}

#[test]
fn the_text_counts_what_happened() {
    let one = ConnectFailure::new(vec![kind(V4, ErrorKind::ConnectionRefused)], 1);
    assert_eq!(one.to_string(), "connection refused by 192.0.2.1:443");
    let many = ConnectFailure::new(
        vec![
            attempt(V6, None),
            kind(V4, ErrorKind::ConnectionRefused),
            attempt(V6, None),
        ],
        4,
    );
    assert_eq!(
        many.to_string(),
        "connection refused by 192.0.2.1:443; 4 addresses: 1 refused, 2 no answer, 1 not tried"
    );
}
