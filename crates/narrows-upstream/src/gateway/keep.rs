//! The keeper: the task that has sessions ready before they are asked for.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::session::Session;
use super::{Shared, Spoken, h1};
use crate::dialer::Dialer;
use crate::error::DialError;

/// How often it looks at ages and demand when nothing happens.
const TICK: Duration = Duration::from_secs(5);
/// How many sessions it dials at once; opens that wait for a session of their own come first.
const DIALS: usize = 8;
/// How long a shared session that carries nothing is kept beside another one.
const SPARE: Duration = Duration::from_secs(60);
/// The pause after a dial that failed, or after the gateway closed a session that had only just become
/// ready; it doubles with each until [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A ready session that lived for so long was worth its handshake.
const WORTH: Duration = Duration::from_secs(10);

/// Keeps sessions ready until it is aborted.
///
/// It starts nothing before an open has found out which protocol is spoken, and nothing when the last open
/// is long ago.
pub(super) async fn keep(shared: Arc<Shared>, dialer: Dialer) {
    let mut dials = JoinSet::new();
    let mut pause = FIRST_PAUSE;
    // When the next dial may start.
    let mut resume = Instant::now();
    loop {
        let wanted = h1::wanted(shared.demand.lately());
        shared.sessions.tidy(SPARE, wanted.min(1));
        if resume <= Instant::now() {
            while dials.len() < shared.shortage(wanted, dials.len()) {
                dials.spawn(dial(shared.clone(), dialer.clone()));
            }
        }
        tokio::select! {
            // An open has succeeded or failed on its own account: what is known of the past is stale.
            () = shared.changed.notified() => pause = FIRST_PAUSE,
            age = poll_fn(|cx| shared.ready.poll_tidy(cx, wanted)) => {
                if age >= WORTH {
                    pause = FIRST_PAUSE;
                } else {
                    resume = Instant::now() + pause;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
            Some(dialled) = dials.join_next() => {
                // A dial that panicked has failed too.
                if !dialled.is_ok_and(|outcome| outcome.is_ok()) {
                    resume = Instant::now() + pause;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
            () = sleep_until(resume), if resume > Instant::now() => {}
            () = sleep(TICK) => {}
        }
    }
}

impl Shared {
    /// How many dials should be under way, `dialling` of which already are.
    fn shortage(&self, wanted: usize, dialling: usize) -> usize {
        if wanted == 0 {
            return 0;
        }
        let short = match self.spoken() {
            None => 0,
            Some(Spoken::H1) => {
                let free = self.handshakes.available_permits() + dialling;
                wanted.saturating_sub(self.ready.len()).min(free)
            }
            Some(Spoken::H2) => usize::from(self.sessions.lacks_room()),
        };
        short.min(DIALS)
    }
}

/// One session more.
async fn dial(shared: Arc<Shared>, dialer: Dialer) -> Result<(), DialError> {
    // Whoever waits for a session now gets this one, or learns at once why there is none.
    let spoken = shared.spoken();
    let _flight = match spoken {
        Some(Spoken::H1) => None,
        _ => Some(shared.flight.lock().await),
    };
    let _permit = match spoken {
        Some(Spoken::H1) => shared.handshakes.acquire().await.ok(),
        _ => None,
    };
    if spoken == Some(Spoken::H2) && !shared.sessions.lacks_room() {
        return Ok(());
    }
    match shared.dial_noted(&dialer).await? {
        Session::H1(session) => shared.ready.put(session),
        Session::H2(session) => shared.sessions.add(session),
    }
    Ok(())
}
