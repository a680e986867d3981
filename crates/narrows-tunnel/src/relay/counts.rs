//! [`Counts`]: what a tunnel has delivered.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a tunnel has delivered so far, in octets; readable while it runs.
#[derive(Debug, Default)]
pub struct Counts {
    received: AtomicU64,
    sent: AtomicU64,
    spliced: AtomicU64,
}

/// Where one direction counts.
#[derive(Clone, Copy)]
pub(super) struct Count<'a> {
    delivered: &'a AtomicU64,
    spliced: &'a AtomicU64,
}

// === impl Counts ===

impl Counts {
    /// Octets delivered from the client to the far side (`->` in arcproxy.log).
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Octets delivered from the far side to the client (`<-` in arcproxy.log).
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// How many of both were moved within the kernel, without a copy in this process.
    pub fn spliced(&self) -> u64 {
        self.spliced.load(Ordering::Relaxed)
    }

    pub(super) fn total(&self) -> u64 {
        self.sent().wrapping_add(self.received())
    }

    pub(super) const fn of_sent(&self) -> Count<'_> {
        Count {
            delivered: &self.sent,
            spliced: &self.spliced,
        }
    }

    pub(super) const fn of_received(&self) -> Count<'_> {
        Count {
            delivered: &self.received,
            spliced: &self.spliced,
        }
    }
}

// === impl Count ===

impl Count<'_> {
    /// Counts octets that were written.
    pub(super) fn copied(self, octets: usize) {
        // One task writes, others only look: a plain store would do, and this costs the same.
        self.delivered.fetch_add(octets as u64, Ordering::Relaxed);
    }

    /// Counts octets that were spliced.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "nothing is"))]
    pub(super) fn spliced(self, octets: usize) {
        self.copied(octets);
        self.spliced.fetch_add(octets as u64, Ordering::Relaxed);
    }
}
