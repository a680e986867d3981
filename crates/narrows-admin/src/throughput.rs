//! [`Throughput`]: octets in each of the last moments.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::watch::Watch;

/// How long a moment is. Long enough to cost nothing, short enough to see what a click did.
pub(crate) const MOMENT: Duration = Duration::from_secs(2);
/// Five minutes of them.
const KEPT: usize = 150;

/// Octets delivered in each of the last moments, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throughput {
    /// How long a moment is, in milliseconds.
    pub moment_ms: u64,
    /// To far sides and to clients.
    pub moments: Vec<(u64, u64)>,
}

/// The moments as they come in.
#[derive(Debug, Default)]
pub(crate) struct Moments(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    moments: VecDeque<(u64, u64)>,
    totals: (u64, u64),
}

impl Moments {
    /// Adds the moment that ends now.
    pub(crate) fn tick(&self, watch: &Watch) {
        let totals = watch.live.totals().iter().fold((0, 0), |sum, route| {
            (sum.0 + route.sent, sum.1 + route.received)
        });
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut kept.totals, totals);
        if kept.moments.len() == KEPT {
            kept.moments.pop_front();
        }
        kept.moments.push_back((
            totals.0.saturating_sub(before.0),
            totals.1.saturating_sub(before.1),
        ));
    }

    pub(crate) fn read(&self) -> Throughput {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Throughput {
            moment_ms: crate::watch::unix_ms(MOMENT),
            moments: kept.moments.iter().copied().collect(),
        }
    }
}
