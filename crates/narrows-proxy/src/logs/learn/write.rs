//! A lesson as a rules file, with the evidence and the difference to the current rules beside it.

use std::fmt::Write as _;

use narrows_endpoint::{Level, RuleSet};
use narrows_log::{Report, Timestamp};

use super::{Learnt, Lesson};
use crate::settings::Rule;

/// Writes a lesson as TOML that `--config` takes. Everything that is no rule is a comment.
pub(in crate::logs) fn write(
    lesson: &Lesson,
    report: &Report,
    current: &RuleSet,
    own: &[Rule],
) -> String {
    let mut out = String::new();
    head(&mut out, lesson, report);
    out.push_str("[rules]\ncatalogue = false\ndefault = \"deny\"\n");
    for (level, key) in KEYS {
        let rules: Vec<_> = lesson
            .rules
            .iter()
            .filter(|rule| rule.level == level)
            .collect();
        if rules.is_empty() {
            continue;
        }
        let _ = writeln!(out, "{key} = [");
        for rule in rules {
            let _ = writeln!(out, "    # {}\n    \"{}\",", evidence(rule), rule.pattern);
        }
        out.push_str("]\n");
    }
    difference(&mut out, lesson, current, own);
    out
}

fn head(out: &mut String, lesson: &Lesson, report: &Report) {
    let names: usize = lesson.rules.iter().map(|rule| rule.samples.len()).sum();
    let (rules, requests) = (lesson.rules.len(), report.requests);
    let _ = writeln!(
        out,
        "# {rules} rules for {names} names, learnt from {requests} requests."
    );
    if lesson.unread > 0 {
        let _ = writeln!(
            out,
            "# {} requests are left out: no target in them, or a name too rare to have a row.",
            lesson.unread
        );
    }
    if !lesson.unreached.is_empty() {
        let _ = writeln!(out, "# Never reached, so no rule covers them:");
    }
    for target in lesson.unreached.iter().take(MAX_LIST) {
        let _ = writeln!(out, "#   {target}");
    }
    if lesson.unreached.len() > MAX_LIST {
        let _ = writeln!(out, "#   and {} more", lesson.unreached.len() - MAX_LIST);
    }
    out.push('\n');
}

/// `requests: 3, names: 2, 2024-07-17T04:30:23.851-07:00 to 2024-07-17T04:30:48.799-07:00`
fn evidence(rule: &Learnt) -> String {
    let requests: u64 = rule.samples.iter().map(|sample| sample.requests).sum();
    let times = rule.samples.iter().map(|sample| sample.seen);
    let none = Timestamp::new(0, 0);
    let (first, last) = times
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
        .unwrap_or((none, none));
    let names = rule.samples.len();
    format!("requests: {requests}, names: {names}, {first} to {last}")
}

/// What the current rules decide by no rule or in another way, and what they have without evidence.
fn difference(out: &mut String, lesson: &Lesson, current: &RuleSet, own: &[Rule]) {
    out.push_str("\n# Difference to the current rules (+ new, ~ another route, - not seen):\n");
    let before = out.len();
    for rule in &lesson.rules {
        let mut decisions = rule
            .samples
            .iter()
            .map(|sample| current.decide(&sample.target));
        let other = decisions.find(|decision| decision.level != rule.level);
        if let Some(decision) = other {
            let sign = if decision.level == Level::Default {
                '+'
            } else {
                '~'
            };
            let now = decision.reason();
            let _ = writeln!(
                out,
                "# {sign} {} {}; now {now}",
                word(rule.level),
                rule.pattern
            );
        }
    }
    for rule in own {
        let samples = lesson.rules.iter().flat_map(|rule| &rule.samples);
        if !samples
            .into_iter()
            .any(|sample| rule.pattern.matches(&sample.target))
        {
            let _ = writeln!(
                out,
                "# - {} {} ({})",
                word(rule.level),
                rule.pattern,
                rule.source
            );
        }
    }
    if out.len() == before {
        out.push_str("# none\n");
    }
}

fn word(level: Level) -> &'static str {
    let known = KEYS.into_iter().find(|(known, _)| *known == level);
    known.map_or(level.as_str(), |(_, key)| key)
}

/// The levels that are learnt, and their keys in the file.
const KEYS: [(Level, &str); 3] = [
    (Level::Never, "never_gateway"),
    (Level::Bypass, "bypass"),
    (Level::Carried, "gateway"),
];
/// How many names a list of those never reached shows.
const MAX_LIST: usize = 20;
