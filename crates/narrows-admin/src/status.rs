//! [`Status`]: the state of the process in one value, as `/api/status` and `show` have it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use narrows_log::Log;
use narrows_service::descriptors;
use narrows_upstream::{Fact as Seen, GatewayHealth, UpstreamHealth};
use serde::{Deserialize, Serialize};

use crate::api::Decision;
use crate::watch::unix_ms;

/// The state of the process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Status {
    /// The program.
    pub program: String,
    /// Its version.
    pub version: String,
    /// Its process.
    pub process: u32,
    /// When it began, in milliseconds since 1970.
    pub since: u64,
    /// For how many seconds it has been running.
    pub up_seconds: u64,
    /// Whether it takes new requests; if not, it is draining.
    pub ready: bool,
    /// Whether rules only report what they would refuse.
    pub report_only: bool,
    /// Addresses that clients connect to.
    pub listen: Vec<String>,
    /// Where its settings come from, and how the last attempt to read them again went.
    pub configuration: Configuration,
    /// What decides routes.
    pub routes: Routes,
    /// The parties on the ways out.
    pub parties: Vec<Party>,
    /// Counts of requests.
    pub requests: Requests,
    /// What each way carries and has carried.
    pub bytes: Vec<Bytes>,
    /// What has become of log lines.
    pub log: LogLines,
    /// Descriptors of the process.
    pub descriptors: Descriptors,
    /// The last requests that failed, newest first; ten at the most.
    pub errors: Vec<Decision>,
}

/// Where settings come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// The file, if there is one.
    pub path: Option<String>,
    /// What tells its content from another.
    pub hash: Option<String>,
    /// How often settings were read again and taken.
    pub reloads: u64,
    /// How often they were read again and refused.
    pub failed_reloads: u64,
    /// Why the last attempt was refused; none if it was taken.
    pub last_error: Option<String>,
}

/// What decides routes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routes {
    /// The route of what no rule matches.
    pub default: String,
    /// The number of rules.
    pub rules: u64,
    /// What is reached directly, past proxy and gateway: the operator's own words.
    pub bypass: Vec<String>,
    /// One line for people.
    pub summary: String,
}

/// A party on a way out, and what was last learnt of it: three facts, each of which may be unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// What it is.
    pub kind: PartyKind,
    /// Where it is; no secret is part of it.
    pub address: String,
    /// Who named it.
    pub source: Option<String>,
    /// Reaching it by TCP.
    pub tcp: Option<Fact>,
    /// Its answer to CONNECT.
    pub connect: Option<Fact>,
    /// TLS with it, or through it.
    pub tls: Option<Fact>,
    /// What else is known, in one line.
    pub note: Option<String>,
}

/// What a party is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PartyKind {
    /// The far end that carries tunnels.
    Gateway,
    /// The enterprise proxy.
    Upstream,
}

/// How the last try of a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// How many milliseconds it took.
    pub took_ms: u64,
    /// What went wrong; none if all was well.
    pub error: Option<String>,
}

/// Counts of requests since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// Carried.
    pub carried: u64,
    /// Open now.
    pub open: u64,
    /// Refused, or failed before they were open.
    pub refused: u64,
    /// Carried, and would have been refused if rules did not only report.
    pub would_deny: u64,
    /// Carried by another route than the decided one.
    pub fallbacks: u64,
}

/// What one way carries and has carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes {
    /// The way, in the words of the log.
    pub via: String,
    /// Requests that are open now.
    pub open: u64,
    /// Requests so far.
    pub carried: u64,
    /// Octets delivered to far sides.
    pub sent: u64,
    /// Octets delivered to clients.
    pub received: u64,
}

/// What has become of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLines {
    /// Written.
    pub written: u64,
    /// Left out, because the log could not keep up.
    pub dropped: u64,
    /// Failures to write.
    pub errors: u64,
}

/// Descriptors of the process, where the system tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptors {
    /// In use.
    pub open: Option<u64>,
    /// The most there can be.
    pub limit: Option<u64>,
}

// === impl LogLines ===

impl LogLines {
    /// What has become of the lines of all sinks together.
    pub fn of(log: &Log) -> Self {
        let mut lines = Self::default();
        for sink in log.status() {
            lines.written += sink.counts.written;
            lines.dropped += sink.counts.dropped;
            lines.errors += sink.counts.write_errors;
        }
        lines
    }
}

// === impl Descriptors ===

impl Descriptors {
    /// What this process has now.
    pub fn now() -> Self {
        Self {
            open: descriptors::open(),
            limit: descriptors::limit(),
        }
    }
}

// === impl Party ===

impl Party {
    /// A party of which nothing is known yet.
    pub fn new(kind: PartyKind, address: impl Into<String>) -> Self {
        Self {
            kind,
            address: address.into(),
            source: None,
            tcp: None,
            connect: None,
            tls: None,
            note: None,
        }
    }

    /// Adds what a gateway's leg has learnt.
    #[must_use]
    pub fn with_gateway(mut self, health: &GatewayHealth) -> Self {
        let fact = |seen: &Option<Seen>| seen.as_ref().map(Fact::from);
        (self.tcp, self.connect) = (fact(&health.tcp), fact(&health.connect));
        self.tls = fact(&health.tls);
        self.note = Some(format!(
            "{} sessions ready, {} shared with {} tunnels",
            health.ready, health.sessions, health.tunnels
        ));
        self
    }

    /// Adds what was learnt of one of several upstreams.
    #[must_use]
    pub fn with_upstream(mut self, health: &UpstreamHealth) -> Self {
        let fact = |seen: &Option<Seen>| seen.as_ref().map(Fact::from);
        let facts = &health.facts;
        (self.tcp, self.connect) = (fact(&facts.tcp), fact(&facts.connect));
        self.tls = fact(&facts.tls);
        self.note = health.parked.as_ref().map(|parked| {
            format!(
                "passed over for {} s more: {}",
                parked.retry_in.as_secs(),
                parked.reason
            )
        });
        self
    }

    /// The facts by name, in the order in which they happen.
    pub const fn facts(&self) -> [(&'static str, Option<&Fact>); 3] {
        [
            ("tcp", self.tcp.as_ref()),
            ("tls", self.tls.as_ref()),
            ("connect", self.connect.as_ref()),
        ]
    }
}

impl PartyKind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Upstream => "upstream",
        }
    }
}

// === impl Fact ===

impl Fact {
    /// A try that ended at `at` after `took`.
    pub fn new(at: SystemTime, took: Duration, error: Option<&str>) -> Self {
        Self {
            at: unix_ms(at.duration_since(UNIX_EPOCH).unwrap_or_default()),
            took_ms: unix_ms(took),
            error: error.map(ToOwned::to_owned),
        }
    }
}

impl From<&Seen> for Fact {
    fn from(seen: &Seen) -> Self {
        Self::new(seen.at, seen.took, seen.error.as_deref())
    }
}
