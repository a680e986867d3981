//! What the threads that log and the thread that writes share.

use std::num::NonZeroU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::envelope::Item;
use super::health::{Failure, Health, SinkStep};
use super::{Options, Unwritten};
use crate::event::Event;
use crate::format::Format;
use crate::record::Record;
use crate::text::Text;
use crate::timestamp::Timestamp;

/// What has become of the lines handed in. Lines still waiting are in none of the numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines that the sink took, `dropped` lines among them.
    pub written: u64,
    /// Lines left out because the buffer was full, or handed in after the end, or given up at the end.
    pub dropped: u64,
    /// Failures of the sink.
    pub write_errors: u64,
}

/// How a sink does, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkStatus {
    /// What has become of its lines.
    pub counts: Counts,
    /// What it cannot do just now, if there is something.
    pub failing: Option<Failure>,
    /// The form of its lines.
    pub format: Format,
    /// What people call it.
    pub name: Arc<str>,
    /// Lines that it has not taken yet.
    pub waiting: u64,
}

/// The buffer, its lock, and who waits for what.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: Options,
    state: Mutex<State>,
    /// The writing thread waits here for work.
    work: Condvar,
    /// Flushes and shutdowns wait here for the writing thread.
    settled: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct State {
    waiting: Batch,
    /// Lines in the hands of the writing thread.
    in_hand: u64,
    /// Dropped lines that no `dropped` line tells of yet, and when the last of them was.
    untold: Option<(NonZeroU64, Timestamp)>,
    counts: Counts,
    /// What fails, in the order of [`SinkStep::ALL`].
    failing: [Option<Text>; SinkStep::ALL.len()],
    hurry: bool,
    pub(super) reopen: bool,
    pub(super) closing: bool,
    finished: bool,
}

/// Whole lines.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) text: String,
    pub(super) lines: u64,
}

// === impl Shared ===

impl Shared {
    pub(super) fn new(options: Options) -> Self {
        Self {
            options,
            state: Mutex::default(),
            work: Condvar::new(),
            settled: Condvar::new(),
        }
    }

    /// Takes a line.
    pub(super) fn push(&self, item: Item<'_>) -> bool {
        let mut state = self.lock();
        let before = state.waiting.text.len();
        if !state.push(item, &self.options) {
            return false;
        }
        let after = state.waiting.text.len();
        drop(state);
        // The thread waits for the first line of a batch, and for the batch to be large.
        let large = self.large();
        if before == 0 || (before < large && after >= large) {
            self.work.notify_one();
        }
        true
    }

    pub(super) fn flush(&self, patience: Duration) -> Result<(), Unwritten> {
        let mut state = self.lock();
        let mut left = state.waiting.lines + state.in_hand;
        let goal = state.counts.written + left;
        state.hurry = true;
        self.work.notify_one();
        let (state, _) = self
            .settled
            .wait_timeout_while(state, patience, |state| {
                left = goal.saturating_sub(state.counts.written);
                left > 0 && !state.finished
            })
            .unwrap_or_else(PoisonError::into_inner);
        drop(state);
        unwritten(left)
    }

