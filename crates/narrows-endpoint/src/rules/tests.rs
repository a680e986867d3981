use std::num::NonZeroU16;

use proptest::prelude::*;

use super::*;
use crate::host::Host;
use crate::pattern::Pattern;

mod reference;

const ROUTES: Routes = Routes {
    never: Route::Proxy,
    default: Route::Direct,
};

fn line(line: u32) -> Source {
    Source::File {
        path: "rules.toml".into(),
        line,
    }
}

#[track_caller]
fn rules(rows: &[(Level, &str)]) -> RuleSet {
    let mut builder = RuleSet::builder(ROUTES);
    for (&(level, text), at) in rows.iter().zip(1..) {
        builder = builder.text(level, text, line(at)).unwrap();
    }
    builder.build().unwrap()
}

/// Checks which of the rules decides, in the given order and in the reverse one.
#[track_caller]
fn check(rows: &[(Level, &str)], target: &str, pattern: Option<&str>) {
    let mut reversed = rows.to_vec();
    reversed.reverse();
    let target = target.parse().unwrap();
    for rows in [rows, &reversed] {
        let rules = rules(rows);
        let found = rules.decide(&target).pattern.map(ToString::to_string);
        assert_eq!(found.as_deref(), pattern, "{target}");
    }
}

#[test]
fn levels_win_over_specificity() {
    use Level::{Bypass, Carried, Deny, Never};
    let rows = [
        (Carried, "a.b.example.com:443"),
        (Bypass, "*.b.example.com"),
        (Never, "a*.b.example.com:80-90"),
        (Deny, "*.example.com:80"),
    ];
    check(&rows, "a.b.example.com:443", Some("*.b.example.com"));
    check(&rows, "a.b.example.com:81", Some("a*.b.example.com:80-90"));
    check(&rows, "a.b.example.com:80", Some("*.example.com:80"));
    check(&rows, "example.com:80", None);
}

#[test]
fn the_most_specific_wins_inside_a_level() {
    let rows = [
        (Level::Carried, "*.example.com"),
        (Level::Carried, "*.b.example.com"),
        (Level::Carried, "a*.b.example.com"),
        (Level::Carried, "ab*.b.example.com"),
        (Level::Carried, "abc.b.example.com"),
        (Level::Carried, "abc.b.example.com:440-450"),
        (Level::Carried, "abc.b.example.com:443"),
        (Level::Carried, "abc.b.example.com:400-500"),
    ];
    check(&rows, "x.example.com:1", Some("*.example.com"));
    check(&rows, "x.b.example.com:1", Some("*.b.example.com"));
    check(&rows, "ax.b.example.com:1", Some("a*.b.example.com"));
    check(&rows, "abx.b.example.com:1", Some("ab*.b.example.com"));
    check(&rows, "abc.b.example.com:1", Some("abc.b.example.com"));
    check(
        &rows,
        "abc.b.example.com:443",
        Some("abc.b.example.com:443"),
    );
    check(
        &rows,
        "abc.b.example.com:444",
        Some("abc.b.example.com:440-450"),
    );
    check(
        &rows,
        "abc.b.example.com:401",
        Some("abc.b.example.com:400-500"),
    );
    check(&rows, "b.example.com:1", Some("*.example.com"));
    check(&rows, "example.com:1", None);
}

#[test]
fn a_port_that_does_not_match_is_no_match() {
    let rows = [
        (Level::Never, "a.example.com:443"),
        (Level::Carried, "a.example.com:80"),
        (Level::Carried, "*.example.com:8080"),
        (Level::Carried, "*.com.example:1"),
    ];
    check(&rows, "a.example.com:443", Some("a.example.com:443"));
    check(&rows, "a.example.com:80", Some("a.example.com:80"));
    check(&rows, "a.example.com:8080", Some("*.example.com:8080"));
    check(&rows, "a.example.com:81", None);
}

