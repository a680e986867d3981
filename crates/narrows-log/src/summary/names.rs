//! What is known of each name, of a bounded number of them.

use std::collections::HashMap;

use super::Way;
use crate::sketch::Sketch;
use crate::timestamp::Timestamp;

/// How a request ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    /// From the client, and to it.
    pub(super) bytes: [u64; 2],
    pub(super) elapsed_ms: Option<u64>,
    pub(super) failed: bool,
    pub(super) way: Way,
}

/// Ends of one way, counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) durations: Sketch,
    pub(super) failures: u64,
    pub(super) received: u64,
    pub(super) requests: u64,
    pub(super) sent: u64,
}

/// What is known of one name.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) requests: u64,
    pub(super) seen: Option<(Timestamp, Timestamp)>,
    pub(super) tallies: Vec<(Way, Tally)>,
    age: u32,
    name: Box<str>,
}

/// Where a name's row is, as long as it has one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    age: u32,
    at: usize,
}

/// The rows of the names. When all are taken, the rarer half is added to the row for all others.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    free: Vec<usize>,
    index: HashMap<Box<str>, usize>,
    others: Row,
    rows: Vec<Row>,
}

// === impl End ===

impl End {
    /// Refused before there was a way.
    pub(super) const fn refused() -> Self {
        Self {
            bytes: [0; 2],
            elapsed_ms: None,
            failed: true,
            way: Way::Refused,
        }
    }
}

// === impl Tally ===

impl Tally {
    pub(super) fn add(&mut self, end: &End) {
        self.requests += 1;
        self.failures += u64::from(end.failed);
        self.sent = self.sent.saturating_add(end.bytes[0]);
        self.received = self.received.saturating_add(end.bytes[1]);
        if let Some(ms) = end.elapsed_ms {
            self.durations.add(ms);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.failures += other.failures;
        self.sent = self.sent.saturating_add(other.sent);
        self.received = self.received.saturating_add(other.received);
        self.durations.merge(&other.durations);
    }
}

// === impl Row ===

impl Row {
    pub(super) fn request(&mut self, time: Timestamp) {
        self.requests += 1;
        self.see(time);
    }

    pub(super) fn end(&mut self, time: Timestamp, end: &End) {
        self.see(time);
        self.tally(end.way).add(end);
    }

    fn see(&mut self, time: Timestamp) {
        let (first, last) = self.seen.get_or_insert((time, time));
        *first = time.min(*first);
        *last = time.max(*last);
    }

    fn tally(&mut self, way: Way) -> &mut Tally {
        let at = self.tallies.iter().position(|(known, _)| *known == way);
        let at = at.unwrap_or_else(|| {
            self.tallies.push((way, Tally::default()));
            self.tallies.len() - 1
        });
        &mut self.tallies[at].1
    }

    fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        for time in other
            .seen
            .into_iter()
            .flat_map(|(first, last)| [first, last])
        {
            self.see(time);
        }
        for (way, tally) in &other.tallies {
            self.tally(*way).merge(tally);
        }
    }
}

// === impl Names ===

impl Names {
    /// The key of a name, which gets a row if it has none.
    pub(super) fn key(&mut self, name: &str) -> Key {
        if let Some(&at) = self.index.get(name) {
            return Key {
                age: self.rows[at].age,
                at,
            };
        }
        if self.index.len() >= MAX_NAMES {
            self.fold();
        }
        let at = self.free.pop().unwrap_or_else(|| {
            self.rows.push(Row::default());
            self.rows.len() - 1
        });
        let row = &mut self.rows[at];
        row.name = name.into();
        self.index.insert(name.into(), at);
        Key { age: row.age, at }
    }

    /// The row of a key; that of all others if the name has lost its own.
    pub(super) fn row(&mut self, key: Key) -> &mut Row {
        match self.rows.get_mut(key.at) {
            Some(row) if row.age == key.age => row,
            _ => &mut self.others,
        }
    }

    /// The names and their rows, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Row)> {
        self.index
            .iter()
            .map(|(name, &at)| (&**name, &self.rows[at]))
    }

    /// The row for all others; without requests if no name had to go there.
    pub(super) const fn others(&self) -> &Row {
        &self.others
    }

    /// Adds the rarer half of the names to the others.
    fn fold(&mut self) {
        let mut taken: Vec<usize> = self.index.values().copied().collect();
        taken.sort_unstable_by_key(|&at| (self.rows[at].requests, at));
        for &at in &taken[..taken.len() / 2] {
            let age = self.rows[at].age.wrapping_add(1);
            let fresh = Row {
                age,
                ..Row::default()
            };
            let row = std::mem::replace(&mut self.rows[at], fresh);
            self.index.remove(&row.name);
            self.others.merge(&row);
            self.free.push(at);
        }
    }
}

/// The most names with a row of their own.
pub(super) const MAX_NAMES: usize = 4096;
