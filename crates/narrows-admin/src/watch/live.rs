//! [`Live`]: what is open now, and the octets of all there ever was.

use std::collections::{BinaryHeap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use narrows_log::Via;
use narrows_server::{Asked, Ended, Opened};
use narrows_tunnel::Counts;

use super::{WAYS, place};

/// How many parts there are. A reader holds one at a time, so the more there are, the less it is in the way.
const PARTS: u64 = 64;

/// What is open now.
///
/// A tunnel's octets move from its own counts to the total of its route within one lock, so totals never
/// go back and never count an octet twice.
#[derive(Debug)]
pub(crate) struct Live(Box<[Mutex<Part>]>);

#[derive(Debug, Default)]
struct Part {
    open: HashMap<u64, Open>,
    totals: [Totals; WAYS],
}

/// A request that is being carried.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) asked: Asked,
    counts: Option<Arc<Counts>>,
    pub(crate) identity: Option<Arc<str>>,
    pub(crate) via: Via,
    pub(crate) would_deny: bool,
}

/// What one way carries and has carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) open: u64,
    pub(crate) received: u64,
    pub(crate) sent: u64,
}

/// A page of what is open.
#[derive(Debug)]
pub(crate) struct Page {
    /// The number behind which the next page begins, if there is one.
    pub(crate) next: Option<u64>,
    pub(crate) open: Vec<Open>,
    /// How many were wanted, on all pages.
    pub(crate) total: u64,
}

impl Default for Live {
    fn default() -> Self {
        Self((0..PARTS).map(|_| Mutex::default()).collect())
    }
}

impl Live {
    pub(super) fn add(&self, opened: &Opened<'_>) {
        let terms = opened.terms;
        let open = Open {
            asked: opened.asked.clone(),
            counts: opened.counts.cloned(),
            identity: terms.and_then(|terms| terms.identity.clone()),
            via: opened.via,
            would_deny: terms.is_some_and(|terms| terms.would_deny.is_some()),
        };
        let key = opened.asked.id.connection;
        self.part(key).open.insert(key, open);
    }

    pub(super) fn remove(&self, ended: &Ended<'_>) {
        let key = ended.asked.id.connection;
        let mut part = self.part(key);
        let removed = part.open.remove(&key);
        let totals = &mut part.totals[place(ended.via)];
        totals.received += ended.received;
        totals.sent += ended.sent;
        drop(part);
        // What the tunnel held is given back without the lock.
        drop(removed);
    }

    /// What each way carries and has carried, up to now.
    pub(crate) fn totals(&self) -> [Totals; WAYS] {
        let mut all = [Totals::default(); WAYS];
        for part in &self.0 {
            let part = part.lock().unwrap_or_else(PoisonError::into_inner);
            for (sum, own) in all.iter_mut().zip(&part.totals) {
                sum.received += own.received;
                sum.sent += own.sent;
            }
            for open in part.open.values() {
                let sum = &mut all[place(open.via)];
                sum.open += 1;
                sum.received += open.received();
                sum.sent += open.sent();
            }
        }
        all
    }

    /// The first `most` of what is open, `wanted` wants, and has a number above `after`; oldest first.
    ///
    /// Looks at all, and keeps no more than the numbers of a page: what is copied does not grow with what is
    /// open.
    pub(crate) fn page(&self, after: u64, most: usize, wanted: impl Fn(&Open) -> bool) -> Page {
        let mut total = 0;
        // The lowest numbers so far, the highest of them on top; one more than asked for shows whether there
        // is another page.
        let mut lowest = BinaryHeap::with_capacity(most.saturating_add(2));
        for part in &self.0 {
            let part = part.lock().unwrap_or_else(PoisonError::into_inner);
            for (&key, _) in part.open.iter().filter(|(_, open)| wanted(open)) {
                total += 1;
                if key > after && (lowest.len() <= most || lowest.peek() > Some(&key)) {
                    lowest.push(key);
                    if lowest.len() > most.saturating_add(1) {
                        lowest.pop();
                    }
                }
            }
        }
        let mut keys = lowest.into_sorted_vec();
        let goes_on = keys.len() > most;
        keys.truncate(most);
        let next = keys.last().copied().filter(|_| goes_on);
        // What has ended meanwhile is left out.
        let open = keys.into_iter();
        let open = open.filter_map(|key| self.part(key).open.get(&key).cloned());
        Page {
            next,
            open: open.collect(),
            total,
        }
    }

    fn part(&self, key: u64) -> MutexGuard<'_, Part> {
        let part = &self.0[(key % PARTS) as usize];
        part.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Octets to the client so far; plain HTTP counts at its end.
    pub(crate) fn received(&self) -> u64 {
        self.counts.as_ref().map_or(0, |counts| counts.received())
    }

    /// Octets to the far side so far.
    pub(crate) fn sent(&self) -> u64 {
        self.counts.as_ref().map_or(0, |counts| counts.sent())
    }
}
