//! [`Fact`] and [`Facts`]: what was last learnt about a hop, step by step.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The outcome of the last try of one step.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fact {
    /// When it ended.
    pub at: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// What went wrong, in a sentence; `None` if all was well.
    pub error: Option<Arc<str>>,
}

/// The last outcome of each of the three steps on the way through a hop; `None` where nothing was tried
/// yet.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Facts {
    /// Reaching it: TCP, and TLS with an `https` proxy; a gateway may be reached through a proxy.
    pub tcp: Option<Fact>,
    /// Its answer to CONNECT. A refusal by policy is good news here: the hop works.
    pub connect: Option<Fact>,
    /// TLS: with the gateway itself; through an upstream proxy, as far as that can be told.
    pub tls: Option<Fact>,
}

/// The facts as they come in.
#[derive(Debug, Default)]
pub(crate) struct Notebook(Mutex<Facts>);

/// The steps that are looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stage {
    Connect,
    Tcp,
    Tls,
}

// === impl Notebook ===

impl Notebook {
    /// Remembers how a step ended.
    pub(crate) fn note(&self, stage: Stage, took: Duration, error: Option<&dyn fmt::Display>) {
        let fact = Fact {
            at: SystemTime::now(),
            took,
            error: error.map(|error| error.to_string().into()),
        };
        let mut facts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = match stage {
            Stage::Connect => &mut facts.connect,
            Stage::Tcp => &mut facts.tcp,
            Stage::Tls => &mut facts.tls,
        };
        *place = Some(fact);
    }

    pub(crate) fn snapshot(&self) -> Facts {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
