use std::net::{IpAddr, SocketAddr};

use narrows_endpoint::{Hop, Route, Step, Target};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::text::Text;
use crate::words::{Address, ConnId, HttpVersion, Via};

#[test]
fn arcproxy_lines_come_back_byte_for_byte() {
    let log = include_str!("../../testdata/arcproxy.log");
    assert_eq!(log.lines().count(), 28);
    for line in log.lines() {
        let record: Record = line.parse().unwrap();
        assert!(!matches!(record.event, Event::Note(_)), "{line}");
        assert_eq!(record.to_string(), line);
    }
}

const ID: ConnId = ConnId {
    listener: 1,
    connection: 3,
};

fn client() -> Address {
    "127.0.0.1:49802".parse::<SocketAddr>().unwrap().into()
}

#[track_caller]
fn writes(event: Event, severity: &str, message: &str) {
    let record = Record::new(Timestamp::new(0, 0), event);
    let line = format!("time=1970-01-01T00:00:00.000Z level={severity} msg={message}");
    assert_eq!(record.to_string(), line);
    assert_eq!(line.parse(), Ok(record));
}

#[test]
fn forms_of_our_own() {
    let target: Target = "je.his.arc.azure.com:443".parse().unwrap();
    let refused = |target: &str| Event::Refused {
        client: client(),
        hop: Hop::Narrows,
        id: ID,
        reason: "the port is missing".into(),
        status: 400,
        step: Step::Head,
        target: target.into(),
    };
    writes(
        refused("example.com"),
        "WARN",
        r#""P:1:C:3 127.0.0.1:49802 --> \"example.com\" refused 400 narrows/head: the port is missing""#,
    );
    writes(
        refused("a\" refused 200\n\x1b[31m\u{2028}"),
        "WARN",
        r#""P:1:C:3 127.0.0.1:49802 --> \"a\\\" refused 200\\n\\x1b[31m\\u2028\" refused 400 narrows/head: the port is missing""#,
    );
    writes(
        Event::Ended {
            by: Hop::Target,
            id: ID,
            reason: "reset".into(),
        },
        "WARN",
        "\"P:1:C:3 ended by target: reset\"",
    );
    writes(
        Event::Fallback {
            id: ID,
            reason: "no gateway is configured".into(),
            target,
            took: Route::Direct,
            wanted: Route::Gateway,
        },
        "WARN",
        "\"P:1:C:3 je.his.arc.azure.com:443 wanted gateway, took direct: no gateway is configured\"",
    );
    writes(
        Event::Started {
            detail: "narrows-proxy 0.1.0".into(),
            listen: "[::1]:40343".parse::<SocketAddr>().unwrap().into(),
        },
        "INFO",
        "\"started [::1]:40343 narrows-proxy 0.1.0\"",
    );
    writes(
        Event::Stopped {
            detail: "12 tunnels were open".into(),
        },
        "INFO",
        "\"stopped 12 tunnels were open\"",
    );
    writes(Event::Dropped { lines: 1 }, "ERROR", "\"dropped 1 line\"");
    writes(
        Event::Dropped { lines: 12 },
        "ERROR",
        "\"dropped 12 lines\"",
    );
}

#[test]
fn notes_are_never_taken_for_events() {
    for (text, message) in [
        ("hello", "hello"),
        ("", "\"\""),
        ("two words", "\"two words\""),
        ("a=b", "\"a=b\""),
        (r"C:\Log", r"C:\Log"),
        ("dropped 12 line", "\"dropped 12 line\""),
        ("dropped 12 lines", "\"note: dropped 12 lines\""),
        ("stopped ", "\"note: stopped \""),
        ("note: x", "\"note: note: x\""),
        (
            "P:1:C:1 done via proxy bytes ->:1, <-:2",
            "\"note: P:1:C:1 done via proxy bytes ->:1, <-:2\"",
        ),
        (
            "P:1:C:1 done via carrier pigeon bytes ->:1, <-:2",
            "\"P:1:C:1 done via carrier pigeon bytes ->:1, <-:2\"",
        ),
    ] {
        writes(Event::Note(text.into()), "INFO", message);
    }
}

