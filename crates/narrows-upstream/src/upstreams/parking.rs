//! [`Place`]: whether one of several upstreams should be asked now; a state machine without I/O.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use narrows_endpoint::Target;
use tokio::time::Instant;

/// The first rest of an upstream that failed; it doubles with each failure until [`LONGEST_REST`].
const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(60);
/// How long the request that tries a parked upstream keeps others from trying it too.
const TRIAL: Duration = Duration::from_secs(20);
/// How long a target that fared ill here is taken elsewhere first.
const SUSPICION: Duration = Duration::from_secs(60);
/// How many targets must have fared ill, none well between them, to speak against the upstream itself.
const WITNESSES: usize = 2;
/// Targets that are remembered; when there are more, all are forgotten.
const TARGETS: usize = 1024;

/// What shows that an upstream works, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Proof {
    /// It can be reached.
    Reached,
    /// It opened a tunnel.
    Opened,
    /// Octets came back through a tunnel.
    Alive,
}

/// Whether an upstream should be asked, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Good,
    /// Parked, and its rest is over: one request may find out.
    Due,
    /// It works, but this target fared ill here.
    Suspect,
    Parked,
}

/// What is known of one of several upstreams.
#[derive(Debug, Default)]
pub(super) struct Place {
    parked: Option<Parking>,
    /// Targets that fared ill here lately while they fared well, or might, elsewhere; until when.
    ill: HashMap<Target, Instant>,
    /// How many targets it failed to open since it last opened one.
    unopened: usize,
    /// How many targets' tunnels were dead since one was alive.
    dead: usize,
}

/// An upstream rests.
#[derive(Clone, Debug)]
pub(super) struct Parking {
    pub(super) reason: Arc<str>,
    pub(super) until: Instant,
    rest: Duration,
    wants: Proof,
}

// === impl Place ===

impl Place {
    /// Whether it should be asked for this target by a request that can prove so much.
    pub(super) fn rank(&self, target: &Target, can_prove: Proof, now: Instant) -> Rank {
        match &self.parked {
            Some(parking) if now < parking.until || can_prove < parking.wants => Rank::Parked,
            Some(_) => Rank::Due,
            None if self.is_suspect(target, now) => Rank::Suspect,
            None => Rank::Good,
        }
    }

    pub(super) fn is_suspect(&self, target: &Target, now: Instant) -> bool {
        self.ill.get(target).is_some_and(|&until| now < until)
    }

    pub(super) const fn parking(&self) -> Option<&Parking> {
        self.parked.as_ref()
    }

    /// Whether only octets out of a tunnel end its rest.
    pub(super) fn awaits_life(&self) -> bool {
        let parked = self.parked.as_ref();
        parked.is_some_and(|parking| parking.wants == Proof::Alive)
    }

    /// One request finds out whether it is back; the others leave it alone meanwhile.
    pub(super) fn begin_trial(&mut self, now: Instant) {
        if let Some(parking) = &mut self.parked {
            parking.until = now + TRIAL;
        }
    }

    /// That request has found out nothing: the next one may try.
    pub(super) fn end_trial(&mut self, now: Instant) {
        if let Some(parking) = &mut self.parked {
            parking.until = now;
        }
    }

    /// That request has failed, and nobody knows yet by whose fault.
    pub(super) fn rest_again(&mut self, now: Instant) {
        if let Some(parking) = &mut self.parked {
            parking.until = now + parking.rest;
        }
    }

    /// It did well by this target. `true` if it was parked until now.
    pub(super) fn works(&mut self, target: &Target, proof: Proof) -> bool {
        if proof >= Proof::Opened {
            self.unopened = 0;
        }
        if proof >= Proof::Alive {
            self.dead = 0;
            self.ill.remove(target);
        }
        let parked = self.parked.as_ref();
        let back = parked.is_some_and(|parking| parking.wants <= proof);
        if back {
            self.parked = None;
        }
        back
    }

    /// It failed by its own fault. `true` if it was not parked until now.
    pub(super) fn park(&mut self, reason: Arc<str>, wants: Proof, now: Instant) -> bool {
        let before = self.parked.as_ref();
        let fresh = before.is_none();
        let rest = before.map_or(FIRST_REST, |before| (before.rest * 2).min(LONGEST_REST));
        // What is harder to prove is still in doubt.
        let wants = before.map_or(wants, |before| before.wants.max(wants));
        self.parked = Some(Parking {
            reason,
            until: now + rest,
            rest,
            wants,
        });
        fresh
    }

    /// A target fared ill here, and it may have been the target's own fault. Enough of them park it:
    /// `true` if that is so and it was not parked until now.
    pub(super) fn fared_ill(
        &mut self,
        target: &Target,
        reason: Arc<str>,
        opened: bool,
        now: Instant,
    ) -> bool {
        let again = self.is_suspect(target, now);
        if self.ill.len() >= TARGETS {
            self.ill.clear();
        }
        self.ill.insert(target.clone(), now + SUSPICION);
        let (witnesses, wants) = if opened {
            (&mut self.dead, Proof::Alive)
        } else {
            (&mut self.unopened, Proof::Opened)
        };
        *witnesses += usize::from(!again);
        let enough = *witnesses >= WITNESSES;
        (enough || self.parked.is_some()) && self.park(reason, wants, now)
    }

    /// The target fares ill everywhere: it was no witness.
    pub(super) fn forgive(&mut self, target: &Target) {
        if self.ill.remove(target).is_some() {
            self.unopened = self.unopened.saturating_sub(1);
            self.dead = self.dead.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests;
