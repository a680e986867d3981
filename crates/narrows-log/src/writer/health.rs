//! [`Health`]: when the sink begins to fail, and when it no longer does.

use std::io;

use crate::text::Text;

/// A turn in how the sink does, told to whoever [watches](super::Writer::spawn_watched) it.
///
/// However often a step is tried meanwhile, it is told of once when it begins to fail and once when it
/// succeeds again. The steps fail and recover apart from each other.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Health<'a> {
    /// The step has failed, and is tried again.
    Failing {
        /// What was tried.
        step: SinkStep,
        /// What the sink said.
        error: &'a io::Error,
        /// Lines that are not written yet.
        waiting: u64,
        /// Lines dropped so far, for whatever reason.
        dropped: u64,
    },
    /// The step succeeded, after failing.
    Recovered {
        /// What failed.
        step: SinkStep,
        /// Lines dropped since it began to fail.
        dropped: u64,
    },
}

/// What a writer asks of its [`Sink`](super::Sink).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkStep {
    /// To go on with a new file. Lines go where they went before until it succeeds.
    Reopen,
    /// To put the file aside that has had enough, and go on with a new one. Lines go where they went
    /// before until it succeeds.
    Rotate,
    /// To take lines. They wait in the buffer until it succeeds, as many as it holds.
    Write,
}

/// Why a sink does not do what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the sink said.
    pub error: Text,
    /// What was tried, and is tried again.
    pub step: SinkStep,
}

impl SinkStep {
    /// Every step, the one that matters most first.
    pub const ALL: [Self; 3] = [Self::Write, Self::Reopen, Self::Rotate];
}

/// Turns results of one step into news.
#[derive(Debug)]
pub(super) struct Watched {
    step: SinkStep,
    /// Lines that were dropped before it began to fail; `None` while it does not.
    failing: Option<u64>,
}

impl Watched {
    pub(super) const fn new(step: SinkStep) -> Self {
        Self {
            step,
            failing: None,
        }
    }

    pub(super) const fn is_failing(&self) -> bool {
        self.failing.is_some()
    }

    pub(super) fn failed<'a>(
        &mut self,
        error: &'a io::Error,
        waiting: u64,
        dropped: u64,
    ) -> Option<Health<'a>> {
        if self.is_failing() {
            return None;
        }
        self.failing = Some(dropped);
        Some(Health::Failing {
            step: self.step,
            error,
            waiting,
            dropped,
        })
    }

    pub(super) fn succeeded(&mut self, dropped: u64) -> Option<Health<'static>> {
        let before = self.failing.take()?;
        Some(Health::Recovered {
            step: self.step,
            dropped: dropped - before,
        })
    }
}
