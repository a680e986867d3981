//! [`Histogram`]: how long things took, counted without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long things took, in buckets with fixed bounds.
#[derive(Debug)]
pub(crate) struct Histogram<const N: usize> {
    bounds: &'static [f64; N],
    buckets: [AtomicU64; N],
    /// Beyond the last bound.
    above: AtomicU64,
    nanoseconds: AtomicU64,
}

/// A histogram as Prometheus wants it: the sum in seconds, and each bucket's own count.
pub(crate) struct Reading {
    pub(crate) buckets: Vec<(f64, u64)>,
    pub(crate) count: u64,
    pub(crate) sum: f64,
}

impl<const N: usize> Histogram<N> {
    /// `bounds` are upper ones in seconds, and rise.
    pub(crate) const fn new(bounds: &'static [f64; N]) -> Self {
        Self {
            bounds,
            buckets: [const { AtomicU64::new(0) }; N],
            above: AtomicU64::new(0),
            nanoseconds: AtomicU64::new(0),
        }
    }

    pub(crate) fn count(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let at = self.bounds.partition_point(|bound| *bound < seconds);
        let bucket = self.buckets.get(at).unwrap_or(&self.above);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        bucket.fetch_add(1, Ordering::Relaxed);
    }

    /// The buckets say how many there are, so that the parts of a reading agree.
    pub(crate) fn read(&self) -> Reading {
        let own = self
            .buckets
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        let mut buckets: Vec<(f64, u64)> = self.bounds.iter().copied().zip(own).collect();
        buckets.push((f64::INFINITY, self.above.load(Ordering::Relaxed)));
        Reading {
            count: buckets.iter().map(|(_, count)| count).sum(),
            buckets,
            sum: Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)).as_secs_f64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let histogram = Histogram::new(&[0.5, 1.0]);
        for millis in [0, 500, 501, 1000, 1001] {
            histogram.count(Duration::from_millis(millis));
        }
        let reading = histogram.read();
        assert_eq!(reading.buckets, [(0.5, 2), (1.0, 2), (f64::INFINITY, 1)]);
        assert_eq!((reading.count, reading.sum), (5, 3.002));
    }
}
