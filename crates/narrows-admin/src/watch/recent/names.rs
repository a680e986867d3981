//! [`Names`]: how often each name was asked for, and by which way it went.

use std::collections::HashMap;

use narrows_endpoint::Host;
use narrows_log::Via;

use crate::watch::{WAYS, place};

/// How many names are told apart. At that number the rarer half is counted together.
const MOST: usize = 1024;

/// How often each name was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    rows: HashMap<Host, Row>,
    /// All names that have no row of their own any more.
    pub(crate) others: Row,
}

/// What became of the requests for one name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// Carried, by way.
    pub(crate) carried: [u64; WAYS],
    pub(crate) received: u64,
    pub(crate) refused: u64,
    pub(crate) sent: u64,
    pub(crate) would_deny: u64,
}

impl Names {
    pub(super) fn carried(&mut self, host: &Host, via: Via, would_deny: bool) {
        let row = self.row(host);
        row.carried[place(via)] += 1;
        row.would_deny += u64::from(would_deny);
    }

    pub(super) fn ended(&mut self, host: &Host, sent: u64, received: u64) {
        let row = self.row(host);
        row.sent += sent;
        row.received += received;
    }

    pub(super) fn refused(&mut self, host: &Host) {
        self.row(host).refused += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (host, row) in &other.rows {
            self.rows.entry(host.clone()).or_default().add(row);
        }
        self.others.add(&other.others);
    }

    /// The rows, most asked for first.
    pub(crate) fn sorted(&self) -> Vec<(&Host, &Row)> {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by(|(a, one), (b, other)| (other.requests(), a).cmp(&(one.requests(), b)));
        rows
    }

    fn row(&mut self, host: &Host) -> &mut Row {
        if self.rows.len() >= MOST && !self.rows.contains_key(host) {
            self.forget_rare();
        }
        // Cloning a host is cheap: it is an address, or shares its text.
        self.rows.entry(host.clone()).or_default()
    }

    /// Takes the rarer half together.
    fn forget_rare(&mut self) {
        let mut counts: Vec<u64> = self.rows.values().map(Row::requests).collect();
        let (_, &mut middle, _) = counts.select_nth_unstable(MOST / 2);
        let mut room = MOST / 2;
        // A new table: what is removed from one leaves marks there, for which it would double in the end.
        let rows = std::mem::replace(&mut self.rows, HashMap::with_capacity(MOST));
        for (host, row) in rows {
            // Of those that are as frequent as the middle one, no more than fit.
            if row.requests() > middle || row.requests() == middle && room > MOST / 4 {
                room = room.saturating_sub(1);
                self.rows.insert(host, row);
            } else {
                self.others.add(&row);
            }
        }
    }
}

impl Row {
    /// All requests, whatever became of them.
    pub(crate) fn requests(&self) -> u64 {
        self.carried.iter().sum::<u64>() + self.refused
    }

    fn add(&mut self, other: &Self) {
        for (sum, one) in self.carried.iter_mut().zip(other.carried) {
            *sum += one;
        }
        self.received += other.received;
        self.refused += other.refused;
        self.sent += other.sent;
        self.would_deny += other.would_deny;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes there")]
    fn a_flood_of_names_keeps_the_frequent_ones_and_loses_no_count() {
        let mut names = Names::default();
        let known: Host = "agent.example".parse().unwrap();
        for _ in 0..10 {
            names.carried(&known, Via::Proxy, false);
        }
        let flood = 20 * MOST;
        for number in 0..flood {
            names.refused(&format!("x{number}.example").parse().unwrap());
        }
        assert!(names.rows.len() <= MOST);
        let room = names.rows.capacity();
        assert!(room < 2 * MOST, "the table has grown: {room}");
        assert_eq!(*names.sorted()[0].0, known);
        let rows: u64 = names.rows.values().map(Row::requests).sum();
        assert_eq!(rows + names.others.requests(), 10 + flood as u64);
    }
}
