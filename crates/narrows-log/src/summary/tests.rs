use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const ARCPROXY: &str = include_str!("../../testdata/arcproxy.log");
const SQUID: &str = include_str!("../../testdata/squid.log");

fn summary(text: &str) -> Summary {
    let mut summary = Summary::default();
    summary.begin_file("test.log");
    for line in text.lines() {
        summary.add_line(line.as_bytes());
    }
    summary
}

fn line(second: u32, message: &str) -> String {
    format!("time=2024-07-17T04:14:{second:02}.000Z level=INFO msg=\"{message}\"\n")
}

fn open(second: u32, id: u32, target: &str) -> String {
    line(
        second,
        &format!("P:1:C:{id} 127.0.0.1:4000 --> {target} on HTTP-1.1"),
    )
}

fn done(second: u32, id: u32) -> String {
    line(
        second,
        &format!("P:1:C:{id} done via proxy bytes ->:1, <-:2"),
    )
}

#[test]
fn the_names_of_a_real_log_go_by_the_gateway_and_by_the_proxy_as_its_author_says() {
    let report = summary(ARCPROXY).report();
    assert_eq!((report.lines, report.damaged, report.requests), (28, 0, 14));
    assert_eq!((report.without_end, report.ends_without_request), (0, 0));
    let names = |way: Way| -> BTreeSet<&str> {
        let by = report
            .names
            .iter()
            .filter(|name| name.routes.iter().all(|row| row.route == way));
        by.map(|name| name.target.strip_suffix(":443").unwrap())
            .collect()
    };
    assert_eq!(
        names(Way::Proxy),
        BTreeSet::from([
            "gbl.his.arc.azure.com",
            "login.microsoftonline.com",
            "management.azure.com"
        ])
    );
    assert_eq!(
        names(Way::Gateway),
        BTreeSet::from([
            "agentserviceapi.guestconfiguration.azure.com",
            "bd6681ca-a981-464a-91e8-3f28d39f91fa.ods.opinsights.azure.com",
            "dataprocessingservice.japaneast.arcdataservices.com",
            "g2-prod-os-vr0001-sb.servicebus.windows.net",
            "global.handler.control.monitor.azure.com",
            "japaneast-gas.guestconfiguration.azure.com",
            "je.his.arc.azure.com",
            "oaasguestconfigwcuss1.blob.core.windows.net",
            "telemetry.japaneast.arcdataservices.com",
        ])
    );
    let gateway = report.routes[0];
    assert_eq!(
        (gateway.route, gateway.requests, gateway.sent),
        (Way::Gateway, 10, 36_614)
    );
    assert_eq!(gateway.durations.unwrap().max, 69_271);
}

#[test]
fn every_line_of_a_squid_counts() {
    let report = summary(SQUID).report();
    assert_eq!((report.damaged, report.requests), (0, 21));
    let denied = report
        .failures
        .iter()
        .find(|row| row.reason == "TCP_DENIED/407");
    assert_eq!(denied.map(|row| row.count), Some(2));
    assert!(
        report
            .names
            .iter()
            .any(|name| name.target == "127.0.0.1:18443")
    );
    let blocked = report
        .names
        .iter()
        .find(|name| name.target == "blocked.example:443")
        .unwrap();
    assert_eq!(
        blocked.routes.iter().map(|row| row.failures).sum::<u64>(),
        blocked.requests
    );
}

#[test]
fn a_number_that_comes_again_is_a_new_request() {
    let log =
        open(1, 1, "a.example:443") + &open(5, 1, "b.example:443") + &done(7, 1) + &done(8, 1);
    let report = summary(&log).report();
    assert_eq!(
        (
            report.requests,
            report.without_end,
            report.ends_without_request
        ),
        (2, 1, 1)
    );
    let b = report
        .names
        .iter()
        .find(|name| name.target == "b.example:443")
        .unwrap();
    assert_eq!(b.routes[0].durations.unwrap().max, 2000);
}

