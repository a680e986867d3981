//! [`Attempts`]: failed attempts to log in, counted for each client address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::bucket::{Rate, Used};

/// Failed attempts to log in, counted for each client address (each /64 of IPv6).
///
/// Only failures are counted and slowed down: behind an enterprise proxy all clients have one address,
/// and one with a wrong token must not lock out the others. Nothing is lost by that, since a token of
/// 256 random bits cannot be guessed at any rate.
#[derive(Debug)]
pub struct Attempts {
    rate: Rate,
    used: Mutex<HashMap<IpAddr, Used>>,
}

// === impl Attempts ===

impl Attempts {
    /// So many failures a second for one address, and twice as many at once.
    pub fn new(per_second: u32) -> Self {
        Self {
            rate: Rate::per_second(per_second),
            used: Mutex::default(),
        }
    }

    /// Counts a failure.
    ///
    /// # Errors
    ///
    /// There were too many: how long the client should wait.
    pub fn failed(&self, client: IpAddr, now: Instant) -> Result<(), Duration> {
        let client = network(client);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= MOST && !used.contains_key(&client) {
            used.retain(|_, used| !used.is_nothing(now));
        }
        // With as many addresses failing at once, the ones that come later share one count.
        let key = match used.len() < MOST || used.contains_key(&client) {
            true => client,
            false => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        self.rate.take(used.entry(key).or_default(), now)
    }
}

/// What one customer of an access provider has: one IPv4 address, or 2⁶⁴ of IPv6.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) >> 64 << 64).into(),
        v4 => v4,
    }
}

/// Addresses that are remembered, about 64 octets each.
const MOST: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_count() {
        let attempts = Attempts::new(5);
        let now = Instant::now();
        let failed = |text: &str| attempts.failed(text.parse().unwrap(), now).is_ok();
        assert_eq!((0..100_000).filter(|_| failed("192.0.2.1")).count(), 10);
        assert!(failed("192.0.2.2"));
        assert!(!failed("::ffff:192.0.2.1"));
        assert_eq!((0..20).filter(|_| failed("2001:db8::1")).count(), 10);
        assert!(!failed("2001:db8::ffff"));
        assert!(failed("2001:db8:0:1::"));
    }

    #[test]
    fn memory_is_bounded() {
        let attempts = Attempts::new(1);
        let now = Instant::now();
        for n in 0..u32::try_from(MOST).unwrap() + 100 {
            let _ = attempts.failed(IpAddr::V4(n.into()), now);
        }
        assert!(attempts.used.lock().unwrap().len() <= MOST + 1);
        let later = now + Duration::from_secs(10);
        attempts.failed(IpAddr::V4(u32::MAX.into()), later).unwrap();
        assert_eq!(attempts.used.lock().unwrap().len(), 1);
    }
}
