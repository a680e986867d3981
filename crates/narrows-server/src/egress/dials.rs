//! [`Dials`]: how many connections to targets are being made at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use narrows_endpoint::Target;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// How long a request waits for its turn. A burst passes in this time; before a black hole there is no
/// sense in waiting longer.
const PATIENCE: Duration = Duration::from_secs(1);
/// One target has at most one in so many places, so that one which does not answer leaves room for others.
const SHARE: usize = 4;

/// Bounds the connections to targets that are being made at a time, in total and for each target.
#[derive(Debug)]
pub(super) struct Dials {
    all: Semaphore,
    limit: usize,
    /// The targets that are being dialled or waited for; nothing else is remembered.
    lines: Mutex<HashMap<Target, Arc<Semaphore>>>,
}

/// The right to dial a target; dropping it passes it on.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    _of_all: SemaphorePermit<'a>,
    _of_line: OwnedSemaphorePermit,
    /// Last, so that the permits are back before the line is looked at.
    _standing: Standing<'a>,
}

/// A place in the line of a target.
#[derive(Debug)]
struct Standing<'a> {
    dials: &'a Dials,
    line: Arc<Semaphore>,
    target: &'a Target,
}

// === impl Dials ===

impl Dials {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            all: Semaphore::new(limit),
            limit,
            lines: Mutex::default(),
        }
    }

    /// How many may be under way at a time.
    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// Waits for a turn to dial this target; `None` if it does not come soon.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a dropped wait leaves the line.
    pub(super) async fn turn<'a>(&'a self, target: &'a Target) -> Option<Turn<'a>> {
        let standing = self.stand(target);
        let turn = async {
            // Neither is ever closed.
            let of_line = Arc::clone(&standing.line).acquire_owned().await.ok()?;
            Some((of_line, self.all.acquire().await.ok()?))
        };
        let (of_line, of_all) = timeout(PATIENCE, turn).await.ok()??;
        Some(Turn {
            _of_all: of_all,
            _of_line: of_line,
            _standing: standing,
        })
    }

    fn stand<'a>(&'a self, target: &'a Target) -> Standing<'a> {
        let mut lines = self.lock();
        let line = lines.entry(target.clone());
        let line = line.or_insert_with(|| Arc::new(Semaphore::new(self.limit.div_ceil(SHARE))));
        Standing {
            dials: self,
            line: Arc::clone(line),
            target,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Target, Arc<Semaphore>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        let mut lines = self.dials.lock();
        // The map's and this one: nobody else stands here, and nobody comes while the lock is held.
        if Arc::strong_count(&self.line) == 2 {
            lines.remove(self.target);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn target(text: &str) -> Target {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn one_target_has_its_share_and_leaves_the_rest() {
        let dials = Dials::new(8);
        let (hole, other) = (target("hole.example:443"), target("other.example:443"));
        let first = dials.turn(&hole).await.unwrap();
        let _second = dials.turn(&hole).await.unwrap();
        let start = Instant::now();
        assert!(dials.turn(&hole).await.is_none());
        assert_eq!(start.elapsed(), PATIENCE);
        assert!(dials.turn(&other).await.is_some());
        drop(first);
        assert!(dials.turn(&hole).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn all_together_have_the_limit() {
        let dials = Dials::new(4);
        let targets: Vec<_> = (0..5)
            .map(|n| target(&format!("h{n}.example:443")))
            .collect();
        let mut turns = Vec::new();
        for one in &targets[..4] {
            turns.push(dials.turn(one).await.unwrap());
        }
        assert!(dials.turn(&targets[4]).await.is_none());
        let waiting = dials.turn(&targets[4]);
        let freeing = async { drop(turns.pop()) };
        assert!(tokio::join!(waiting, freeing).0.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_remembered() {
        let dials = Dials::new(4);
        let hole = target("hole.example:443");
        let turn = dials.turn(&hole).await;
        assert!(dials.turn(&hole).await.is_none());
        // Dropped while it waits.
        let _ = timeout(PATIENCE / 2, dials.turn(&hole)).await;
        assert_eq!(dials.lock().len(), 1);
        drop(turn);
        assert!(dials.lock().is_empty());
    }
}