#[test]
fn cuts_and_refusals_are_failures_with_their_reasons() {
    let log = open(1, 1, "a.example:443")
        + &line(2, "P:1:C:1 ended by target: reset")
        + &done(2, 1)
        + &line(
            3,
            r#"P:1:C:2 127.0.0.1:4000 --> \"A.example:443\" refused 403 narrows/decide: no"#,
        )
        + &line(
            4,
            "P:1:C:3 a.example:443 wanted gateway, took direct: it is down",
        )
        + &line(5, "dropped 12 lines");
    let report = summary(&log).report();
    assert_eq!(report.names.len(), 1);
    assert_eq!(
        report.names[0]
            .routes
            .iter()
            .map(|row| row.failures)
            .sum::<u64>(),
        2
    );
    let reasons: Vec<_> = report.failures.iter().map(|row| &*row.reason).collect();
    assert_eq!(
        reasons,
        ["403 narrows/decide: no", "ended by target: reset"]
    );
    assert_eq!(
        report.fallbacks[0].reason,
        "wanted gateway, took direct: it is down"
    );
    assert_eq!(report.dropped, 12);
}

#[test]
fn damaged_and_cut_lines_are_counted_and_shown_with_their_numbers() {
    let good = open(1, 1, "a.example:443");
    let log = format!(
        "# a comment\n\n{good}{}\nrubbish\x1b[2J\n{good}",
        &good[..60]
    );
    let report = summary(&log).report();
    assert_eq!((report.lines, report.skipped, report.damaged), (6, 2, 2));
    let lines: Vec<_> = report.damage.iter().map(|damage| damage.line).collect();
    assert_eq!(lines, [4, 5]);
    assert_eq!(report.damage[0].file, "test.log");
}

#[test]
#[cfg_attr(miri, ignore = "takes hours there")]
fn any_number_of_names_reasons_and_open_requests_has_its_bound() {
    let mut summary = Summary::default();
    for n in 0..140_000u32 {
        summary.add_line(open(1, n, &format!("n{n}.example:443")).as_bytes());
        summary.add_line(open(1, 1_000_000 + n, "busy.example:443").as_bytes());
        summary.add_line(done(2, 1_000_000 + n).as_bytes());
        if n < 1000 {
            summary.failures.add(&n.to_string());
        }
    }
    let report = summary.report();
    assert!(report.names.len() <= names::MAX_NAMES);
    assert_eq!(
        report.names[0].requests, 140_000,
        "the busiest keeps its row"
    );
    let rows = report.names.iter().chain(&report.others);
    assert_eq!(rows.map(|row| row.requests).sum::<u64>(), 280_000);
    assert!(report.others.is_some());
    assert_eq!(report.without_end, 140_000);
    assert!(summary.pendings.len() <= 131_072);
    assert_eq!(report.failures.len(), 257);
}

#[test]
fn what_cannot_be_seen_is_escaped() {
    let hostile = line(
        3,
        r#"P:1:C:2 127.0.0.1:4000 --> \"\\x1b[2J\\u202e\" refused 400 narrows/head: \x1b]0;"#,
    );
    let report = summary(&hostile).report();
    assert_eq!(report.requests, 1, "{report:?}");
    let json = serde_json::to_string(&report).unwrap();
    assert!(
        !json.contains("\\u001b") && !json.contains(['\x1b', '\u{202e}']),
        "{json}"
    );
}

proptest! {
    #[test]
    fn a_timeline_keeps_its_bound_and_loses_nothing(
        times in proptest::collection::vec(any::<i64>().prop_map(|ms| ms / 1000), 1..300),
        near in proptest::collection::vec(0..10_000_000i64, 0..300),
    ) {
        let mut timeline = Timeline::default();
        for ms in near.iter().chain(&times) {
            timeline.at(Timestamp::new(*ms, 0)).requests += 1;
            prop_assert!(timeline.iter().count() <= usize::try_from(timeline::MAX_MOMENTS).unwrap());
        }
        let sum: u64 = timeline.iter().map(|(_, count)| count.requests).sum();
        prop_assert_eq!(sum, (near.len() + times.len()) as u64);
    }

    #[test]
    fn no_lines_panic(lines in proptest::collection::vec(any::<Vec<u8>>(), 0..8)) {
        let mut summary = Summary::default();
        for line in &lines {
            summary.add_line(line);
        }
        prop_assert_eq!(summary.report().lines, lines.len() as u64);
    }
}
