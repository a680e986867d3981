//! [`Rate`]: so many a second on average, and a burst at once.

use std::time::{Duration, Instant};

/// So many events a second on average, and twice as many in a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    per_second: u32,
}

/// How much of a [`Rate`] has been used: the virtual time at which everything would be paid back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used(Option<Instant>);

// === impl Rate ===

impl Rate {
    /// A rate; 0 lets nothing pass.
    pub const fn per_second(per_second: u32) -> Self {
        Self { per_second }
    }

    /// Uses one, if there is one.
    ///
    /// # Errors
    ///
    /// How long until there is one again.
    pub fn take(self, used: &mut Used, now: Instant) -> Result<(), Duration> {
        let Some(interval) = Duration::from_secs(1).checked_div(self.per_second) else {
            return Err(FOREVER);
        };
        let paid = used.0.map_or(now, |paid| paid.max(now));
        let ahead = paid - now;
        // Two seconds' worth may be used ahead of time.
        let wait = (ahead + interval).saturating_sub(BURST);
        if wait.is_zero() || ahead.is_zero() {
            used.0 = Some(paid + interval);
            Ok(())
        } else {
            Err(wait)
        }
    }
}

// === impl Used ===

impl Used {
    /// Whether nothing is left to pay back, so that it may be forgotten.
    pub fn is_nothing(&self, now: Instant) -> bool {
        self.0.is_none_or(|paid| paid <= now)
    }
}

/// Time's worth of events that may come at once.
const BURST: Duration = Duration::from_secs(2);
/// What is said of a rate of nothing.
const FOREVER: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let start = Instant::now();
        let (rate, mut used) = (Rate::per_second(10), Used::default());
        let burst = (0..100)
            .filter(|_| rate.take(&mut used, start).is_ok())
            .count();
        assert_eq!(burst, 20);
        assert_eq!(rate.take(&mut used, start), Err(Duration::from_millis(100)));
        let later = start + Duration::from_secs(1);
        let second = (0..100)
            .filter(|_| rate.take(&mut used, later).is_ok())
            .count();
        assert_eq!(second, 10);
        assert!(!used.is_nothing(later));
        assert!(used.is_nothing(later + Duration::from_secs(2)));
    }

    #[test]
    fn slow_rates_let_one_pass_and_no_rate_none() {
        let now = Instant::now();
        let mut used = Used::default();
        assert!(Rate::per_second(1).take(&mut used, now).is_ok());
        assert!(Rate::per_second(0).take(&mut Used::default(), now).is_err());
    }
}
