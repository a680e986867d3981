//! Flow-control windows of HTTP/2 sessions that carry tunnels: sized for bulk, bounded in memory, and no
//! stalled reader may stall the others. Both ends of a session with a gateway of ours go by them.
//!
//! A stream moves at most one window in one round trip, so its speed is `window / round trip`: 1 MiB gives
//! 42 MB/s at 25 ms and 10 MB/s at 100 ms; 64 MiB gives 670 MB/s at 100 ms, five times what 1 Gbit/s needs
//! (12.5 MB = 125 MB/s x 100 ms). But a stalled reader fills its window, and that memory is ours.
//!
//! So windows begin at [`FIRST`] and grow when a stream takes a quarter of its window within half of a round
//! trip, which shows that the window and not the reader is the limit. They grow fourfold where there is
//! room for that, since each step costs a round trip: from the first to the largest in three. A window may
//! only grow as long as all streams of the session together can hold no more than [`BUDGET`]; a session
//! whose windows have grown takes fewer tunnels, or makes its windows smaller for them. The connection's
//! window, [`CONNECTION`], is larger than the budget: however many readers stall, those that read find room
//! in it.

use std::time::{Duration, Instant};

/// The window of a stream at first, in octets.
pub const FIRST: u32 = MIB;
/// The largest window of a stream, in octets.
pub const LARGEST: u32 = 64 * MIB;
/// What all streams of a session together may leave unread, in octets.
pub const BUDGET: u32 = 128 * MIB;
/// The connection's window, in octets. Room that was freed is announced late, when it is half of what the
/// peer still sees, so the peer may see as little as two thirds of the free room: half as much again makes
/// up for that.
pub const CONNECTION: u32 = BUDGET / 2 * 3;
/// What one stream may hold back towards the gateway, in octets: written by the client and not yet sent.
/// Above the usual socket buffer, so that it is never this that limits the speed.
pub const SEND_BUFFER: usize = 256 * 1024;
/// The largest frame that is taken, in octets: what a tunnel moves in one turn. Each frame costs a system
/// call and a TLS record of its own, whatever its size.
pub const FRAME: u32 = 64 * 1024;
/// What TLS may hold back below such a session, in octets: a whole frame with its head, and then some.
pub const TLS_BUFFER: usize = 2 * FRAME as usize;

const MIB: u32 = 1024 * 1024;

/// How many tunnels a session may carry with windows of this size.
pub const fn streams(window: u32) -> usize {
    (BUDGET / window) as usize
}

/// The next larger window, if this many streams can have it.
pub const fn larger(window: u32, open: usize) -> Option<u32> {
    if fits(window * 4, open) {
        Some(window * 4)
    } else if fits(window * 2, open) {
        Some(window * 2)
    } else {
        None
    }
}

/// The largest window up to this one that so many streams can have; never less than the first.
pub const fn fitting(mut window: u32, open: usize) -> u32 {
    while window > FIRST && !fits(window, open) {
        window /= 2;
    }
    window
}

const fn fits(window: u32, open: usize) -> bool {
    window <= LARGEST && open <= streams(window)
}

/// How fast one stream takes in what arrives.
#[derive(Debug)]
pub struct Meter {
    since: Instant,
    octets: usize,
}

// === impl Meter ===

impl Meter {
    /// Nothing was received yet.
    pub fn new() -> Self {
        Self {
            since: Instant::now(),
            octets: 0,
        }
    }

    /// Counts what was received; says whether the window is what limits the speed.
    ///
    /// The clock is only looked at once in a quarter of a window.
    pub fn is_limited(&mut self, octets: usize, window: u32, rtt: Option<Duration>) -> bool {
        self.octets += octets;
        if self.octets < window as usize / 4 {
            return false;
        }
        let took = self.since.elapsed();
        *self = Self::new();
        rtt.is_some_and(|rtt| took <= rtt / 2)
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
