use narrows_log::Summary;
use proptest::prelude::*;

use super::*;

fn report(log: &str) -> Report {
    let mut summary = Summary::default();
    for line in log.lines() {
        summary.add_line(line.as_bytes());
    }
    summary.report()
}

/// The names in the table of one way.
fn names_of(text: &str, way: &str) -> Vec<String> {
    let table = text
        .split("\n\n")
        .find(|part| part.starts_with(way))
        .unwrap();
    let rows = table
        .lines()
        .skip(2)
        .filter_map(|row| row.split_whitespace().last());
    rows.map(str::to_owned).collect()
}

#[test]
fn the_tables_say_which_names_go_by_the_gateway_and_which_by_the_proxy() {
    let text = write(
        &report(include_str!(
            "../../../../narrows-log/testdata/arcproxy.log"
        )),
        20,
    );
    let (gateway, proxy) = (
        names_of(&text, "GATEWAY: 9 names"),
        names_of(&text, "PROXY: 3 names"),
    );
    assert_eq!(gateway.len(), 9, "{text}");
    assert_eq!(gateway[0], "oaasguestconfigwcuss1.blob.core.windows.net");
    assert!(gateway.iter().all(|name| !name.ends_with('…')), "{text}");
    assert_eq!(proxy[0], "gbl.his.arc.azure.com");
    assert!(proxy.contains(&"management.azure.com".to_owned()), "{text}");
    assert!(text.contains("\nTIMELINE: requests, "), "{text}");
}

#[test]
fn what_is_left_out_is_counted() {
    let log = include_str!("../../../../narrows-log/testdata/squid.log");
    let text = write(&report(&format!("{log}\nrubbish\n")), 2);
    assert!(text.contains("\n  and 3 more\n"), "{text}");
    assert!(text.contains("\n1 lines are damaged"), "{text}");
    assert!(text.contains("\nDAMAGED LINES\n"), "{text}");
    assert!(write(&report(""), 20).starts_with("0 lines, 0 requests"));
}

#[test]
fn units() {
    for (count, text) in [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1550, "1.5 kB"),
        (123_456_789, "123 MB"),
    ] {
        assert_eq!(bytes(count), text);
    }
    for (ms, text) in [
        (3, "3 ms"),
        (1504, "1.5 s"),
        (69_271, "1.1 min"),
        (7_200_000, "2 h"),
    ] {
        assert_eq!(duration(ms), text);
    }
}

proptest! {
    #[test]
    fn no_line_is_wider_than_a_hundred_columns(
        target in any::<String>(),
        count in any::<u64>(),
        ms in any::<i64>(),
    ) {
        let mut access = narrows_log::Access::new(narrows_log::Timestamp::new(ms, 0), "c");
        access.target = target.into();
        access.received = count;
        access.sent = Some(count);
        access.elapsed_ms = Some(count);
        let mut summary = Summary::default();
        summary.add(&narrows_log::Entry::Access(Box::new(access)));
        summary.add_line(b"time=2024-07-17T04:14:46.339-07:00 level=INFO msg=\"dropped 18446744073709551615 lines\"");
        for line in write(&summary.report(), 20).lines() {
            prop_assert!(line.chars().count() <= 100, "{}", line);
            prop_assert!(!line.contains(char::is_control));
        }
    }
}
