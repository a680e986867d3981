//! [`TunnelLog`]: the observer that writes the tunnel log.

use std::fmt;
use std::sync::Arc;

use narrows_connect::Version;
use narrows_endpoint::Step;
use narrows_log::{
    Access, AccessFallback, AccessFault, Event, HttpVersion, Log, Record, Text, Timestamp,
};

use crate::observe::{Asked, Ended, Observe, Opened, Refused};
use crate::policy::Terms;

/// Tells the time for log lines: the clock and the time zone are the caller's.
pub type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// Writes each request to the tunnel log, to each of its sinks in that sink's form.
///
/// In the form of arcproxy.log a carried request is two lines, a refused one is one; a request that took
/// another route than the decided one, or did not end cleanly, has one more that says so. In the forms of
/// [`AccessFormat`](narrows_log::AccessFormat) each request is one line, written when it has ended.
pub struct TunnelLog {
    clock: Clock,
    log: Log,
}

impl TunnelLog {
    /// Writes to `log` (or to the one writer of a handle), with times from `clock`.
    pub fn new(log: impl Into<Log>, clock: Clock) -> Self {
        Self {
            clock,
            log: log.into(),
        }
    }

    /// Writes a line of another kind, for instance that the server has started.
    ///
    /// Squid's form and the Common Log Format have no such lines: nothing is written.
    pub fn write(&self, event: Event) {
        self.log.record(&Record::new((self.clock)(), event));
    }

    /// Writes one of a request's several lines, to the sinks that have such.
    pub fn step(&self, event: Event) {
        self.log.step(&Record::new((self.clock)(), event));
    }

    /// Whether a sink has a request in several lines, each written when it happens.
    pub const fn is_arcproxy(&self) -> bool {
        self.log.wants_steps()
    }

    fn done(&self, ended: &Ended<'_>) -> Access {
        let asked = ended.asked;
        let terms = ended.terms;
        let text = |text: Option<&Arc<str>>| text.map(|text| Text::new(&**text));
        Access {
            elapsed_ms: Some(elapsed_ms(asked)),
            fallback: ended.fallback.map(|fallback| AccessFallback {
                reason: Text::new(&*fallback.reason),
                took: fallback.took,
                wanted: fallback.wanted,
            }),
            fault: ended.blame.map(|(by, how)| AccessFault {
                by,
                reason: Text::new(how.to_string()),
                step: Step::Relay,
            }),
            id: Some(asked.id),
            identity: text(terms.and_then(|terms| terms.identity.as_ref())),
            method: Text::new(asked.method.as_str()),
            peer: Some(Text::new(ended.peer.to_string())),
            received: ended.received,
            rule: terms.and_then(allowed_by),
            sent: Some(ended.sent),
            status: ended.status,
            target: Text::new(asked.target.to_string()),
            version: Some(version(asked)),
            via: Some(ended.via),
            ..Access::new((self.clock)(), asked.client.to_string())
        }
    }

    fn failed(&self, refused: &Refused<'_>) -> Access {
        let method = refused.asked.map(|asked| asked.method.as_str());
        Access {
            elapsed_ms: refused.asked.map(elapsed_ms),
            fault: Some(AccessFault {
                by: refused.hop,
                reason: Text::new(refused.reason),
                step: refused.step,
            }),
            id: Some(refused.id),
            identity: refused.identity.map(Text::new),
            method: Text::new(method.unwrap_or_default()),
            status: refused.status,
            target: Text::new(refused.target),
            version: refused.asked.map(version),
            ..Access::new((self.clock)(), refused.client.to_string())
        }
    }
}

impl Observe for TunnelLog {
    fn opened(&self, opened: &Opened<'_>) {
        if !self.is_arcproxy() {
            return;
        }
        let asked = opened.asked;
        self.step(Event::Open {
            client: asked.client.into(),
            id: asked.id,
            target: asked.target.clone(),
            version: version(asked),
        });
        if let Some(fallback) = opened.fallback {
            self.step(Event::Fallback {
                id: asked.id,
                reason: Text::new(&*fallback.reason),
                target: asked.target.clone(),
                took: fallback.took,
                wanted: fallback.wanted,
            });
        }
        if let Some(reason) = opened.terms.and_then(|terms| terms.would_deny.as_deref()) {
            self.step(Event::WouldDeny {
                id: asked.id,
                reason: Text::new(reason),
                target: asked.target.clone(),
            });
        }
    }

    fn ended(&self, ended: &Ended<'_>) {
        if self.log.wants_wholes() {
            self.log.access(&self.done(ended));
        }
        if !self.is_arcproxy() {
            return;
        }
        let id = ended.asked.id;
        if let Some((by, how)) = ended.blame {
            self.step(Event::Ended {
                by,
                id,
                reason: Text::new(how.to_string()),
            });
        }
        let (sent, received) = (ended.sent, ended.received);
        self.step(Event::Done {
            id,
            sent,
            received,
            via: ended.via,
        });
    }

    fn refused(&self, refused: &Refused<'_>) {
        if self.log.wants_wholes() {
            self.log.access(&self.failed(refused));
        }
        if !self.is_arcproxy() {
            return;
        }
        self.step(Event::Refused {
            client: refused.client.into(),
            hop: refused.hop,
            id: refused.id,
            reason: Text::new(refused.reason),
            status: refused.status,
            step: refused.step,
            target: Text::new(refused.target),
        });
    }
}

/// What let a request pass; in report-only mode, that nothing did.
fn allowed_by(terms: &Terms) -> Option<Text> {
    let would_deny = terms.would_deny.as_deref();
    let reported = would_deny.map(|reason| Text::new(format!("report-only, would deny: {reason}")));
    reported.or_else(|| terms.rule.as_deref().map(Text::new))
}

fn elapsed_ms(asked: &Asked) -> u64 {
    u64::try_from(asked.since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

const fn version(asked: &Asked) -> HttpVersion {
    match asked.version {
        Version::Http10 => HttpVersion::Http10,
        Version::Http2 => HttpVersion::Http2,
        _ => HttpVersion::Http11,
    }
}

impl fmt::Debug for TunnelLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TunnelLog")
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}
