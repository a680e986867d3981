//! What happened when, in a bounded number of moments.

use std::collections::BTreeMap;

use crate::timestamp::Timestamp;

/// What happened in one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) bytes: u64,
    pub(super) failures: u64,
    pub(super) requests: u64,
}

/// Moments of one width. When a log reaches over more of them than there may be, the width grows.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    /// By the number of the moment since 1970.
    counts: BTreeMap<i64, Count>,
    width_ms: i64,
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            counts: BTreeMap::new(),
            width_ms: WIDTHS_S[0] * 1000,
        }
    }
}

impl Timeline {
    /// The moment in which a time lies.
    pub(super) fn at(&mut self, time: Timestamp) -> &mut Count {
        let ms = time.unix_ms();
        while self.moments_with(ms) > MAX_MOMENTS {
            self.coarsen();
        }
        self.counts.entry(ms.div_euclid(self.width_ms)).or_default()
    }

    pub(super) const fn width_ms(&self) -> i64 {
        self.width_ms
    }

    /// The start of each moment in which something happened, in milliseconds since 1970.
    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, Count)> {
        self.counts
            .iter()
            .map(|(at, count)| (at * self.width_ms, *count))
    }

    fn moments_with(&self, ms: i64) -> i64 {
        let at = ms.div_euclid(self.width_ms);
        let first = self
            .counts
            .first_key_value()
            .map_or(at, |(first, _)| *first);
        let last = self.counts.last_key_value().map_or(at, |(last, _)| *last);
        last.max(at) - first.min(at) + 1
    }

    fn coarsen(&mut self) {
        let width_ms = wider(self.width_ms);
        for (start, count) in std::mem::take(&mut self.counts)
            .into_iter()
            .map(|(at, count)| (at * self.width_ms, count))
        {
            let merged = self.counts.entry(start.div_euclid(width_ms)).or_default();
            merged.bytes = merged.bytes.saturating_add(count.bytes);
            merged.failures += count.failures;
            merged.requests += count.requests;
        }
        self.width_ms = width_ms;
    }
}

fn wider(width_ms: i64) -> i64 {
    let known = WIDTHS_S.into_iter().map(|width| width * 1000);
    known
        .into_iter()
        .find(|known| *known > width_ms)
        .unwrap_or(width_ms * 2)
}

/// The most moments of a timeline.
pub(super) const MAX_MOMENTS: i64 = 120;

/// Widths in seconds that people think in, each a multiple of the one before; then they double.
const WIDTHS_S: [i64; 13] = [
    1, 2, 10, 30, 60, 120, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400,
];