    pub(super) fn reopen(&self) {
        self.lock().reopen = true;
        self.work.notify_one();
    }

    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.work.notify_one();
    }

    pub(super) fn wait_until_finished(&self, patience: Duration) -> Result<Counts, Unwritten> {
        let (state, _) = self
            .settled
            .wait_timeout_while(self.lock(), patience, |state| !state.finished)
            .unwrap_or_else(PoisonError::into_inner);
        unwritten(state.waiting.lines + state.in_hand).map(|()| state.counts)
    }

    pub(super) fn counts(&self) -> Counts {
        self.lock().counts
    }

    pub(super) fn status(&self) -> SinkStatus {
        let state = self.lock();
        let failing = SinkStep::ALL.into_iter().zip(&state.failing);
        let mut failing = failing.filter_map(|(step, error)| {
            let error = error.clone()?;
            Some(Failure { error, step })
        });
        SinkStatus {
            counts: state.counts,
            failing: failing.next(),
            format: self.options.format,
            name: Arc::clone(&self.options.name),
            waiting: state.waiting.lines + state.in_hand,
        }
    }

    /// Keeps in mind what fails, for whoever asks.
    pub(super) fn note(&self, news: &Health<'_>) {
        let (step, error) = match news {
            Health::Failing { step, error, .. } => (*step, Some(Text::new(error.to_string()))),
            Health::Recovered { step, .. } => (*step, None),
        };
        let mut state = self.lock();
        let places = SinkStep::ALL.into_iter().zip(&mut state.failing);
        for (_, place) in places.filter(|(known, _)| *known == step) {
            place.clone_from(&error);
        }
    }

    /// Waits for lines, gathers a batch, and takes it in exchange for `batch`, which is empty.
    ///
    /// The second value says whether to reopen the sink after the batch, the third whether the end is
    /// reached.
    pub(super) fn take(&self, batch: &mut Batch) -> (bool, bool) {
        let state = self.lock();
        let state = self
            .work
            .wait_while(state, |state| state.is_idle())
            .unwrap_or_else(PoisonError::into_inner);
        let large = self.large();
        let (mut state, _) = self
            .work
            .wait_timeout_while(state, self.options.linger, |state| {
                !state.is_urgent() && state.waiting.text.len() < large
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.closing {
            state.tell(&self.options);
        }
        state.hurry = false;
        std::mem::swap(&mut state.waiting, batch);
        state.in_hand = batch.lines;
        (std::mem::take(&mut state.reopen), state.closing)
    }

    /// Counts the batch in hand as written.
    pub(super) fn written(&self) {
        let mut state = self.lock();
        state.counts.written += std::mem::take(&mut state.in_hand);
        drop(state);
        self.settled.notify_all();
    }

    /// Counts a failure of the sink; gives the lines that are not written yet, and those dropped so far.
    pub(super) fn failed(&self) -> (u64, u64) {
        let mut state = self.lock();
        state.counts.write_errors += 1;
        (state.waiting.lines + state.in_hand, state.counts.dropped)
    }

    /// Waits until it is time to try the sink again; gives (reopen, closing).
    pub(super) fn wait_to_retry(&self) -> (bool, bool) {
        let (mut state, _) = self
            .work
            .wait_timeout_while(self.lock(), self.options.retry, |state| {
                !state.closing && !state.reopen
            })
            .unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut state.reopen), state.closing)
    }

    /// Says that the thread ends; what it could not write stays counted as dropped.
    pub(super) fn finish(&self) {
        let mut state = self.lock();
        state.finished = true;
        // A sink that panicked must not let lines pile up either.
        state.closing = true;
        state.counts.dropped += state.in_hand + state.waiting.lines;
        drop(state);
        self.settled.notify_all();
    }

    /// Octets that are worth a wake-up before the linger is over.
    const fn large(&self) -> usize {
        self.options.capacity / 4
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that may panic runs under the lock; if one did, the lines would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    const fn is_idle(&self) -> bool {
        self.waiting.lines == 0 && !self.is_urgent()
    }

    const fn is_urgent(&self) -> bool {
        self.hurry || self.reopen || self.closing
    }

    fn push(&mut self, item: Item<'_>, options: &Options) -> bool {
        let (before, capacity) = (self.waiting.text.len(), options.capacity);
        let time = item.time();
        // Not even the shortest line would fit: a full log costs no formatting.
        let full = before + SHORTEST > capacity;
        if !full && !self.closing {
            let told = self
                .untold
                .is_some_and(|(lines, _)| self.write_dropped(lines, time, options));
            options
                .envelope
                .write(item, options.format, &mut self.waiting.text);
            if self.waiting.text.len() <= capacity {
                self.waiting.lines += 1 + u64::from(told);
                self.untold = None;
                return true;
            }
            self.waiting.text.truncate(before);
        }
        self.counts.dropped += 1;
        let untold = self.untold.map_or(0, |(lines, _)| lines.get());
        self.untold = NonZeroU64::new(untold + 1).map(|lines| (lines, time));
        false
    }

    /// Tells of dropped lines after which none was written.
    fn tell(&mut self, options: &Options) {
        if let Some((lines, time)) = self.untold.take() {
            self.waiting.lines += u64::from(self.write_dropped(lines, time, options));
        }
    }

    /// Whether the format has such a line.
    fn write_dropped(&mut self, lines: NonZeroU64, time: Timestamp, options: &Options) -> bool {
        let event = Event::Dropped { lines: lines.get() };
        let record = Record::new(time, event);
        let text = &mut self.waiting.text;
        options
            .envelope
            .write(Item::Record(&record), options.format, text)
    }
}

fn unwritten(lines: u64) -> Result<(), Unwritten> {
    NonZeroU64::new(lines).map_or(Ok(()), |lines| Err(Unwritten { lines }))
}

/// Octets of the shortest line there is.
const SHORTEST: usize = "time=2024-07-17T04:14:46.339Z level=INFO msg=x\n".len();
