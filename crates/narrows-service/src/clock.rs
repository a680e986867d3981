//! [`LocalClock`]: the wall clock with the machine's offset from UTC, for log lines.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp as Instant;
use jiff::tz::TimeZone;
use narrows_log::Timestamp;

/// How long an offset is believed, in seconds. Changes of summer time fall on whole minutes.
const MINUTE: i64 = 60;

/// The wall clock with the machine's offset from UTC.
///
/// The offset is looked up at most once a minute: a log line costs one reading of the clock.
#[derive(Debug)]
pub struct LocalClock {
    zone: TimeZone,
    /// Minute since 1970 in the upper 32 bits, offset in seconds in the lower: one word, so that a
    /// reader never pairs the minute of one update with the offset of another.
    cached: AtomicI64,
}

impl LocalClock {
    /// A clock in the system's time zone, or UTC if the system does not say.
    pub fn system() -> Self {
        Self::new(TimeZone::try_system().unwrap_or(TimeZone::UTC))
    }

    /// A clock in `zone`.
    pub const fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            cached: AtomicI64::new(i64::MIN),
        }
    }

    /// Now. A clock that stands before 1970 reads 1970.
    pub fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        Timestamp::new(millis, self.offset_at(millis / 1000))
    }

    /// The offset from UTC in seconds, `seconds` after 1970.
    fn offset_at(&self, seconds: i64) -> i32 {
        let minute = seconds.div_euclid(MINUTE);
        let cached = self.cached.load(Ordering::Relaxed);
        if cached >> 32 == minute {
            return low_half(cached);
        }
        let offset = Instant::from_second(seconds)
            .map_or(0, |instant| self.zone.to_offset(instant).seconds());
        self.cached.store(
            (minute << 32) | i64::from(offset.cast_unsigned()),
            Ordering::Relaxed,
        );
        offset
    }
}

/// The lower 32 bits, as the signed number that was put there.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the lower half is what is wanted"
)]
const fn low_half(word: i64) -> i32 {
    word as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offset_follows_summer_time_and_survives_the_cache() {
        // Central Europe: +01:00 until 2026-03-29T01:00:00Z, +02:00 from then on.
        let clock = LocalClock::new(TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap());
        let change = 1_774_746_000;
        for (seconds, hours) in [(-1, 1), (-1, 1), (0, 2), (59, 2), (60, 2), (-60, 1)] {
            assert_eq!(clock.offset_at(change + seconds), hours * 3600, "{seconds}");
        }
    }

    #[test]
    fn negative_offset_survives_the_cache() {
        let clock = LocalClock::new(TimeZone::fixed(jiff::tz::offset(-7)));
        assert_eq!(clock.offset_at(1_721_190_514), -7 * 3600);
        assert_eq!(clock.offset_at(1_721_190_515), -7 * 3600);
    }
}
