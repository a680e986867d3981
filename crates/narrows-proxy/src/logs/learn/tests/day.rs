//! A made-up day of a site's traffic, and what is learnt of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use narrows_log::Timestamp;

use super::*;

/// What the day has: where names stand, how many there are below, and the way they go.
const SITE: [(&str, u64, &str); 8] = [
    ("agent#.his.arc.azure.com", 12, "gatewayh1"),
    ("store#.blob.core.windows.net", 5, "gatewayh1"),
    ("bus#.servicebus.windows.net", 3, "gatewayh2"),
    ("host#.prod.corp.example", 40, "proxy"),
    ("build#.ci.corp.example", 9, "direct"),
    ("shop#.co.uk", 4, "proxy"),
    ("vendor#.com", 4, "direct"),
    ("ads#.tracker.example", 6, "refused"),
];

/// The smallest rule set that allows it: one rule where one star may stand, else one for each name.
fn expected() -> Vec<String> {
    let mut rules = vec![
        "*.ci.corp.example:443".to_owned(),
        "*.his.arc.azure.com:443".to_owned(),
        "*.prod.corp.example:443".to_owned(),
    ];
    for (pattern, count, _) in SITE {
        if ["co.uk", "vendor#.com", "windows.net"]
            .iter()
            .any(|end| pattern.ends_with(end))
        {
            rules.extend((0..count).map(|number| name(pattern, number)));
        }
    }
    rules.sort();
    rules
}

fn name(pattern: &str, number: u64) -> String {
    pattern.replace('#', &number.to_string()) + ":443"
}

/// Some 80 000 lines: a request each few seconds, the names in turn but not evenly.
fn day() -> (String, BTreeMap<String, u64>) {
    let (mut log, mut asked) = (String::new(), BTreeMap::new());
    let mut dice = 1_u64;
    for request in 0..40_000_u64 {
        // A generator of Knuth's: the same day each time.
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let (pattern, count, way) = SITE[usize::try_from((dice >> 33) % 8).unwrap()];
        let target = name(pattern, (dice >> 40) % count);
        let time = Timestamp::new(
            1_783_036_800_000 + i64::try_from(request).unwrap() * 2160,
            0,
        );
        if way == "refused" {
            writeln!(log, "time={time} level=WARN msg=\"P:1:C:{request} 127.0.0.1:4 --> \\\"{target}\\\" refused 403 narrows/decide: no\"").unwrap();
            continue;
        }
        writeln!(
            log,
            "time={time} level=INFO msg=\"P:1:C:{request} 127.0.0.1:4 --> {target} on HTTP-1.1\""
        )
        .unwrap();
        writeln!(
            log,
            "time={time} level=INFO msg=\"P:1:C:{request} done via {way} bytes ->:10, <-:20\""
        )
        .unwrap();
        *asked.entry(target).or_default() += 1;
    }
    (log, asked)
}

#[test]
fn a_day_becomes_the_smallest_rules_that_allow_it_with_their_evidence() {
    let (log, asked) = day();
    let lesson = lesson(&log, false);
    let mut found: Vec<_> = lesson
        .rules
        .iter()
        .map(|rule| rule.pattern.to_string())
        .collect();
    found.sort();
    assert_eq!(found, expected());
    // Each rule cites the requests that it allows, and no request is cited twice.
    let cited = lesson.rules.iter().flat_map(|rule| &rule.samples);
    let cited: BTreeMap<_, _> = cited
        .map(|sample| (sample.target.to_string(), sample.requests))
        .collect();
    assert_eq!(cited, asked);
    // None can be left out: each allows a name that no other does.
    for rule in &lesson.rules {
        let others = || {
            lesson
                .rules
                .iter()
                .filter(|other| other.pattern != rule.pattern)
        };
        let mut alone = rule.samples.iter().map(|sample| &sample.target);
        assert!(alone.any(|target| !others().any(|other| other.pattern.matches(target))));
    }
}

#[test]
fn what_a_day_teaches_loads_and_says_how_it_differs() {
    let (log, asked) = day();
    let directory = tempfile::tempdir().unwrap();
    let (seen, file) = (
        directory.path().join("day.log"),
        directory.path().join("learnt.toml"),
    );
    std::fs::write(&seen, log).unwrap();
    let args = logs::LearnArgs {
        allow_shared: false,
        fold: 2,
        files: vec![seen],
    };
    let current = settings(&["--bypass", "*.ci.corp.example,idle.example"]);
    let text = logs::learn(&args, &current).unwrap().text;
    for part in [
        "# + never_gateway *.prod.corp.example:443; now ",
        "# - bypass idle.example",
        "# Never reached, so no rule covers them:\n#   ads",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("# + bypass *.ci.corp.example"), "{text}");
    std::fs::write(&file, &text).unwrap();
    let proxy = ["--proxy", "http://127.0.0.1:9"];
    let flags = ["--config", file.to_str().unwrap(), proxy[0], proxy[1]];
    let rules = rule_set(&settings(&flags)).unwrap();
    for target in asked.keys() {
        assert_ne!(
            rules.decide(&target.parse().unwrap()).route,
            Route::Deny,
            "{target}"
        );
    }
    for other in [
        "ads1.tracker.example:443",
        "other.co.uk:443",
        "x.blob.core.windows.net:443",
    ] {
        assert_eq!(
            rules.decide(&other.parse().unwrap()).route,
            Route::Deny,
            "{other}"
        );
    }
}