#[test]
fn foreign_lines_become_notes() {
    for (line, text) in [
        ("msg=\"P:1:C:2 went away\"", "P:1:C:2 went away"),
        (
            "msg=\"dial failed\" err=\"i/o timeout\"",
            "dial failed err=\"i/o timeout\"",
        ),
        ("msg=ready port=40343", "ready port=40343"),
        ("msg=\"octets \\xff \\303\\251\"", "octets \u{fffd} é"),
        (
            "msg=\"P:1:C:2 x --> y:1 on HTTP-1.1\"",
            "P:1:C:2 x --> y:1 on HTTP-1.1",
        ),
        (
            "msg=\"P:1:C:+2 done via proxy bytes ->:1, <-:2\"",
            "P:1:C:+2 done via proxy bytes ->:1, <-:2",
        ),
        (
            "msg=\"P:1:C:2 done via proxy bytes ->:99999999999999999999, <-:2\"",
            "P:1:C:2 done via proxy bytes ->:99999999999999999999, <-:2",
        ),
    ] {
        let line = format!("time=2024-07-17T04:14:46.339-07:00 level=DEBUG {line}\r\n");
        let record: Record = line.parse().unwrap();
        assert_eq!(record.event, Event::Note(text.into()), "{line}");
    }
}

#[test]
fn damaged_lines_say_why() {
    for (line, why) in [
        ("", RecordError::Missing("time")),
        ("P:1:C:1 done", RecordError::Missing("time")),
        (
            "time=2024-07-17T04:14:46.339Z",
            RecordError::Missing("time"),
        ),
        (
            "time=2024-07-17T04:14:46.339Z msg=x",
            RecordError::Missing("level"),
        ),
        (
            "time=2024-07-17T04:14:46.339Z level=INFO x",
            RecordError::Missing("msg"),
        ),
        (
            "time=yesterday level=INFO msg=x",
            RecordError::Time(TimestampError),
        ),
        (
            "time=2024-07-17T04:14:46.339Z level=LOUD msg=x",
            RecordError::Severity,
        ),
        (
            "time=2024-07-17T04:14:46.339Z level=INFO msg=",
            RecordError::Message,
        ),
        (
            "time=2024-07-17T04:14:46.339Z level=INFO msg=a\"b",
            RecordError::Message,
        ),
        (
            "time=2024-07-17T04:14:46.339Z level=INFO msg=\"a\"b",
            RecordError::Message,
        ),
        (
            "time=2024-07-17T04:14:46.339Z level=INFO msg=\"a",
            RecordError::Unquote,
        ),
        (
            "time=2024-07-17T04:14:46.339Z level=INFO msg=\"a\nb\"",
            RecordError::Unquote,
        ),
        (
            "time=2024-07-17T04:14:46.339Z level=INFO msg=\"\\q\"",
            RecordError::Unquote,
        ),
    ] {
        assert_eq!(line.parse::<Record>(), Err(why), "{line:?}");
    }
}

fn hostile() -> impl Strategy<Value = Text> {
    let piece = prop_oneof![
        any::<String>(),
        "[ -~]{0,12}",
        select(vec![
            "\"",
            "\\",
            "\n",
            "\r\n",
            "\t",
            "\0",
            "\x1b[2J",
            "\u{2028}",
            "\u{7f}",
            "\u{85}",
            "\u{301}",
            "\u{fffd}",
            "\u{10ffff}",
            "\u{e000}",
            "=",
            ": ",
            " refused 400 ",
            "P:1:C:2 ",
            "note: ",
            "started ",
            "stopped ",
            "dropped ",
            "1 line",
            " --> ",
            " on HTTP-1.1",
            "…",
        ])
        .prop_map(str::to_owned),
    ];
    prop_oneof![
        proptest::collection::vec(piece, 0..8).prop_map(|pieces| Text::new(pieces.concat())),
        (any::<char>(), 500usize..4096).prop_map(|(c, n)| Text::new(String::from(c).repeat(n))),
    ]
}

