//! [`Backoff`]: accepting fails for want of resources.

use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::warn;

/// Waits longer and longer while accepting connections fails for want of descriptors or memory, 320 ms at
/// most, and says so (`tracing`, level warn) once a minute at most, however often there is one to be had
/// in between.
///
/// For those who accept connections themselves; [`Server::serve`](crate::Server::serve) has one for each
/// listener.
#[derive(Debug, Default)]
pub struct Backoff {
    listener: Option<&'static str>,
    failures: u32,
    said: Option<Instant>,
}

// === impl Backoff ===

impl Backoff {
    /// That of a listener beside the one that everybody means; what is said has its name.
    pub const fn of(listener: &'static str) -> Self {
        Self {
            listener: Some(listener),
            failures: 0,
            said: None,
        }
    }

    /// A connection was accepted: the next wait is short again.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// Accepting failed like this: returns when it may be tried again.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future ends the wait.
    pub async fn after(&mut self, error: &io::Error) {
        // The connection died in the queue; the next one is none the worse for it.
        if matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::Interrupted
        ) {
            return;
        }
        if self.said.is_none_or(|said| said.elapsed() >= SAY_AGAIN) {
            self.said = Some(Instant::now());
            warn!(%error, listener = self.listener, "cannot accept connections; trying again");
        }
        let wait = SHORTEST * 2_u32.pow(self.failures.min(5));
        self.failures = self.failures.saturating_add(1);
        pin!(sleep(wait)).await;
    }
}

/// How long a complaint is not repeated.
const SAY_AGAIN: Duration = Duration::from_secs(60);
/// The first wait.
const SHORTEST: Duration = Duration::from_millis(10);
