//! `logs learn`: the smallest rule set that allows what a log saw.

use narrows_endpoint::{Level, Pattern, Route, RuleSet, Target};
use narrows_log::{NameRow, Report, Timestamp, Way};

mod fold;
mod shared;
mod write;

pub(super) use write::write;

/// How far names are folded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Whether a star may cover a suffix below which strangers get names.
    pub(super) allow_shared: bool,
    /// The fewest names below a suffix that become one rule.
    pub(super) fold: usize,
}

/// A name that was reached, and what was seen of it.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    level: Level,
    requests: u64,
    seen: (Timestamp, Timestamp),
    target: Target,
}

/// A rule and the names that it was learnt from; at least one.
#[derive(Clone, Debug)]
pub(super) struct Learnt {
    level: Level,
    pattern: Pattern,
    samples: Vec<Sample>,
}

/// What was learnt from a report.
#[derive(Debug)]
pub(super) struct Lesson {
    rules: Vec<Learnt>,
    /// Names that were asked for and never reached: no rule covers them.
    unreached: Vec<Target>,
    /// Names that are no targets, and requests of names without a row.
    unread: u64,
}

/// Learns rules: each name by the way that most of its requests took.
pub(super) fn learn(report: &Report, current: &RuleSet, limits: Limits) -> Lesson {
    let mut samples = Vec::new();
    let mut unreached = Vec::new();
    let mut unread = report.others.as_ref().map_or(0, |others| others.requests);
    for row in &report.names {
        match (row.target.parse::<Target>(), sample(row, current)) {
            (Ok(_), Some(sample)) => samples.push(sample),
            (Ok(target), None) => unreached.push(target),
            (Err(_), _) => unread += row.requests,
        }
    }
    Lesson {
        rules: fold::fold(&samples, &unreached, limits),
        unreached,
        unread,
    }
}

/// What was seen of a name, if a request reached it.
fn sample(row: &NameRow, current: &RuleSet) -> Option<Sample> {
    let target: Target = row.target.parse().ok()?;
    let reached = |way: Way| {
        let ways = row.routes.iter().filter(move |route| route.route == way);
        ways.map(|route| route.requests - route.failures)
            .sum::<u64>()
    };
    let ways = [Way::Gateway, Way::Proxy, Way::Direct, Way::Unsaid];
    let requests: u64 = ways.into_iter().map(reached).sum();
    let way = ways.into_iter().rev().max_by_key(|way| reached(*way))?;
    if requests == 0 {
        return None;
    }
    let level = match way {
        Way::Gateway => Level::Carried,
        Way::Proxy => Level::Never,
        Way::Direct => Level::Bypass,
        // The log does not say the way; the current rules do.
        _ => match current.decide(&target).route {
            Route::Gateway => Level::Carried,
            Route::Proxy => Level::Never,
            _ => Level::Bypass,
        },
    };
    let seen = (row.first.parse().ok()?, row.last.parse().ok()?);
    Some(Sample {
        level,
        requests,
        seen,
        target,
    })
}

#[cfg(test)]
mod tests;
