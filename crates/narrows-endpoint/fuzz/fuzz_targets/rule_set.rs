//! A rule set decides as a matcher does that is too slow and too simple to be wrong, whatever the rules and
//! the target are, and in whatever order the rules come.

#![no_main]

use std::num::NonZeroU16;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use narrows_endpoint::{Host, Level, Pattern, Route, Routes, RuleSet, Source, Target};

#[path = "../../src/rules/tests/reference.rs"]
mod reference;

const ROUTES: Routes = Routes {
    never: Route::Direct,
    default: Route::Direct,
};
// A small world, so that most rules and targets meet.
const LABELS: [&str; 7] = ["a", "b", "ab", "aab", "abab", "b-1", "longer-than-eight"];
const ROOTS: [&str; 3] = ["example.com", "corp", "a.corp"];
const STARRED: [&str; 6] = ["a*", "*b", "a*b", "a*b*", "b-*", "x*"];
const PORTS: [&str; 7] = ["", "", ":1", ":2", ":1-2", ":2-9", ":1-9"];

fn name(of: &mut Unstructured<'_>) -> Result<String> {
    let mut name = (*of.choose(&ROOTS)?).to_owned();
    for _ in 0..of.int_in_range(0..=3)? {
        name = format!("{}.{name}", of.choose(&LABELS)?);
    }
    Ok(name)
}

fn host(of: &mut Unstructured<'_>) -> Result<String> {
    let small = |of: &mut Unstructured<'_>| of.int_in_range(0..=2_u8);
    Ok(match of.int_in_range(0..=5)? {
        0 => format!("1{}.{}.{}.1", small(of)?, small(of)?, small(of)?),
        1 => format!("[2001:db8:1{}::1{}]", small(of)?, small(of)?),
        _ => name(of)?,
    })
}

fn pattern(of: &mut Unstructured<'_>) -> Result<String> {
    let hosts = match of.int_in_range(0..=6)? {
        0 | 1 => host(of)?,
        2 | 3 => format!("*.{}", name(of)?),
        4 => format!("{}.{}", of.choose(&STARRED)?, name(of)?),
        5 => format!("1{}.0.0.0/8", of.int_in_range(0..=2_u8)?),
        _ => format!("2001:db8:1{}::/48", of.int_in_range(0..=2_u8)?),
    };
    Ok(hosts + of.choose(&PORTS)?)
}

fn rows(of: &mut Unstructured<'_>) -> Result<Vec<(Level, String)>> {
    let mut rows = Vec::new();
    for _ in 0..of.int_in_range(0..=24)? {
        let row = (*of.choose(&Level::ALL[..4])?, pattern(of)?);
        if row.1.parse::<Pattern>().is_ok() {
            rows.push(row);
        }
    }
    Ok(rows)
}

fn rule_set<'a>(rows: impl Iterator<Item = &'a (Level, String)>) -> RuleSet {
    let builder = rows.fold(RuleSet::builder(ROUTES), |builder, (level, text)| {
        builder.rule(*level, text.parse().unwrap(), Source::BuiltIn)
    });
    builder.build().unwrap()
}

fuzz_target!(|input: &[u8]| {
    let of = &mut Unstructured::new(input);
    let Ok(rows) = rows(of) else { return };
    let sets = [rule_set(rows.iter()), rule_set(rows.iter().rev())];
    while let (false, Ok(host), Ok(port)) = (of.is_empty(), host(of), of.int_in_range(1..=3)) {
        let host: Host = host.parse().unwrap();
        let target = Target::new(host, NonZeroU16::new(port).unwrap());
        let wanted = reference::decide(&rows, &target);
        for set in &sets {
            let decision = set.decide(&target);
            let found = decision
                .pattern
                .map(|pattern| (decision.level, pattern.to_string()));
            assert_eq!(found, wanted, "{target} by {rows:?}");
        }
    }
});
