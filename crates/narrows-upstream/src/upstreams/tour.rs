//! [`Tour`]: one request's way from one upstream to the next.

use std::sync::Arc;
use std::time::Duration;

use narrows_endpoint::Target;
use tokio::time::{Instant, timeout};

use super::blame::Blame;
use super::parking::{Proof, Rank};
use super::{Passage, Upstreams};
use crate::facts::Stage;
use crate::{DialError, DialErrorKind, Upstream};

/// How long a request tries a parked upstream again while there is another one to go to.
const TRIAL_PATIENCE: Duration = Duration::from_secs(3);

/// One request's way from one upstream to the next.
pub(crate) struct Tour<'a> {
    upstreams: &'a Arc<Upstreams>,
    target: &'a Target,
    can_prove: Proof,
    tried: u32,
    /// Those that failed it, and nobody knows yet whether by their own fault.
    unclear: Vec<Unclear>,
    failure: Option<DialError>,
}

struct Unclear {
    at: usize,
    silent: Option<Proof>,
    reason: String,
    took: Duration,
}

/// One upstream's turn; dropped without an outcome, nothing was found out.
pub(crate) struct Turn<'a> {
    upstreams: &'a Upstreams,
    at: usize,
    trial: bool,
    /// How long it may take, if there is another one to go to.
    patience: Option<Duration>,
}

// === impl Tour ===

impl<'a> Tour<'a> {
    pub(crate) const fn new(
        upstreams: &'a Arc<Upstreams>,
        target: &'a Target,
        can_prove: Proof,
    ) -> Self {
        Self {
            upstreams,
            target,
            can_prove,
            tried: 0,
            unclear: Vec::new(),
            failure: None,
        }
    }

    /// The next upstream to ask; `None` after the last.
    pub(crate) fn next(&mut self) -> Option<Turn<'a>> {
        // Two parties that cannot say whose fault it is are believed.
        if self.unclear.len() > 1 {
            return None;
        }
        let now = Instant::now();
        let untried = self.upstreams.members.iter().enumerate();
        let untried = untried.filter(|(at, _)| self.tried & 1 << at == 0);
        let mut ranked: Vec<_> = untried
            .map(|(at, member)| {
                let rank = member.place().rank(self.target, self.can_prove, now);
                // One that is due has its turn wherever it stands in the order.
                (if rank == Rank::Due { Rank::Good } else { rank }, at)
            })
            .collect();
        ranked.sort_unstable();
        let &(_, at) = ranked.first()?;
        let others = ranked.get(1).is_some_and(|(rank, _)| *rank < Rank::Parked);
        self.tried |= 1 << at;
        let mut place = self.upstreams.members[at].place();
        let trial = place.rank(self.target, self.can_prove, now) == Rank::Due;
        if trial {
            place.begin_trial(now);
        }
        drop(place);
        Some(Turn {
            upstreams: self.upstreams,
            at,
            trial,
            patience: (trial && others).then_some(TRIAL_PATIENCE),
        })
    }

    /// An upstream did what was asked; it is found out whose fault it was before.
    pub(crate) fn succeeded(&mut self, turn: Turn<'_>, proof: Proof) -> Passage {
        let at = turn.at;
        turn.done();
        if self.upstreams.is_choice() {
            self.upstreams.works(at, self.target, proof);
            for Unclear {
                at,
                silent,
                reason,
                took,
            } in self.unclear.drain(..)
            {
                let upstream = &self.upstreams.members[at].upstream;
                upstream.note(Stage::Connect, took, Some(&reason));
                match silent {
                    Some(wants) => self.upstreams.park(at, &reason, wants),
                    None => self.upstreams.fared_ill(at, self.target, &reason, false),
                }
            }
        }
        self.upstreams.passage(at)
    }

    /// An upstream failed.
    ///
    /// # Errors
    ///
    /// The failure, if no other upstream should be asked.
    pub(crate) fn failed(&mut self, turn: Turn<'_>, error: DialError) -> Result<(), DialError> {
        let at = turn.at;
        let blame = Blame::of(&error, turn.upstream());
        if self.upstreams.is_choice() {
            match blame {
                Blame::Nobody => {}
                Blame::Unclear { silent } => {
                    if turn.trial {
                        self.upstreams.members[at]
                            .place()
                            .rest_again(Instant::now());
                    }
                    let reason = error.to_string();
                    let took = error.elapsed();
                    self.unclear.push(Unclear {
                        at,
                        silent,
                        reason,
                        took,
                    });
                }
                Blame::Upstream(wants) => self.upstreams.park(at, &error.to_string(), wants),
            }
            turn.done();
        }
        let error = error.after(self.failure.take());
        if blame == Blame::Nobody {
            return Err(error);
        }
        self.failure = Some(error);
        Ok(())
    }

    /// What to say when there is nobody left to ask.
    #[expect(
        clippy::expect_used,
        reason = "there is at least one upstream, and it has failed or was the outcome"
    )]
    pub(crate) fn failure(self) -> DialError {
        self.failure.expect("the first upstream has failed")
    }
}

// === impl Turn ===

impl Turn<'_> {
    pub(crate) fn upstream(&self) -> &Arc<Upstream> {
        &self.upstreams.members[self.at].upstream
    }

    /// Waits for the outcome, but not long for an upstream that is only tried again; `late` says what to
    /// call it then.
    pub(crate) async fn run<T>(
        &self,
        attempt: impl Future<Output = Result<T, DialError>>,
        late: impl FnOnce(&Upstream, Duration, DialErrorKind) -> DialError,
    ) -> Result<T, DialError> {
        match self.patience {
            None => attempt.await,
            Some(patience) => timeout(patience, attempt)
                .await
                .unwrap_or_else(|_| Err(late(self.upstream(), patience, DialErrorKind::Silent))),
        }
    }

    fn done(self) {
        std::mem::forget(self);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.trial {
            self.upstreams.members[self.at]
                .place()
                .end_trial(Instant::now());
        }
    }
}
