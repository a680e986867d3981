//! Flow-control windows of shared sessions: sized for bulk, bounded in memory, and no stalled reader may
//! stall the others.
//!
//! A stream moves at most one window in one round trip, so its speed is `window / round trip`: 1 MiB gives
//! 42 MB/s at 25 ms and 10 MB/s at 100 ms; 64 MiB gives 670 MB/s at 100 ms, five times what 1 Gbit/s needs
//! (12.5 MB = 125 MB/s x 100 ms). But a stalled reader fills its window, and that memory is ours.
//!
//! So windows begin at [`FIRST`] and double when a stream takes half of its window within one round trip,
//! which shows that the window and not the reader is the limit. A window may only grow as long as all
//! streams of the session together can hold no more than [`BUDGET`], and a session whose windows have
//! grown takes fewer tunnels. The connection's window, [`CONNECTION`], is larger than the budget: however
//! many readers stall, those that read find room in it.

use std::time::{Duration, Instant};

/// The window of a stream at first, in octets.
pub(super) const FIRST: u32 = MIB;
/// The largest window of a stream, in octets.
pub(super) const LARGEST: u32 = 64 * MIB;
/// What all streams of a session together may leave unread, in octets.
pub(super) const BUDGET: u32 = 128 * MIB;
/// The connection's window, in octets. Room that was freed is announced late, when it is half of what the
/// peer still sees, so the peer may see as little as two thirds of the free room: half as much again makes
/// up for that.
pub(super) const CONNECTION: u32 = BUDGET / 2 * 3;
/// What one stream may hold back towards the gateway, in octets: written by the client and not yet sent.
/// Above the usual socket buffer, so that it is never this that limits the speed.
pub(super) const SEND_BUFFER: usize = 256 * 1024;

const MIB: u32 = 1024 * 1024;

/// How many tunnels a session may carry with windows of this size.
pub(super) const fn streams(window: u32) -> usize {
    (BUDGET / window) as usize
}

/// The next larger window, if this many streams can have it.
pub(super) const fn larger(window: u32, open: usize) -> Option<u32> {
    let next = window * 2;
    if next <= LARGEST && open <= streams(next) {
        Some(next)
    } else {
        None
    }
}

/// How fast one stream takes in what arrives.
#[derive(Debug)]
pub(super) struct Meter {
    since: Instant,
    octets: usize,
}

// === impl Meter ===

impl Meter {
    pub(super) fn new() -> Self {
        Self {
            since: Instant::now(),
            octets: 0,
        }
    }

    /// Counts what was received; says whether the window is what limits the speed.
    ///
    /// The clock is only looked at once in half a window.
    pub(super) fn is_limited(&mut self, octets: usize, window: u32, rtt: Option<Duration>) -> bool {
        self.octets += octets;
        if self.octets < window as usize / 2 {
            return false;
        }
        let took = self.since.elapsed();
        *self = Self::new();
        rtt.is_some_and(|rtt| took <= rtt)
    }
}

#[cfg(test)]
mod tests;
