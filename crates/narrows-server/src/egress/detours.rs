//! [`Detours`]: what is known about where the gateway is of no use.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use narrows_endpoint::Target;
use tokio::time::Instant;

/// How long a target that the gateway refused goes another way without asking again. The gateway's rules
/// change by hand, so minutes are soon enough.
const REFUSED_FOR: Duration = Duration::from_secs(300);
/// How long a gateway that is down is left alone before one request tries it again. A gateway that comes
/// back is in use within this time.
const DOWN_FOR: Duration = Duration::from_millis(500);
/// How long that one request may take before another one tries too.
const TRIAL_FOR: Duration = Duration::from_secs(20);
/// Refused targets that are remembered; when there are more, those that are remembered are forgotten.
const TARGETS: usize = 4096;
/// Below this many it is not worth looking for those whose time is over.
const FEW: usize = 64;

/// Where the gateway is of no use: targets that it refuses, and times when it is down.
#[derive(Debug, Default)]
pub(super) struct Detours {
    known: Mutex<Known>,
}

/// A request to the gateway that is under way; dropped without an outcome, it has found out nothing, and
/// the next request may try.
#[derive(Debug)]
pub(super) struct Trial<'a>(&'a Detours);

#[derive(Debug, Default)]
struct Known {
    down: Option<Down>,
    refused: HashMap<Target, Refused>,
    /// When so many are remembered, those whose time is over are forgotten.
    tidy_at: usize,
}

#[derive(Debug)]
struct Down {
    reason: String,
    until: Instant,
}

#[derive(Debug)]
struct Refused {
    reason: String,
    until: Instant,
}

impl Detours {
    /// Why the gateway should not be asked for a target now, if it should not.
    pub(super) fn known(&self, target: &Target) -> Option<Cow<'static, str>> {
        let mut known = self.lock();
        if known.down.is_none() && known.refused.is_empty() {
            return None;
        }
        let now = Instant::now();
        if let Some(refused) = known.refused.get(target) {
            if now < refused.until {
                return Some(refused.reason.clone().into());
            }
            known.refused.remove(target);
        }
        let down = known.down.as_mut()?;
        if now < down.until {
            return Some(down.reason.clone().into());
        }
        // This request finds out how things are; the others take the detour meanwhile.
        down.until = now + TRIAL_FOR;
        None
    }

    /// A request to the gateway begins.
    pub(super) const fn trial(&self) -> Trial<'_> {
        Trial(self)
    }

    /// The gateway refused a target.
    pub(super) fn refused(&self, target: &Target, error: &dyn fmt::Display) -> Cow<'static, str> {
        let reason = error.to_string();
        let mut known = self.lock();
        known.down = None;
        let now = Instant::now();
        known.tidy(now);
        let until = now + REFUSED_FOR;
        let refused = Refused {
            reason: reason.clone(),
            until,
        };
        known.refused.insert(target.clone(), refused);
        reason.into()
    }

    /// The gateway could not be used at all.
    pub(super) fn gateway_down(&self, error: &dyn fmt::Display) -> Cow<'static, str> {
        let reason = error.to_string();
        self.lock().down = Some(Down {
            reason: reason.clone(),
            until: Instant::now() + DOWN_FOR,
        });
        reason.into()
    }

    /// The gateway answered.
    pub(super) fn gateway_works(&self) {
        self.lock().down = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Forgets targets whose time is over when there are twice as many as the last time.
    fn tidy(&mut self, now: Instant) {
        if self.refused.len() < self.tidy_at.max(FEW) {
            return;
        }
        self.refused.retain(|_, refused| now < refused.until);
        if self.refused.len() >= TARGETS {
            self.refused.clear();
        }
        self.tidy_at = (2 * self.refused.len()).min(TARGETS);
    }
}

impl Trial<'_> {
    /// There is an outcome.
    pub(super) fn ended(self) {
        std::mem::forget(self);
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if let Some(down) = &mut self.0.lock().down {
            down.until = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn target(text: &str) -> Target {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_target_goes_another_way_for_a_while() {
        let detours = Detours::default();
        let (refused, other) = (target("a.example:443"), target("b.example:443"));
        detours.refused(&refused, &"not on the list");
        assert_eq!(detours.known(&refused).as_deref(), Some("not on the list"));
        assert_eq!(detours.known(&other), None);
        advance(REFUSED_FOR).await;
        assert_eq!(detours.known(&refused), None);
    }

    #[tokio::test(start_paused = true)]
    async fn one_request_finds_out_whether_the_gateway_is_back() {
        let detours = Detours::default();
        let target = target("a.example:443");
        detours.gateway_down(&"refused");
        assert!(detours.known(&target).is_some());
        advance(DOWN_FOR).await;
        assert_eq!(detours.known(&target), None, "the trial");
        assert!(detours.known(&target).is_some(), "everybody else");
        detours.gateway_works();
        assert_eq!(detours.known(&target), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_leaves_leaves_the_trial_to_the_next() {
        let detours = Detours::default();
        let target = target("a.example:443");
        detours.gateway_down(&"refused");
        advance(DOWN_FOR).await;
        assert_eq!(detours.known(&target), None, "the trial");
        drop(detours.trial());
        assert_eq!(detours.known(&target), None, "another one");
        detours.trial().ended();
        assert!(detours.known(&target).is_some());
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes there")]
    fn the_memory_is_bounded() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let detours = Detours::default();
            for n in 0..2 * TARGETS {
                detours.refused(&target(&format!("h{n}.example:443")), &"no");
            }
            assert!(detours.lock().refused.len() <= TARGETS);
        });
    }

    #[tokio::test(start_paused = true)]
    async fn targets_whose_time_is_over_are_forgotten() {
        let detours = Detours::default();
        for n in 0..20 * FEW {
            detours.refused(&target(&format!("h{n}.example:443")), &"no");
            advance(REFUSED_FOR / 10).await;
        }
        assert!(detours.lock().refused.len() <= FEW);
    }
}
