//! [`GatewayHealth`]: what was last learnt about a gateway, for people who ask.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use super::{Spoken, lock};

/// What was last learnt about a gateway, step by step, and what is held open to it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct GatewayHealth {
    /// Reaching it by TCP, through the upstream proxy if there is one.
    pub tcp: Option<Fact>,
    /// The TLS handshake.
    pub tls: Option<Fact>,
    /// The nested CONNECT. A refused target is good news here: the gateway works.
    pub connect: Option<Fact>,
    /// Which protocol it spoke last.
    pub spoken: Option<Spoken>,
    /// Sessions that are ready and carry nothing yet (HTTP/1.1).
    pub ready: usize,
    /// Shared sessions (HTTP/2).
    pub sessions: usize,
    /// Tunnels on shared sessions.
    pub tunnels: usize,
}

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

/// The facts as they come in.
#[derive(Debug, Default)]
pub(super) struct Facts(Mutex<GatewayHealth>);

/// The steps that are looked at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stage {
    Connect,
    Tcp,
    Tls,
}

// === impl Facts ===

impl Facts {
    /// Remembers how a step ended.
    pub(super) fn note(&self, stage: Stage, took: Duration, error: Option<&dyn fmt::Display>) {
        let fact = Fact {
            at: SystemTime::now(),
            took,
            error: error.map(|error| error.to_string().into()),
        };
        let mut facts = lock(&self.0);
        let place = match stage {
            Stage::Connect => &mut facts.connect,
            Stage::Tcp => &mut facts.tcp,
            Stage::Tls => &mut facts.tls,
        };
        *place = Some(fact);
    }

    pub(super) fn snapshot(&self) -> GatewayHealth {
        lock(&self.0).clone()
    }
}
