//! [`Report`]: the whole answer about one target over one path.

use std::net::IpAddr;
use std::time::Duration;

use narrows_endpoint::Target;
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::serial;
use crate::verdict::{Verdict, Warning};
use crate::verdict_id::VerdictId;
use crate::words::{HelloSize, HopKind, Outcome, Step};

/// Everything about one target over one path: the verdict, and the evidence it stands on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// What was probed.
    #[serde(with = "serial::text")]
    pub target: Target,
    /// The path's label, such as `direct` or `proxy=proxy.example:3128`.
    pub path: String,
    /// The conclusion.
    pub verdict: Verdict,
    /// The steps of the walk that decided, in order.
    pub steps: Vec<StepReport>,
    /// What a reachable target has about it all the same.
    pub warnings: Vec<Warning>,
    /// The follow-up connections that were made to explain a failure.
    pub experiments: Vec<Experiment>,
    /// One for each address, in the resolver's order, if there was more than one.
    pub addresses: Vec<AddressReport>,
    /// How long all of it took.
    #[serde(with = "serial::millis", rename = "elapsed_ms")]
    pub elapsed: Duration,
}

/// One step of a walk.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepReport {
    /// Which step.
    pub step: Step,
    /// What kind of party it was taken with.
    pub hop: HopKind,
    /// Which one: its host and port.
    #[serde(with = "serial::text")]
    pub to: Target,
    /// How it ended.
    pub outcome: Outcome,
    /// When it began, from the start of the probe.
    #[serde(with = "serial::millis", rename = "started_ms")]
    pub started: Duration,
    /// How long it took.
    #[serde(with = "serial::millis", rename = "elapsed_ms")]
    pub elapsed: Duration,
    /// What was seen; `None` for a step that was skipped.
    pub evidence: Option<Evidence>,
}

/// The walk over one of several addresses.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AddressReport {
    /// The address.
    pub address: IpAddr,
    /// The conclusion for it.
    pub verdict: Verdict,
    /// The steps from the TCP connection on.
    pub steps: Vec<StepReport>,
}

/// One follow-up connection, and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Experiment {
    /// What was done differently.
    pub kind: ExperimentKind,
    /// Whether a ServerHello came; for [`ExperimentKind::PlainHttp`], whether any HTTP answer did.
    pub answered: bool,
    /// What the same failure would be called; `None` if it went well.
    pub failure: Option<VerdictId>,
    /// The steps of the connection, in order.
    pub steps: Vec<StepReport>,
    /// When it began, from the start of the probe.
    #[serde(with = "serial::millis", rename = "started_ms")]
    pub started: Duration,
    /// How long it took.
    #[serde(with = "serial::millis", rename = "elapsed_ms")]
    pub elapsed: Duration,
}

/// What a follow-up connection does differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExperimentKind {
    /// Nothing: the same again, so that a passing disturbance does not look like a filter.
    Again,
    /// Another name in the ClientHello, to the same address.
    OtherName {
        /// The name.
        sni: String,
    },
    /// No name in the ClientHello.
    NoName,
    /// A ClientHello of another size.
    Hello {
        /// The size.
        size: HelloSize,
    },
    /// A hand-made ClientHello of an old version, which is only looked at.
    OldHello {
        /// The version that it offers, such as `TLS 1.0`.
        version: String,
        /// What the server chose, such as `TLS 1.0 with RSA_WITH_AES_128_CBC_SHA`, if it answered with a
        /// ServerHello.
        chose: Option<String>,
    },
    /// One HTTP request in plain text to port 80, to hear a firewall's own sentence.
    PlainHttp,
}

// === impl Report ===

impl Report {
    /// Whether the target can be used over this path; warnings do not count.
    pub fn is_reachable(&self) -> bool {
        self.verdict.is_reachable()
    }

    /// The last step of this kind, if the walk came so far: hops may have certificates too, and the
    /// target's comes last.
    pub fn step(&self, step: Step) -> Option<&StepReport> {
        self.steps.iter().rfind(|each| each.step == step)
    }
}

// === impl StepReport ===

impl StepReport {
    /// Whether it went well.
    pub fn passed(&self) -> bool {
        self.outcome == Outcome::Passed
    }
}
