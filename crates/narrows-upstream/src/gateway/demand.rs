//! [`Demand`]: how many tunnels were opened lately.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::lock;

/// How far back opens count, in seconds: a few times the four round trips and the slow proxies that a new
/// session may need.
const LATELY: u64 = SLOTS as u64;
const SLOTS: usize = 10;
/// How long after the last open a gateway is still kept warm: above the five minutes between the
/// heartbeats of management agents.
const WARM: Duration = Duration::from_secs(10 * 60);

/// Opens in the last [`LATELY`] seconds, counted by the second.
#[derive(Debug)]
pub(super) struct Demand {
    start: Instant,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// How many opens in each of the last seconds, by the second modulo [`LATELY`].
    slots: [u32; SLOTS],
    /// The second that the last open was in, plus one; 0 if there was none.
    last: u64,
}

// === impl Demand ===

impl Demand {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            counts: Mutex::default(),
        }
    }

    /// Counts an open.
    pub(super) fn note(&self) {
        let now = self.now();
        let mut counts = lock(&self.counts);
        counts.forget(now);
        counts.last = now;
        let slot = &mut counts.slots[slot(now)];
        *slot = slot.saturating_add(1);
    }

    /// How many opens there were lately; `None` if the last one is so long ago that nothing needs to be
    /// kept ready.
    pub(super) fn lately(&self) -> Option<usize> {
        let now = self.now();
        let mut counts = lock(&self.counts);
        if counts.last == 0 || now - counts.last > WARM.as_secs() {
            return None;
        }
        counts.forget(now);
        Some(counts.slots.iter().map(|&count| count as usize).sum())
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_secs() + 1
    }
}

// === impl Counts ===

impl Counts {
    /// Clears the slots of the seconds that have begun since the last open.
    fn forget(&mut self, now: u64) {
        let begun = (now - self.last).min(LATELY);
        for second in 0..begun {
            self.slots[slot(now - second)] = 0;
        }
    }
}

/// The place of a second.
const fn slot(second: u64) -> usize {
    (second % LATELY) as usize
}

#[cfg(test)]
mod tests;
