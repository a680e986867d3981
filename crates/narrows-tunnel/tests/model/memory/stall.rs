//! [`Stall`]: not ready until a moment, and then it must be looked at.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use super::plan::Pause;
use super::reference::{Reference, TICK};

/// One kind of call on a stream, while it is not ready.
#[derive(Default)]
pub(super) struct Stall {
    sleep: Option<Pin<Box<Sleep>>>,
    yielded: bool,
}

impl Stall {
    /// Ready when the pause is over; the next call begins the next.
    pub(super) fn poll(
        &mut self,
        pause: Pause,
        cx: &mut Context<'_>,
        reference: &mut Reference,
    ) -> Poll<()> {
        match pause {
            Pause::Millis(millis) => {
                let wait = || Box::pin(sleep(Duration::from_millis(millis)));
                let sleep = self.sleep.get_or_insert_with(wait);
                ready!(sleep.as_mut().poll(cx));
                let late = Instant::now() > sleep.deadline() + TICK;
                reference.forbid(late, |_| "not looked at when it was ready".to_owned());
                self.sleep = None;
                Poll::Ready(())
            }
            Pause::Yield if self.yielded => {
                self.yielded = false;
                Poll::Ready(())
            }
            Pause::Yield => {
                self.yielded = true;
                reference.goes_on();
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    /// Whether there is still something to wait for; what ends at this very moment counts.
    pub(super) fn waits(&self) -> bool {
        let sleep = self.sleep.as_ref();
        sleep.is_some_and(|sleep| sleep.deadline() + TICK >= Instant::now())
    }
}
