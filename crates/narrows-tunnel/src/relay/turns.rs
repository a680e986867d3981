//! [`Turns`]: bulk stands in a line, so that small messages need not.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

/// After how many octets of bulk on each thread the runtime looks at its sockets again: at the speed of
/// splicing some fifty microseconds. The turn that exceeds it is finished first.
const BUDGET: u64 = 256 * 1024;

/// Lets the relays of one runtime carry bulk one after the other, and small messages in between.
///
/// A runtime runs its tasks in the order in which they became ready, and looks at the sockets when all of
/// them have had their turn: beside eight tunnels with bulk, an octet would wait for eight turns. Relays
/// that share this ([`RelayOptions::with_turns`](super::RelayOptions::with_turns)) stand in a line while
/// they carry bulk. After a quarter of a megabyte the runtime looks at its sockets, whoever is not in the line has
/// its turn, and then the line goes on.
///
/// A relay that shares it must be polled when it is woken, or dropped: one that is kept without being
/// polled may hold up the bulk of the others. Each runtime needs one of its own.
pub struct Turns {
    budget: u64,
    line: Mutex<Line>,
    threads: usize,
}

#[derive(Default)]
struct Line {
    /// The number of the one that stands first. Whoever has a lower one has been called.
    first: u64,
    /// What was moved since the runtime looked at its sockets.
    moved: u64,
    running: usize,
    /// Somebody waits for the runtime to have looked; nobody else begins.
    shut: bool,
    /// The relays in the line, without those that were dropped.
    waiting: VecDeque<Option<Waker>>,
}

/// Where a relay stands.
#[derive(Debug)]
pub(super) struct Turn {
    place: Place,
    turns: Option<Arc<Turns>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Away,
    /// In the line, with this number.
    Waiting(u64),
    Running,
    /// It has moved the last octets that may be moved. When it is polled again the runtime has looked.
    Last,
}

// === impl Turns ===

impl Turns {
    /// For the relays of a runtime with so many threads.
    #[must_use]
    pub fn new(threads: NonZeroUsize) -> Arc<Self> {
        let threads = threads.get();
        Arc::new(Self {
            budget: BUDGET.saturating_mul(u64::try_from(threads).unwrap_or(u64::MAX)),
            line: Mutex::default(),
            threads,
        })
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // Whoever panics does so in a waker, and has left the line in order.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").finish_non_exhaustive()
    }
}

// === impl Line ===

impl Line {
    fn open(&mut self) {
        self.moved = 0;
        self.shut = false;
    }

    fn join(&mut self, cx: &Context<'_>) -> Place {
        let number = self.first + self.waiting.len() as u64;
        self.waiting.push_back(Some(cx.waker().clone()));
        Place::Waiting(number)
    }

    /// The place of a number in the line, unless it was called.
    fn place(&mut self, number: u64) -> Option<&mut Option<Waker>> {
        let position = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.waiting.get_mut(position)
    }

    /// Whether that number must wait; whoever polls it last is woken.
    fn wait(&mut self, number: u64, cx: &Context<'_>) -> bool {
        let Some(place) = self.place(number) else {
            return false;
        };
        match place {
            Some(waker) => waker.clone_from(cx.waker()),
            None => *place = Some(cx.waker().clone()),
        }
        true
    }

    fn forget(&mut self, number: u64) {
        if let Some(place) = self.place(number) {
            *place = None;
        }
    }

    /// Calls the first, if it may begin. It is to be woken when the line is no longer locked.
    fn call(&mut self) -> Option<Waker> {
        while !self.shut {
            let first = self.waiting.pop_front()?;
            self.first += 1;
            if first.is_some() {
                return first;
            }
        }
        None
    }
}

// === impl Turn ===

impl Turn {
    pub(super) const fn new(turns: Option<Arc<Turns>>) -> Self {
        Self {
            place: Place::Away,
            turns,
        }
    }

    /// Whether a relay may move something now; if not, it is woken when it may. One that carries no `bulk`
    /// and does not stand in the line always may.
    pub(super) fn begin(&mut self, cx: &Context<'_>, bulk: bool) -> bool {
        let place = self.place;
        let Some(turns) = self.turns.as_ref().filter(|_| bulk || place != Place::Away) else {
            return true;
        };
        let mut line = turns.line();
        if place == Place::Last {
            line.open();
        }
        self.place = match place {
            Place::Waiting(number) if line.wait(number, cx) => return false,
            Place::Waiting(_) => Place::Running,
            _ if line.shut || !line.waiting.is_empty() => line.join(cx),
            _ => Place::Running,
        };
        let running = self.place == Place::Running;
        line.running += usize::from(running);
        // Whoever opens the line lets it go on, and who runs lets others run on other threads.
        let calls = place == Place::Last || line.running < turns.threads;
        let called = if calls { line.call() } else { None };
        drop(line);
        called.into_iter().for_each(Waker::wake);
        running
    }

    /// Notes what was moved since it began, and lets the line go on. True when that was all that may be
    /// moved for now: the relay must let the runtime look at its sockets, and begin again after that.
    pub(super) fn end(&mut self, moved: u64) -> bool {
        let running = self.turns.as_ref().filter(|_| self.place == Place::Running);
        let Some(turns) = running else {
            return false;
        };
        let mut line = turns.line();
        line.running -= 1;
        line.moved = line.moved.saturating_add(moved);
        let enough = !line.shut && line.moved >= turns.budget;
        line.shut |= enough;
        self.place = if enough { Place::Last } else { Place::Away };
        let called = line.call();
        drop(line);
        called.into_iter().for_each(Waker::wake);
        enough
    }

    /// Goes away for good.
    pub(super) fn leave(&mut self) {
        let place = std::mem::replace(&mut self.place, Place::Away);
        let Some(turns) = self.turns.as_ref().filter(|_| place != Place::Away) else {
            return;
        };
        let mut line = turns.line();
        match place {
            Place::Waiting(number) => line.forget(number),
            Place::Last => line.open(),
            Place::Running => line.running -= 1,
            Place::Away => {}
        }
        let called = line.call();
        drop(line);
        called.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests;
