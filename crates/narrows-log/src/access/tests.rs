use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Lines that Squid 5.7 wrote, and those of a public post with a date in front.
const SQUID: &str = include_str!("../../testdata/squid.log");

#[test]
fn every_line_of_a_squid_is_understood() {
    let lines = SQUID.lines().filter(|line| !line.starts_with('#'));
    let read: Vec<_> = lines
        .map(|line| {
            Access::parse(AccessFormat::Squid, line).unwrap_or_else(|e| panic!("{line}: {e}"))
        })
        .collect();
    assert_eq!(read.len(), 21);
    let denied = &read[4];
    assert_eq!(denied.result.as_deref(), Some("TCP_DENIED"));
    assert_eq!((denied.status, denied.via), (403, None));
    assert_eq!(&*denied.target, "blocked.example:443");
    let dated = &read[15];
    assert_eq!(dated.time.unix_ms(), 1_721_278_361_538);
    assert_eq!(dated.elapsed_ms, Some(2187));
    assert_eq!(dated.peer.as_deref(), Some("40.90.64.10"));
    assert_eq!(dated.via, Some(Via::Direct));
}

fn tunnel() -> Access {
    Access {
        client: "127.0.0.1:49802".into(),
        elapsed_ms: Some(1504),
        fallback: None,
        fault: None,
        id: Some(ConnId {
            listener: 2,
            connection: 14,
        }),
        identity: Some("token:alice".into()),
        method: "CONNECT".into(),
        peer: Some("[2001:db8::1]:443".into()),
        received: 5576,
        result: None,
        rule: Some("gateway edge (edge.json:3)".into()),
        sent: Some(2290),
        status: 200,
        target: "je.his.arc.azure.com:443".into(),
        time: Timestamp::new(1_721_215_716_280, -7 * 3600),
        version: Some(HttpVersion::Http11),
        via: Some(Via::GatewayH1),
    }
}

#[track_caller]
fn writes(access: &Access, format: AccessFormat, expected: &str) {
    let mut line = String::new();
    access.write_line(format, &mut line);
    assert_eq!(line, format!("{expected}\n"));
}

#[test]
fn forms() {
    let open = tunnel();
    writes(
        &open,
        AccessFormat::Squid,
        "1721215716.280   1504 127.0.0.1 TCP_TUNNEL/200 5576 CONNECT je.his.arc.azure.com:443 token:alice FIRSTUP_PARENT/2001:db8::1 -",
    );
    writes(
        &open,
        AccessFormat::Clf,
        r#"127.0.0.1:49802 - token:alice [17/Jul/2024:04:28:36 -0700] "CONNECT je.his.arc.azure.com:443 HTTP/1.1" 200 5576"#,
    );
    writes(
        &open,
        AccessFormat::Json,
        r#"{"time":"2024-07-17T04:28:36.280-07:00","id":"P:2:C:14","client":"127.0.0.1:49802","identity":"token:alice","method":"CONNECT","target":"je.his.arc.azure.com:443","version":"HTTP-1.1","status":200,"via":"gatewayh1","peer":"[2001:db8::1]:443","rule":"gateway edge (edge.json:3)","elapsed_ms":1504,"sent":2290,"received":5576}"#,
    );
}

#[test]
fn refusals_have_squids_words() {
    let refused = |by, step, status| Access {
        fault: Some(AccessFault {
            by,
            reason: "why".into(),
            step,
        }),
        peer: None,
        received: 0,
        status,
        via: None,
        ..tunnel()
    };
    for (access, word) in [
        (refused(Hop::Narrows, Step::Decide, 403), " TCP_DENIED/403 "),
        (refused(Hop::Target, Step::Connect, 502), " NONE_NONE/502 "),
    ] {
        let mut line = String::new();
        access.write_line(AccessFormat::Squid, &mut line);
        assert!(
            line.contains(word) && line.contains("HIER_NONE/-"),
            "{line}"
        );
    }
}

#[test]
fn combined_lines_of_other_servers_are_read() {
    let line = r#"192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] "GET http://example.com/a\"b HTTP/1.0" 200 - "http://r" "agent 1""#;
    let access = Access::parse(AccessFormat::Clf, line).unwrap();
    assert_eq!(&*access.method, "GET");
    assert_eq!((access.status, access.received), (200, 0));
    assert_eq!(access.version, Some(HttpVersion::Http10));
    assert_eq!(access.time.to_string(), "2000-10-10T13:55:36.000-07:00");
}

