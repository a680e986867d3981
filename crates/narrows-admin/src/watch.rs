//! [`Watch`]: the observer that counts, and remembers as much as fits.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use narrows_endpoint::Route;
use narrows_log::Via;
use narrows_server::{Ended, Observe, Opened, Refused};

mod histogram;
mod live;
mod recent;
mod tallies;

pub(crate) use histogram::Histogram;
pub(crate) use live::{Live, Open};
pub(crate) use recent::{Kind, Noted, Recent, Row};
pub(crate) use tallies::Tallies;

/// The observer behind an admin listener.
///
/// Counters are atomics. Names and recent decisions are in a part for each thread, and open tunnels in
/// parts by their number: a request takes a lock only against a reader, who holds it for as long as it
/// takes to copy that part. Nothing is allocated for a request but the room that it is remembered in, and that
/// room is used again.
#[derive(Debug)]
pub struct Watch {
    pub(crate) live: Live,
    pub(crate) recent: Recent,
    pub(crate) since: Instant,
    pub(crate) since_unix: f64,
    pub(crate) tallies: Tallies,
}

// === impl Watch ===

impl Watch {
    /// Begins to watch.
    pub fn new() -> Self {
        Self {
            live: Live::default(),
            recent: Recent::default(),
            since: Instant::now(),
            since_unix: unix_time().as_secs_f64(),
            tallies: Tallies::default(),
        }
    }

    /// Tunnels and exchanges that are open.
    pub fn open(&self) -> u64 {
        let totals = self.live.totals();
        totals.iter().map(|route| route.open).sum()
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}

impl Observe for Watch {
    fn opened(&self, opened: &Opened<'_>) {
        let took = opened.asked.since.elapsed();
        self.tallies.opened(opened, took);
        self.live.add(opened);
        self.recent.opened(opened);
    }

    fn ended(&self, ended: &Ended<'_>) {
        self.tallies.ended(ended, ended.asked.since.elapsed());
        self.live.remove(ended);
        self.recent.ended(ended);
    }

    fn refused(&self, refused: &Refused<'_>) {
        self.tallies.refused(refused);
        self.recent.refused(refused);
    }
}

/// Since 1970.
pub(crate) fn unix_time() -> std::time::Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Milliseconds since 1970, as JavaScript counts.
pub(crate) fn unix_ms(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The place of a way in tables.
pub(crate) fn place(via: Via) -> usize {
    Via::ALL.iter().position(|one| *one == via).unwrap_or(0)
}

/// The route that a way belongs to.
pub(crate) const fn route(via: Via) -> Route {
    match via {
        Via::GatewayH1 | Via::GatewayH2 => Route::Gateway,
        Via::Proxy => Route::Proxy,
        _ => Route::Direct,
    }
}

/// How many ways there are.
pub(crate) const WAYS: usize = Via::ALL.len();

#[cfg(test)]
mod tests;
