use proptest::prelude::*;

use super::*;
use crate::alert::Alert;

fn name(text: &str) -> Host {
    text.parse().unwrap()
}

fn record(kind: u8, fragment: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3], with_length(fragment).as_slice()].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind, length[1], length[2], length[3]], body].concat()
}

fn server_hello(version: u16, suite: u16) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend(suite.to_be_bytes());
    body.push(0);
    message(2, &body)
}

fn certificate(ders: &[&[u8]]) -> Vec<u8> {
    let of = |value: &[u8]| [&[0], with_length(value).as_slice()].concat();
    let list: Vec<u8> = ders.iter().flat_map(|der| of(der)).collect();
    message(11, &of(&list))
}

fn flight() -> Vec<u8> {
    let mut messages = server_hello(0x0301, 0x002f);
    messages.extend(certificate(&[b"leaf", b"issuer"]));
    messages.extend(message(14, &[]));
    messages
}

/// By number, in order.
type Extensions = Vec<(u16, Vec<u8>)>;

/// A hello read back: version, suites, extensions by number. Panics where a length does not fit.
fn read_hello(hello: &[u8]) -> (u16, Vec<u16>, Extensions) {
    let pair = |bytes: &[u8]| u16::from_be_bytes([bytes[0], bytes[1]]);
    assert_eq!(hello[..3], [22, 3, 1]);
    assert_eq!(usize::from(pair(&hello[3..])), hello.len() - 5);
    assert_eq!(hello[5..7], [1, 0]);
    assert_eq!(usize::from(pair(&hello[7..])), hello.len() - 9);
    let version = pair(&hello[9..]);
    assert_eq!(hello[43], 0, "no session");
    let suites = usize::from(pair(&hello[44..]));
    let listed = hello[46..46 + suites].chunks(2).map(pair).collect();
    let mut rest = &hello[46 + suites..];
    assert_eq!(rest[..2], [1, 0], "null compression");
    assert_eq!(usize::from(pair(&rest[2..])), rest.len() - 4);
    rest = &rest[4..];
    let mut extensions = Vec::new();
    while !rest.is_empty() {
        let length = usize::from(pair(&rest[2..]));
        extensions.push((pair(rest), rest[4..4 + length].to_vec()));
        rest = &rest[4 + length..];
    }
    (version, listed, extensions)
}

#[test]
fn hello_offers_its_version_and_names_the_host() {
    let host = name("old.example");
    for (hello, version) in [
        (OldHello::Tls10, 0x0301),
        (OldHello::Tls11, 0x0302),
        (OldHello::Tls12Wide, 0x0303),
    ] {
        let bytes = hello.client_hello(Some(&host), [1; 32]);
        let (offered, suites, extensions) = read_hello(&bytes);
        assert_eq!(offered, version);
        assert!(suites.contains(&0x002f) && suites.ends_with(&[0x00ff]));
        let kinds: Vec<u16> = extensions.iter().map(|(kind, _)| *kind).collect();
        let signatures = hello == OldHello::Tls12Wide;
        let expected: &[u16] = if signatures {
            &[0, 10, 11, 13]
        } else {
            &[0, 10, 11]
        };
        assert_eq!(kinds, expected);
        assert_eq!(extensions[0].1, b"\x00\x0e\x00\x00\x0bold.example");
    }
}

#[test]
fn address_and_no_host_are_not_named() {
    for host in [None, Some(name("127.0.0.1")), Some(name("[::1]"))] {
        let bytes = OldHello::Tls12Wide.client_hello(host.as_ref(), [0; 32]);
        let (_, _, extensions) = read_hello(&bytes);
        assert!(extensions.iter().all(|(kind, _)| *kind != SERVER_NAME));
    }
}

#[test]
fn longest_name_fits_one_segment() {
    let host = name(&format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61)));
    let bytes = OldHello::Tls12Wide.client_hello(Some(&host), [0; 32]);
    read_hello(&bytes);
    assert!(bytes.len() < 512, "{}", bytes.len());
}

#[test]
fn every_suite_offered_has_a_name() {
    let offered = suite::OLD.iter().chain(suite::WIDE);
    for &number in offered.filter(|&&number| number != 0x00ff) {
        assert!(Suite(number).name().is_some(), "{number:#06x}");
    }
    assert_eq!(Suite(0x1301).to_string(), "suite 0x1301");
}

#[test]
fn first_flight_is_read_with_its_certificates() {
    let Reply::ServerHello(hello) = read_reply(&record(22, &flight())) else {
        panic!("a server hello");
    };
    assert_eq!(hello.version.to_string(), "TLS 1.0");
    assert_eq!(hello.suite.to_string(), "RSA_WITH_AES_128_CBC_SHA");
    let certificates = hello.certificates.as_deref().unwrap();
    assert_eq!(certificates, [b"leaf".to_vec(), b"issuer".to_vec()]);
    assert!(hello.is_final());
}