#[test]
fn damaged_lines_say_what_is_missing() {
    for (format, line, missing) in [
        (AccessFormat::Squid, "", "the time"),
        (
            AccessFormat::Squid,
            "1795288236.1 5 c T/200 1 G t - H/- -",
            "the time",
        ),
        (
            AccessFormat::Squid,
            "1795288236.129 5 127.0.0.1 TCP_TUNNEL 2046",
            "the result",
        ),
        (
            AccessFormat::Squid,
            "1795288236.129 5 127.0.0.1 T/99999 2046",
            "the status",
        ),
        (
            AccessFormat::Clf,
            "127.0.0.1 - - [10/Okt/2000:13:55:36 -0700] \"",
            "the time",
        ),
        (
            AccessFormat::Clf,
            "127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET",
            "the request",
        ),
        (AccessFormat::Json, "{}", "missing field"),
        (AccessFormat::Json, "{\"time\":1}", "invalid type"),
    ] {
        let error = Access::parse(format, line).unwrap_err().to_string();
        assert!(error.contains(missing), "{line:?}: {error}");
    }
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "\\PC{0,12}",
        2 => any::<String>(),
        1 => select(vec!["-", "%", "%41", "\\x41", "a b", "\"", "\n", "\x1b[31m", "\u{2028}", "\u{202e}", "\\"])
            .prop_map(str::to_owned),
    ]
}

fn accesses() -> impl Strategy<Value = Access> {
    let texts = (
        hostile(),
        hostile(),
        hostile(),
        hostile(),
        hostile(),
        hostile(),
    );
    let words = (
        prop::option::of(select(Via::ALL.to_vec())),
        prop::option::of(select(HttpVersion::ALL.to_vec())),
        prop::option::of((select(Hop::ALL.to_vec()), select(Step::ALL.to_vec()))),
        any::<bool>(),
    );
    let numbers = (
        any::<i64>(),
        -86_000..86_000i32,
        any::<u64>(),
        any::<u64>(),
        any::<u16>(),
    );
    (texts, words, numbers).prop_map(
        |((a, b, c, d, e, f), (via, version, fault, more), (ms, offset, x, y, status))| Access {
            client: a.into(),
            elapsed_ms: more.then_some(x),
            fallback: more.then(|| AccessFallback {
                reason: e.as_str().into(),
                took: Route::Direct,
                wanted: Route::Gateway,
            }),
            fault: fault.map(|(by, step)| AccessFault {
                by,
                reason: f.as_str().into(),
                step,
            }),
            id: more.then_some(ConnId {
                listener: x,
                connection: y,
            }),
            identity: (!b.is_empty()).then(|| b.into()),
            method: c.into(),
            peer: more.then(|| d.as_str().into()),
            received: y,
            result: None,
            rule: more.then(|| e.into()),
            sent: more.then_some(x),
            status,
            target: d.into(),
            time: Timestamp::new(ms, offset),
            version,
            via,
        },
    )
}

proptest! {
    #[test]
    fn json_reads_back_the_same(access in accesses()) {
        let mut line = String::new();
        access.write_line(AccessFormat::Json, &mut line);
        prop_assert_eq!(line.lines().count(), 1);
        let visible = !line.contains(['\u{2028}', '\u{202e}', '\x1b']);
        prop_assert!(visible, "{}", line);
        prop_assert_eq!(Access::parse(AccessFormat::Json, &line).unwrap(), access);
    }

    /// What the narrower formats have a place for is read back, and written the same again.
    #[test]
    fn narrow_lines_read_back_what_they_say(access in accesses()) {
        for format in [AccessFormat::Clf, AccessFormat::Squid] {
            let mut line = String::new();
            access.write_line(format, &mut line);
            prop_assert!(line.trim_end().bytes().all(|b| matches!(b, b' '..=b'~')), "{}", line);
            let read = Access::parse(format, &line).unwrap();
            prop_assert_eq!(&read.target, &access.target);
            prop_assert_eq!(&read.method, &access.method);
            prop_assert_eq!(&read.identity, &access.identity);
            prop_assert_eq!((read.status, read.received), (access.status, access.received));
            let mut again = String::new();
            read.write_line(format, &mut again);
            prop_assert_eq!(again, line);
        }
    }

    #[test]
    fn any_line_is_read_or_refused(line in hostile()) {
        for format in AccessFormat::ALL {
            let _ = Access::parse(format, &line);
        }
    }
}
