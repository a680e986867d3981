//! [`Tallies`]: counters whose labels come from closed lists, so that no client can add one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use narrows_endpoint::{Hop, Step};
use narrows_server::{EndWord, Ended, Opened, Refused};

use super::{Histogram, WAYS, place};

/// Statuses that refusals have; any other is counted as the 0 at the end.
pub(crate) const STATUSES: [u16; 20] = [
    400, 401, 403, 404, 405, 407, 408, 411, 413, 417, 421, 426, 429, 431, 499, 502, 503, 504, 508,
    0,
];

const HOPS: usize = Hop::ALL.len();
const STEPS: usize = Step::ALL.len();
const ENDS: usize = EndWord::ALL.len();

/// From a name that is cached and near to a chain of proxies that time out.
const OPEN_SECONDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];
/// From one request to agents that hold a tunnel for days.
const LIFE_SECONDS: [f64; 9] = [
    0.1, 1.0, 10.0, 60.0, 300.0, 1800.0, 7200.0, 43_200.0, 259_200.0,
];

/// Counters with bounded labels.
#[derive(Debug)]
pub(crate) struct Tallies {
    opened: [AtomicU64; WAYS],
    ended: [[AtomicU64; ENDS]; WAYS],
    refused: [[[AtomicU64; STATUSES.len()]; STEPS]; HOPS],
    fallbacks: [AtomicU64; WAYS],
    would_deny: AtomicU64,
    pub(crate) open_seconds: [Histogram<{ OPEN_SECONDS.len() }>; WAYS],
    pub(crate) life_seconds: [Histogram<{ LIFE_SECONDS.len() }>; WAYS],
}

impl Default for Tallies {
    fn default() -> Self {
        const fn zero() -> AtomicU64 {
            AtomicU64::new(0)
        }
        Self {
            opened: [const { zero() }; WAYS],
            ended: [const { [const { zero() }; ENDS] }; WAYS],
            refused: [const { [const { [const { zero() }; STATUSES.len()] }; STEPS] }; HOPS],
            fallbacks: [const { zero() }; WAYS],
            would_deny: zero(),
            open_seconds: [const { Histogram::new(&OPEN_SECONDS) }; WAYS],
            life_seconds: [const { Histogram::new(&LIFE_SECONDS) }; WAYS],
        }
    }
}

impl Tallies {
    pub(super) fn opened(&self, opened: &Opened<'_>, took: Duration) {
        let way = place(opened.via);
        add(&self.opened[way]);
        self.open_seconds[way].count(took);
        if opened.fallback.is_some() {
            add(&self.fallbacks[way]);
        }
        if opened.terms.is_some_and(|terms| terms.would_deny.is_some()) {
            add(&self.would_deny);
        }
    }

    pub(super) fn ended(&self, ended: &Ended<'_>, lived: Duration) {
        let way = place(ended.via);
        add(&self.ended[way][index(&EndWord::ALL, ended.end)]);
        self.life_seconds[way].count(lived);
    }

    pub(super) fn refused(&self, refused: &Refused<'_>) {
        let hop = index(&Hop::ALL, refused.hop);
        let step = index(&Step::ALL, refused.step);
        let status = index(&STATUSES, refused.status);
        add(&self.refused[hop][step][status]);
    }

    pub(crate) fn opened_by(&self, way: usize) -> u64 {
        self.opened.get(way).map_or(0, load)
    }

    pub(crate) fn fallbacks_by(&self, way: usize) -> u64 {
        self.fallbacks.get(way).map_or(0, load)
    }

    pub(crate) fn would_deny(&self) -> u64 {
        load(&self.would_deny)
    }

    /// What has ended, by way and word; zeroes too, so that a rate has something to begin with.
    pub(crate) fn ends(&self) -> impl Iterator<Item = (usize, EndWord, u64)> {
        self.ended.iter().enumerate().flat_map(|(way, ends)| {
            let words = EndWord::ALL.iter().zip(ends);
            words.map(move |(&word, count)| (way, word, load(count)))
        })
    }

    /// What was refused, by party, step and status; only what there was: there are 700 of them.
    pub(crate) fn refusals(&self) -> impl Iterator<Item = (Hop, Step, u16, u64)> {
        let hops = Hop::ALL.iter().zip(&self.refused);
        let steps = hops.flat_map(|(&hop, steps)| {
            let steps = Step::ALL.iter().zip(steps);
            steps.map(move |(&step, statuses)| (hop, step, statuses))
        });
        let all = steps.flat_map(|(hop, step, statuses)| {
            let statuses = STATUSES.iter().zip(statuses);
            statuses.map(move |(&status, count)| (hop, step, status, load(count)))
        });
        all.filter(|(.., count)| *count > 0)
    }
}

/// Where a value stands in a list that has it, or ends with what stands for all others.
fn index<T: PartialEq>(all: &[T], one: T) -> usize {
    let found = all.iter().position(|other| *other == one);
    found.unwrap_or(all.len() - 1)
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