#[test]
fn longer_prefixes_win() {
    let rows = [
        (Level::Bypass, "0.0.0.0/0"),
        (Level::Bypass, "10.0.0.0/8"),
        (Level::Bypass, "10.0.0.0/16:443"),
        (Level::Bypass, "10.0.0.1"),
        (Level::Bypass, "2001:db8::/32"),
    ];
    check(&rows, "10.0.0.1:443", Some("10.0.0.1"));
    check(&rows, "[::ffff:10.0.0.1]:443", Some("10.0.0.1"));
    check(&rows, "10.0.0.2:443", Some("10.0.0.0/16:443"));
    check(&rows, "10.0.0.2:80", Some("10.0.0.0/8"));
    check(&rows, "11.0.0.2:80", Some("0.0.0.0/0"));
    check(&rows, "[2001:db8::1]:80", Some("[2001:db8::]/32"));
    check(&rows, "[::1]:80", None);
}

#[test]
fn a_decision_says_why() {
    let rules = rules(&[
        (Level::Deny, "evil.example.com"),
        (Level::Never, "gbl.example.com"),
        (Level::Bypass, "near.example.com"),
        (Level::Carried, "*.example.com:443"),
    ]);
    for (target, route, reason) in [
        (
            "evil.example.com:1",
            Route::Deny,
            "refused by policy: matches evil.example.com (rules.toml:1)",
        ),
        (
            "gbl.example.com:1",
            Route::Proxy,
            "never by the gateway: matches gbl.example.com (rules.toml:2)",
        ),
        (
            "near.example.com:1",
            Route::Direct,
            "past the proxy and the gateway: matches near.example.com (rules.toml:3)",
        ),
        (
            "far.example.com:443",
            Route::Gateway,
            "carried by the gateway: matches *.example.com:443 (rules.toml:4)",
        ),
        (
            "far.example.com:1",
            Route::Direct,
            "default route: no rule matches",
        ),
    ] {
        let target = target.parse().unwrap();
        let decision = rules.decide(&target);
        assert_eq!(
            (decision.route, decision.reason().as_str()),
            (route, reason)
        );
    }
    assert_eq!(rules.len(), 4);
}

#[test]
fn bad_rules_are_refused_with_their_place() {
    let builder = RuleSet::builder(ROUTES);
    let error = builder
        .clone()
        .text(Level::Deny, "*example.com", line(7))
        .unwrap_err();
    assert_eq!(error.to_string(), "bad rule at rules.toml:7");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("\"*example.com\""), "{cause}");

    let error = builder
        .text(Level::Default, "a.b", line(7))
        .unwrap()
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("a.b at rules.toml:7"), "{error}");

    let never = Route::Gateway;
    let error = RuleSet::builder(Routes { never, ..ROUTES })
        .build()
        .unwrap_err();
    assert_eq!(error, RuleError::NeverByGateway);
}

#[test]
fn the_same_rule_twice_counts_once_and_names_the_first_place() {
    let rules = rules(&[
        (Level::Deny, "*.A.example.com"),
        (Level::Deny, "*.a.example.com"),
        (Level::Never, "*.a.example.com"),
    ]);
    assert_eq!(rules.len(), 2);
    let target = "x.a.example.com:1".parse().unwrap();
    assert_eq!(rules.decide(&target).source, &line(1));
}

/// Names of a small world, so that most rules and targets meet.
fn label() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "b",
        "ab",
        "aab",
        "abab",
        "b-1",
        "longer-than-eight",
    ])
}

fn name() -> impl Strategy<Value = String> {
    let root = prop::sample::select(vec!["example.com", "corp", "a.corp"]);
    (prop::collection::vec(label(), 0..4), root).prop_map(|(labels, root)| {
        labels
            .iter()
            .rev()
            .fold(root.to_owned(), |name, label| format!("{label}.{name}"))
    })
}

