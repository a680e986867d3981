//! [`Usage`]: how much of a gateway is in use, in all and by each identity.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::bucket::{Rate, Used};
use crate::definition::Narrows;
use crate::identity::Identity;

/// How much of one gateway is in use. It outlives the definition that it was made for, so that a reload
/// forgets nothing.
#[derive(Debug, Default)]
pub struct Usage {
    counts: Mutex<Counts>,
}

/// A place for one tunnel; dropping it gives the place back.
#[derive(Debug)]
pub struct Place {
    usage: Arc<Usage>,
    identity: Identity,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Full {
    /// The gateway has as many tunnels as it may have.
    #[error("the gateway already has its {0} tunnels")]
    GatewayTunnels(u32),
    /// The gateway opens as many as it may in a second.
    #[error("the gateway opens tunnels faster than it may")]
    GatewayOpens(Duration),
    /// The identity has as many tunnels as it may have.
    #[error("it already has its {0} tunnels")]
    IdentityTunnels(u32),
    /// The identity opens as many as it may in a second.
    #[error("it opens tunnels faster than it may")]
    IdentityOpens(Duration),
}

#[derive(Debug, Default)]
struct Counts {
    all: Count,
    identities: HashMap<Identity, Count>,
    /// At how many identities the ones without a count are looked for next.
    tidy_at: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    tunnels: u32,
    opens: Used,
}

// === impl Usage ===

impl Usage {
    /// A place for a tunnel of `identity`, if the limits leave one.
    ///
    /// # Errors
    ///
    /// [`Full`], and nothing is counted.
    pub fn enter(
        self: &Arc<Self>,
        identity: &Identity,
        limits: &Narrows,
        now: Instant,
    ) -> Result<Place, Full> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.tidy(now);
        let mut own = counts.identities.get(identity).copied().unwrap_or_default();
        let mut all = counts.all;
        own.tunnel(limits.identity_tunnels)
            .map_err(Full::IdentityTunnels)?;
        all.tunnel(limits.tunnels).map_err(Full::GatewayTunnels)?;
        let (own_rate, all_rate) = (limits.identity_opens_per_second, limits.opens_per_second);
        own.open(own_rate, now).map_err(Full::IdentityOpens)?;
        all.open(all_rate, now).map_err(Full::GatewayOpens)?;
        counts.all = all;
        counts.identities.insert(identity.clone(), own);
        Ok(Place {
            usage: Arc::clone(self),
            identity: identity.clone(),
        })
    }

    /// Tunnels that are open.
    pub fn tunnels(&self) -> u32 {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all.tunnels
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let counts = self.usage.counts.lock();
        let mut counts = counts.unwrap_or_else(PoisonError::into_inner);
        counts.all.tunnels -= 1;
        if let Some(own) = counts.identities.get_mut(&self.identity) {
            own.tunnels -= 1;
        }
    }
}

// === impl Full ===

impl Full {
    /// When to try again, in whole seconds.
    pub fn retry_after(&self) -> u32 {
        match self {
            Self::GatewayTunnels(_) | Self::IdentityTunnels(_) => 1,
            Self::GatewayOpens(wait) | Self::IdentityOpens(wait) => seconds(*wait),
        }
    }
}

/// Whole seconds, rounded up, at least one.
pub(crate) fn seconds(wait: Duration) -> u32 {
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

// === impl Counts ===

impl Counts {
    /// Forgets identities without tunnels when there are twice as many as the last time.
    fn tidy(&mut self, now: Instant) {
        if self.identities.len() < self.tidy_at.max(FEW) {
            return;
        }
        self.identities
            .retain(|_, count| count.tunnels > 0 || !count.opens.is_nothing(now));
        self.tidy_at = 2 * self.identities.len();
    }
}

// === impl Count ===

impl Count {
    fn tunnel(&mut self, most: Option<u32>) -> Result<(), u32> {
        match most {
            Some(most) if self.tunnels >= most => Err(most),
            _ => {
                self.tunnels += 1;
                Ok(())
            }
        }
    }

    fn open(&mut self, per_second: Option<u32>, now: Instant) -> Result<(), Duration> {
        per_second.map_or(Ok(()), |rate| {
            Rate::per_second(rate).take(&mut self.opens, now)
        })
    }
}

/// Below this many identities it is not worth looking for ones to forget.
const FEW: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(json: &str) -> Narrows {
        serde_json::from_str(json).unwrap()
    }

    fn token(name: &str) -> Identity {
        Identity::Token(name.into())
    }

    #[test]
    fn places_come_back() {
        let (usage, now) = (Arc::new(Usage::default()), Instant::now());
        let limits = limits(r#"{"tunnels": 3, "identityTunnels": 2}"#);
        let enter = |name: &str| usage.enter(&token(name), &limits, now);
        let first = enter("a").unwrap();
        let _second = enter("a").unwrap();
        assert_eq!(enter("a").unwrap_err(), Full::IdentityTunnels(2));
        let third = enter("b").unwrap();
        assert_eq!(enter("b").unwrap_err(), Full::GatewayTunnels(3));
        drop(first);
        let _fourth = enter("a").unwrap();
        drop(third);
        assert_eq!(usage.tunnels(), 2);
    }

    #[test]
    fn rates_hold_for_each_and_for_all() {
        let (usage, now) = (Arc::new(Usage::default()), Instant::now());
        let limits = limits(r#"{"opensPerSecond": 4, "identityOpensPerSecond": 3}"#);
        let enter = |name: &str| usage.enter(&token(name), &limits, now).map(drop);
        assert_eq!((0..20).filter(|_| enter("a").is_ok()).count(), 6);
        assert!(matches!(enter("a"), Err(Full::IdentityOpens(_))));
        assert_eq!((0..20).filter(|_| enter("b").is_ok()).count(), 2);
        assert!(matches!(enter("b"), Err(Full::GatewayOpens(_))));
        assert_eq!(usage.tunnels(), 0);
    }

    #[test]
    fn identities_without_tunnels_are_forgotten() {
        let (usage, now) = (Arc::new(Usage::default()), Instant::now());
        let none = Narrows::default();
        for n in 0..10 * FEW {
            drop(usage.enter(&token(&n.to_string()), &none, now).unwrap());
        }
        assert!(usage.counts.lock().unwrap().identities.len() <= FEW);
    }
}
