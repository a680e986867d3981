//! How long a tunnel may be silent, and how long it may live, behind one timer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::{End, RelayOptions};

/// The limits on a tunnel's time.
pub(super) struct Patience {
    expires: Option<Instant>,
    idle: Option<Duration>,
    last_moved: Instant,
}

impl Patience {
    pub(super) fn new(options: &RelayOptions) -> Self {
        let now = Instant::now();
        Self {
            expires: options.lifetime.map(|limit| now + limit),
            idle: options.idle,
            last_moved: now,
        }
    }

    /// A timer for [`Patience::poll`], if there is anything to wait for.
    pub(super) fn timer(&self) -> Option<Sleep> {
        self.next().map(|(at, _)| sleep_until(at))
    }

    /// Notes that something was delivered just now.
    pub(super) fn moved(&mut self) {
        self.last_moved = Instant::now();
    }

    /// Ready when the tunnel's time is over.
    ///
    /// The timer is not touched for every byte: when it fires, this looks how long ago the last one was
    /// and sleeps for the rest.
    pub(super) fn poll(
        &self,
        cx: &mut Context<'_>,
        mut timer: Pin<&mut Option<Sleep>>,
    ) -> Poll<End> {
        while let (Some(mut timer), Some((at, end))) = (timer.as_mut().as_pin_mut(), self.next()) {
            ready!(timer.as_mut().poll(cx));
            if at <= Instant::now() {
                return Poll::Ready(end);
            }
            timer.reset(at);
        }
        Poll::Pending
    }

    /// The limit that comes first.
    fn next(&self) -> Option<(Instant, End)> {
        let idle = self.idle.map(|limit| (self.last_moved + limit, End::Idle));
        let expires = self.expires.map(|at| (at, End::Expired));
        match (idle, expires) {
            (Some(idle), Some(expires)) => Some(if idle.0 < expires.0 { idle } else { expires }),
            (idle, expires) => idle.or(expires),
        }
    }
}