fn target() -> impl Strategy<Value = Target> {
    let host = prop_oneof![
        "[a-z0-9_-]{1,63}(\\.[a-z_-]{1,30}){1,3}",
        any::<std::net::Ipv4Addr>().prop_map(|ip| ip.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|ip| format!("[{ip}]")),
    ];
    (host, 1u16..).prop_map(|(host, port)| format!("{host}:{port}").parse().unwrap())
}

fn address() -> impl Strategy<Value = Address> {
    (any::<IpAddr>(), any::<u16>(), any::<u32>(), any::<u32>()).prop_map(
        |(ip, port, flow, scope)| {
            let mut address = SocketAddr::new(ip, port);
            if let SocketAddr::V6(v6) = &mut address {
                v6.set_flowinfo(flow);
                v6.set_scope_id(scope);
            }
            address.into()
        },
    )
}

fn id() -> impl Strategy<Value = ConnId> {
    any::<(u64, u64)>().prop_map(|(listener, connection)| ConnId {
        listener,
        connection,
    })
}

fn event() -> impl Strategy<Value = Event> {
    let hop = || select(Hop::ALL.to_vec());
    let route = || {
        select(vec![
            Route::Deny,
            Route::Direct,
            Route::Gateway,
            Route::Proxy,
        ])
    };
    prop_oneof![
        (id(), any::<(u64, u64)>(), select(Via::ALL.to_vec())).prop_map(
            |(id, (sent, received), via)| Event::Done {
                id,
                sent,
                received,
                via
            }
        ),
        any::<u64>().prop_map(|lines| Event::Dropped { lines }),
        (hop(), id(), hostile()).prop_map(|(by, id, reason)| Event::Ended { by, id, reason }),
        (id(), hostile(), target(), route(), route()).prop_map(
            |(id, reason, target, took, wanted)| Event::Fallback {
                id,
                reason,
                target,
                took,
                wanted
            }
        ),
        (id(), hostile(), target()).prop_map(|(id, reason, target)| Event::WouldDeny {
            id,
            reason,
            target
        }),
        hostile().prop_map(Event::Note),
        (address(), id(), target(), select(HttpVersion::ALL.to_vec())).prop_map(
            |(client, id, target, version)| Event::Open {
                client,
                id,
                target,
                version
            }
        ),
        (
            address(),
            hop(),
            id(),
            hostile(),
            any::<u16>(),
            select(Step::ALL.to_vec()),
            hostile()
        )
            .prop_map(
                |(client, hop, id, reason, status, step, target)| Event::Refused {
                    client,
                    hop,
                    id,
                    reason,
                    status,
                    step,
                    target
                }
            ),
        (hostile(), address()).prop_map(|(detail, listen)| Event::Started { detail, listen }),
        hostile().prop_map(|detail| Event::Stopped { detail }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_record_is_one_line_that_comes_back(
        event in event(),
        severity in select(Severity::ALL.to_vec()),
        ms: i64,
        offset: i32,
    ) {
        let record = Record { time: Timestamp::new(ms, offset), severity, event };
        let line = record.to_string();
        let visible = |c: char| c == ' ' || !c.is_whitespace() && !c.is_control() || c == '\x7f';
        prop_assert!(line.chars().all(visible), "{:?}", line);
        prop_assert_eq!(line.parse::<Record>(), Ok(record));
    }

    #[test]
    fn any_line_that_is_read_is_written_as_one_that_reads_the_same(
        message in "[ -~]{0,60}",
        quoted in any::<bool>(),
    ) {
        let message = if quoted { format!("\"{message}\"") } else { message };
        let line = format!("time=2024-07-17T04:14:46.339-07:00 level=INFO msg={message}");
        if let Ok(record) = line.parse::<Record>() {
            prop_assert_eq!(record.to_string().parse::<Record>(), Ok(record));
        }
    }

    #[test]
    fn no_line_panics(line in any::<String>()) {
        let _ = line.parse::<Record>();
        let _ = format!("time=2024-07-17T04:14:46.339-07:00 level=INFO msg=\"{line}").parse::<Record>();
    }
}