fn host() -> impl Strategy<Value = String> {
    let v4 = (10..12u8, 0..2u8, 0..2u8, 0..3u8).prop_map(|(a, b, c, d)| format!("{a}.{b}.{c}.{d}"));
    let v6 = (1..3u16, 1..3u16).prop_map(|(a, b)| format!("[2001:db8:{a}::{b}]"));
    prop_oneof![8 => name(), 1 => v4, 1 => v6]
}

fn pattern_hosts() -> impl Strategy<Value = String> {
    let starred = prop::sample::select(vec!["a*", "*b", "a*b", "a*b*", "b-*", "x*"]);
    let globs = (prop::collection::vec(starred, 1..3), name())
        .prop_map(|(labels, name)| format!("{}.{name}", labels.join(".")));
    let v4 = (10..12u8, 0..2u8, 0..=32u8).prop_map(|(a, b, length)| {
        let net = ipnet::Ipv4Net::new([a, b, 1, 1].into(), length).unwrap();
        net.trunc().to_string()
    });
    let v6 = (1..3u16, 0..=128u8).prop_map(|(a, length)| {
        let ip = format!("2001:db8:{a}::1").parse().unwrap();
        ipnet::Ipv6Net::new(ip, length).unwrap().trunc().to_string()
    });
    prop_oneof![
        3 => host(),
        3 => name().prop_map(|name| format!("*.{name}")),
        3 => globs,
        1 => v4,
        1 => v6,
    ]
}

fn pattern_text() -> impl Strategy<Value = String> {
    let ports = prop::sample::select(vec!["", "", ":1", ":2", ":1-2", ":2-9", ":1-9"]);
    (pattern_hosts(), ports)
        .prop_map(|(hosts, ports)| format!("{hosts}{ports}"))
        .prop_filter("some stars begin the name", |text| {
            text.parse::<Pattern>().is_ok()
        })
}

fn rows() -> impl Strategy<Value = Vec<(Level, String)>> {
    let level = prop::sample::select(&Level::ALL[..4]);
    prop::collection::vec((level, pattern_text()), 0..40)
}

fn target() -> impl Strategy<Value = Target> {
    (host(), 1..4u16)
        .prop_map(|(host, port)| Target::new(host.parse().unwrap(), NonZeroU16::new(port).unwrap()))
}

fn build(rows: &[(Level, String)]) -> RuleSet {
    let add = |builder: RuleSetBuilder, (level, text): &(Level, String)| {
        builder.rule(*level, text.parse().unwrap(), Source::BuiltIn)
    };
    rows.iter()
        .fold(RuleSet::builder(ROUTES), add)
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn decisions_agree_with_a_naive_matcher(
        rows in rows(),
        targets in prop::collection::vec(target(), 1..40),
    ) {
        let rules = build(&rows);
        for target in &targets {
            let decision = rules.decide(target);
            let found = decision.pattern.map(|pattern| (decision.level, pattern.to_string()));
            prop_assert_eq!(found, reference::decide(&rows, target), "{}", target);
        }
    }

    #[test]
    fn the_order_of_rules_does_not_show(
        (rows, shuffled) in rows().prop_flat_map(|rows| {
            (Just(rows.clone()), Just(rows).prop_shuffle())
        }),
        targets in prop::collection::vec(target(), 1..40),
    ) {
        let (rules, shuffled) = (build(&rows), build(&shuffled));
        for target in &targets {
            prop_assert_eq!(rules.decide(target), shuffled.decide(target), "{}", target);
        }
    }

    #[test]
    fn a_pattern_reads_what_it_writes(text in pattern_text()) {
        let pattern: Pattern = text.parse().unwrap();
        prop_assert_eq!(pattern.to_string().parse(), Ok(pattern));
    }

    #[test]
    fn no_text_is_too_odd_to_be_refused(text in "[a*.:/\\[\\]0-9é -]{0,20}") {
        if let Ok(pattern) = text.parse::<Pattern>() {
            prop_assert_eq!(pattern.to_string().parse(), Ok(pattern));
        }
    }
}