#[test]
fn flight_may_be_cut_into_records_anywhere() {
    let messages = flight();
    let whole = read_reply(&record(22, &messages));
    for cut in 1..messages.len() {
        let (first, second) = messages.split_at(cut);
        let bytes = [record(22, first), record(22, second)].concat();
        assert_eq!(read_reply(&bytes), whole, "cut at {cut}");
    }
}

#[test]
fn flight_that_is_still_coming_is_partial_then_a_hello() {
    let bytes = record(22, &flight());
    let hello = 5 + server_hello(0x0301, 0x002f).len();
    for length in 0..bytes.len() {
        match read_reply(&bytes[..length]) {
            Reply::Partial => assert!(length < hello, "{length}"),
            Reply::ServerHello(read) => {
                assert!(length >= hello, "{length}");
                assert_eq!(read.certificates.is_some(), read.is_final());
            }
            other => panic!("{other:?} after {length}"),
        }
    }
}

#[test]
fn alert_is_told_by_number_and_level() {
    let fatal = Reply::Alert {
        alert: Alert(40),
        fatal: true,
    };
    assert_eq!(read_reply(&record(21, &[2, 40])), fatal);
    assert!(fatal.is_final());
    let warning = Reply::Alert {
        alert: Alert(112),
        fatal: false,
    };
    assert_eq!(read_reply(&record(21, &[1, 112])), warning);
    assert!(!warning.is_final());
    let closed = Reply::Alert {
        alert: Alert(0),
        fatal: true,
    };
    assert_eq!(read_reply(&record(21, &[1, 0])), closed);
}

#[test]
fn hello_after_a_warning_counts_and_an_alert_after_a_hello_is_kept() {
    let warned = [record(21, &[1, 112]), record(22, &flight())].concat();
    assert!(matches!(read_reply(&warned), Reply::ServerHello(_)));
    let cut_off = [
        record(22, &server_hello(0x0302, 0x0035)),
        record(21, &[2, 80]),
    ]
    .concat();
    let Reply::ServerHello(hello) = read_reply(&cut_off) else {
        panic!("a server hello");
    };
    assert_eq!((hello.alert, hello.certificates), (Some(Alert(80)), None));
}

#[test]
fn other_protocols_are_kept_as_they_came() {
    for text in [
        "HTTP/1.1 470 status code 470\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\0",
        "\u{16}\u{2}",
    ] {
        assert_eq!(
            read_reply(text.as_bytes()),
            Reply::NotTls(text.as_bytes().to_vec())
        );
    }
    let Reply::NotTls(kept) = read_reply(&[b'x'; 4 * MAX_KEPT]) else {
        panic!("no TLS");
    };
    assert_eq!(kept.len(), MAX_KEPT);
}

#[test]
fn records_that_hold_nonsense_are_malformed() {
    let short = message(2, &[3, 3]);
    let tls13 = server_hello(0x0304, 0x1301);
    let compressed = {
        let mut hello = server_hello(0x0303, 0x002f);
        *hello.last_mut().unwrap() = 1;
        hello
    };
    for fragment in [short, tls13, compressed, message(14, &[]), certificate(&[])] {
        assert_eq!(
            read_reply(&record(22, &fragment)),
            Reply::Malformed,
            "{fragment:?}"
        );
    }
    assert_eq!(read_reply(&record(21, &[2, 40, 0])), Reply::Malformed);
    assert_eq!(read_reply(&[22, 3, 3, 0xff, 0xff]), Reply::Malformed);
}

/// Bytes that look like a flight more often than noise does.
fn nearly_tls() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(record(22, &flight())),
        Just(record(22, &server_hello(0x0303, 0xc02f))),
        (1..3_u8, any::<u8>()).prop_map(|(level, number)| record(21, &[level, number])),
        (20..25_u8, any::<Vec<u8>>()).prop_map(|(kind, bytes)| record(kind, &bytes)),
        any::<Vec<u8>>(),
    ];
    proptest::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn every_hello_can_be_read_back(labels in "[a-z0-9]{1,63}(\\.[a-z0-9]{1,40}){1,3}\\.example", random: [u8; 32]) {
        let host = name(&labels);
        for hello in OldHello::ALL {
            let bytes = hello.client_hello(Some(&host), random);
            let (version, _, extensions) = read_hello(&bytes);
            prop_assert_eq!(version, hello.version().0);
            prop_assert!(extensions[0].1.ends_with(labels.as_bytes()));
            prop_assert_eq!(&bytes[11..43], random.as_slice());
        }
    }

    #[test]
    fn what_is_final_does_not_change(bytes in nearly_tls(), cut: prop::sample::Index) {
        let first = read_reply(&bytes[..cut.index(bytes.len() + 1)]);
        let whole = read_reply(&bytes);
        match first {
            Reply::NotTls(kept) => {
                let grown = matches!(&whole, Reply::NotTls(more) if more.starts_with(&kept));
                prop_assert!(grown);
            }
            first if first.is_final() => prop_assert_eq!(first, whole),
            Reply::ServerHello(hello) => {
                let same = matches!(&whole, Reply::ServerHello(more) if more.version == hello.version && more.suite == hello.suite);
                prop_assert!(same);
            }
            _ => {}
        }
    }
}
