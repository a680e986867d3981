use narrows_log::Summary;

use super::*;
use crate::rules::rule_set;
use crate::settings::Settings;
use crate::{cli, logs};

mod day;

const ARCPROXY: &str = include_str!("../../../../narrows-log/testdata/arcproxy.log");

fn settings(args: &[&str]) -> Settings {
    let args = ["narrows-proxy"].iter().chain(args);
    let (cli, origins) = cli::parse(args).unwrap();
    Settings::resolve(&cli.options, &origins, |_| None).unwrap()
}

/// A request to each target by its way; `refused` is none.
fn log(requests: &[(&str, &str)]) -> String {
    let line = |(at, (via, target)): (usize, &(&str, &str))| {
        let head = "time=2024-07-17T04:14:46.339Z level=INFO msg=";
        let id = format!("P:1:C:{at}");
        match *via {
            "refused" => format!(
                "{head}\"{id} 127.0.0.1:4 --> \\\"{target}\\\" refused 403 narrows/decide: no\"\n"
            ),
            via => format!(
                "{head}\"{id} 127.0.0.1:4 --> {target} on HTTP-1.1\"\n\
                 {head}\"{id} done via {via} bytes ->:1, <-:1\"\n"
            ),
        }
    };
    requests.iter().enumerate().map(line).collect()
}

fn lesson(log: &str, allow_shared: bool) -> Lesson {
    let mut summary = Summary::default();
    log.lines()
        .for_each(|line| summary.add_line(line.as_bytes()));
    let current = rule_set(&settings(&[])).unwrap();
    learn(
        &summary.report(),
        &current,
        Limits {
            allow_shared,
            fold: 2,
        },
    )
}

#[track_caller]
fn learns(requests: &[(&str, &str)], expected: &[&str]) {
    let lesson = lesson(&log(requests), false);
    let mut found: Vec<_> = lesson
        .rules
        .iter()
        .map(|rule| rule.pattern.to_string())
        .collect();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn names_fold_at_the_deepest_suffix_that_saves_as_much() {
    learns(
        &[
            ("proxy", "a.x.corp.example:443"),
            ("proxy", "b.x.corp.example:443"),
        ],
        &["*.x.corp.example:443"],
    );
    learns(
        &[
            ("proxy", "a.corp.example:443"),
            ("proxy", "corp.example:443"),
            ("proxy", "b.y.corp.example:443"),
        ],
        &["*.corp.example:443", "corp.example:443"],
    );
    learns(
        &[
            ("proxy", "a.corp.example:443"),
            ("proxy", "b.corp.example:8443"),
        ],
        &["a.corp.example:443", "b.corp.example:8443"],
    );
    learns(
        &[("proxy", "192.0.2.1:443"), ("proxy", "192.0.2.2:443")],
        &["192.0.2.1:443", "192.0.2.2:443"],
    );
}

#[test]
fn no_star_covers_a_public_or_a_shared_suffix() {
    for suffix in [
        "com",
        "co.uk",
        "blob.core.windows.net",
        "servicebus.windows.net",
        "azure.com",
        "windows.net",
        "github.io",
    ] {
        let (a, b) = (format!("a.{suffix}:443"), format!("b.{suffix}:443"));
        learns(&[("gatewayh1", &a), ("gatewayh1", &b)], &[&a, &b]);
    }
    let requests = [
        ("gatewayh1", "a.blob.core.windows.net:443"),
        ("gatewayh1", "b.blob.core.windows.net:443"),
    ];
    let asked = lesson(&log(&requests), true);
    assert_eq!(
        asked.rules[0].pattern.to_string(),
        "*.blob.core.windows.net:443"
    );
    let asked = lesson(
        &log(&[("proxy", "a.co.uk:443"), ("proxy", "b.co.uk:443")]),
        true,
    );
    assert_eq!(
        asked.rules.len(),
        2,
        "a registry is not covered even when asked"
    );
}

#[test]
fn no_star_covers_what_was_refused_or_went_another_way() {
    learns(
        &[
            ("proxy", "a.corp.example:443"),
            ("proxy", "b.corp.example:443"),
            ("refused", "ads.corp.example:443"),
        ],
        &["a.corp.example:443", "b.corp.example:443"],
    );
    learns(
        &[
            ("proxy", "a.corp.example:443"),
            ("proxy", "b.corp.example:443"),
            ("gatewayh1", "c.corp.example:443"),
        ],
        &[
            "a.corp.example:443",
            "b.corp.example:443",
            "c.corp.example:443",
        ],
    );
}

#[test]
fn what_is_learnt_of_a_real_log_loads_and_decides_as_it_was_seen() {
    let directory = tempfile::tempdir().unwrap();
    let (seen, file) = (
        directory.path().join("seen.log"),
        directory.path().join("learnt.toml"),
    );
    std::fs::write(&seen, ARCPROXY).unwrap();
    let args = logs::LearnArgs {
        allow_shared: false,
        fold: 2,
        files: vec![seen],
    };
    let text = logs::learn(&args, &settings(&[])).unwrap().text;
    for part in [
        "# 10 rules for 12 names, learnt from 14 requests.\n",
        "    # requests: 2, names: 2, 2024-07-17T04:30:23.851-07:00 to 2024-07-17T04:30:52.930-07:00\n    \"*.guestconfiguration.azure.com:443\",\n",
        "    \"*.japaneast.arcdataservices.com:443\",\n",
        "    \"oaasguestconfigwcuss1.blob.core.windows.net:443\",\n",
    ] {
        assert!(text.contains(part), "{text}");
    }
    std::fs::write(&file, &text).unwrap();
    let settings = settings(&[
        "--config",
        file.to_str().unwrap(),
        "--proxy",
        "http://127.0.0.1:9",
    ]);
    let rules = rule_set(&settings).unwrap();
    let names = lesson(ARCPROXY, false)
        .rules
        .into_iter()
        .flat_map(|rule| rule.samples);
    for name in names {
        assert_eq!(
            rules.decide(&name.target).level,
            name.level,
            "{}",
            name.target
        );
    }
    let other: Target = "example.com:443".parse().unwrap();
    assert_eq!(rules.decide(&other).route, Route::Deny);
}

#[test]
fn the_difference_names_what_is_new_and_what_was_not_seen() {
    let directory = tempfile::tempdir().unwrap();
    let seen = directory.path().join("seen.log");
    std::fs::write(
        &seen,
        log(&[("direct", "new.example:443"), ("direct", "old.example:443")]),
    )
    .unwrap();
    let args = logs::LearnArgs {
        allow_shared: false,
        fold: 2,
        files: vec![seen],
    };
    let text = logs::learn(&args, &settings(&["--bypass", "old.example,idle.example"]))
        .unwrap()
        .text;
    assert!(text.contains("# + bypass new.example:443; now "), "{text}");
    assert!(text.contains("# - bypass idle.example"), "{text}");
    assert!(!text.contains("# + bypass old.example"), "{text}");
}
