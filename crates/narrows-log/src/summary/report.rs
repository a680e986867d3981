//! [`Report`]: a summary in the order in which people read it.

use serde::{Serialize, Serializer};

use super::names::{Row, Tally};
use super::{Summary, Way};
use crate::sketch::Sketch;
use crate::timestamp::Timestamp;

/// A summary in the order in which people read it; the fields are the keys of its JSON.
///
/// Texts that came from the log have what cannot be seen escaped. They are no markup: whoever makes
/// HTML of them escapes them for that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// All lines, damaged and empty ones too.
    pub lines: u64,
    /// Lines that could not be read.
    pub damaged: u64,
    /// The first few of them.
    pub damage: Vec<Damage>,
    /// Lines that the log says it left out.
    pub dropped: u64,
    /// Empty lines and comments.
    pub skipped: u64,
    /// The first time in the log.
    pub first: Option<String>,
    /// The last time in the log.
    pub last: Option<String>,
    /// Requests, whether they ended or not.
    pub requests: u64,
    /// Requests whose end is not in the log.
    pub without_end: u64,
    /// Ends whose request is not in the log. They count for their route, not as requests of a name.
    pub ends_without_request: u64,
    /// What went which way; ways that nothing went are left out.
    pub routes: Vec<RouteRow>,
    /// Every name that has a row of its own, the busiest first.
    pub names: Vec<NameRow>,
    /// All names without one.
    pub others: Option<NameRow>,
    /// Why requests failed or were cut, the most frequent reason first.
    pub failures: Vec<ReasonRow>,
    /// Why another way was taken than the one decided.
    pub fallbacks: Vec<ReasonRow>,
    /// How many seconds each moment of the timeline has.
    pub moment_seconds: u64,
    /// The timeline; moments in which nothing happened are left out.
    pub timeline: Vec<Moment>,
}

/// A line that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// The file, as [`Summary::begin_file`] named it.
    pub file: String,
    /// The line in that file, from 1.
    pub line: u64,
    /// Why.
    pub error: String,
}

/// What went one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RouteRow {
    /// The way.
    #[serde(serialize_with = "word")]
    pub route: Way,
    /// Requests that ended.
    pub requests: u64,
    /// Those of them that failed or were cut.
    pub failures: u64,
    /// Octets from clients.
    pub sent: u64,
    /// Octets to clients.
    pub received: u64,
    /// How long they took; none if the log does not say.
    pub durations: Option<Percentiles>,
}

/// How long requests took, in milliseconds; all but the maximum within 6.25 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// Half took no longer.
    pub p50: u64,
    /// Nine of ten took no longer.
    pub p90: u64,
    /// All but one of a hundred took no longer.
    pub p99: u64,
    /// None took longer.
    pub max: u64,
}

/// What is known of a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NameRow {
    /// Host and port, or whatever was asked for instead.
    pub target: String,
    /// Requests, whether they ended or not.
    pub requests: u64,
    /// When it was first asked for.
    pub first: String,
    /// When it was last asked for, or a request of it ended.
    pub last: String,
    /// The ways that its requests went, the busiest first.
    pub routes: Vec<RouteRow>,
}

/// A reason and how often it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReasonRow {
    /// The reason.
    pub reason: String,
    /// How often.
    pub count: u64,
}

/// What happened in one moment of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// When it begins.
    pub start: String,
    /// The same in milliseconds since 1970-01-01T00:00:00Z.
    pub start_ms: i64,
    /// Requests that came.
    pub requests: u64,
    /// Requests that failed.
    pub failures: u64,
    /// Octets both ways of the requests that ended.
    pub bytes: u64,
}

// === impl Summary ===

impl Summary {
    /// What is known by now. More lines may follow.
    pub fn report(&self) -> Report {
        let others = self.names.others();
        Report {
            lines: self.lines,
            damaged: self.damaged,
            damage: self.damage.clone(),
            dropped: self.dropped,
            skipped: self.skipped,
            first: self.seen.map(|(first, _)| first.to_string()),
            last: self.seen.map(|(_, last)| last.to_string()),
            requests: self.requests,
            without_end: self.never_ended + self.pendings.len(),
            ends_without_request: self.ends_without_request,
            routes: routes(Way::ALL.into_iter().zip(&self.totals)),
            names: self.name_rows(),
            others: (others.seen.is_some()).then(|| name_row("all other names", others)),
            failures: self.failures.rows(),
            fallbacks: self.fallbacks.rows(),
            moment_seconds: (self.timeline.width_ms() / 1000).unsigned_abs(),
            timeline: self.moments(),
        }
    }

    fn name_rows(&self) -> Vec<NameRow> {
        let rows = self.names.iter().map(|(name, row)| name_row(name, row));
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by(|a, b| {
            let busier = b.requests.cmp(&a.requests);
            busier.then_with(|| a.target.cmp(&b.target))
        });
        rows
    }

    fn moments(&self) -> Vec<Moment> {
        let offset = self.seen.map_or(0, |(first, _)| first.offset_seconds());
        let moment = |(start_ms, count): (i64, super::timeline::Count)| Moment {
            start: Timestamp::new(start_ms, offset).to_string(),
            start_ms,
            requests: count.requests,
            failures: count.failures,
            bytes: count.bytes,
        };
        self.timeline.iter().map(moment).collect()
    }
}

// === impl Percentiles ===

impl Percentiles {
    fn of(sketch: &Sketch) -> Option<Self> {
        Some(Self {
            p50: sketch.percentile(50)?,
            p90: sketch.percentile(90)?,
            p99: sketch.percentile(99)?,
            max: sketch.max()?,
        })
    }
}

fn name_row(name: &str, row: &Row) -> NameRow {
    let time = |time: Option<Timestamp>| time.map_or_else(String::new, |time| time.to_string());
    let mut routes = routes(row.tallies.iter().map(|(way, tally)| (*way, tally)));
    routes.sort_by_key(|route| (std::cmp::Reverse(route.requests), route.route));
    NameRow {
        target: name.into(),
        requests: row.requests,
        first: time(row.seen.map(|(first, _)| first)),
        last: time(row.seen.map(|(_, last)| last)),
        routes,
    }
}

fn routes<'a>(tallies: impl Iterator<Item = (Way, &'a Tally)>) -> Vec<RouteRow> {
    let row = |(route, tally): (Way, &Tally)| RouteRow {
        route,
        requests: tally.requests,
        failures: tally.failures,
        sent: tally.sent,
        received: tally.received,
        durations: Percentiles::of(&tally.durations),
    };
    tallies
        .filter(|(_, tally)| tally.requests > 0)
        .map(row)
        .collect()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn word<S: Serializer>(way: &Way, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(way.as_str())
}
