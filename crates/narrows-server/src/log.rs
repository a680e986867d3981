//! [`TunnelLog`]: the observer that writes the tunnel log.

use std::fmt;

use narrows_connect::Version;
use narrows_log::{Event, Handle, HttpVersion, Record, Text, Timestamp};

use crate::observe::{Ended, Observe, Opened, Refused};

/// Tells the time for log lines: the clock and the time zone are the caller's.
pub type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// Writes each request to the tunnel log, in the form of arcproxy.log.
///
/// A carried request is two lines, a refused one is one. A request that took another route than the
/// decided one, or did not end cleanly, has one more that says so.
pub struct TunnelLog {
    clock: Clock,
    writer: Handle,
}

impl TunnelLog {
    /// Writes to `writer`, with times from `clock`.
    pub const fn new(writer: Handle, clock: Clock) -> Self {
        Self { clock, writer }
    }

    /// Writes a line of another kind, for instance that the server has started.
    pub fn write(&self, event: Event) {
        self.writer.record(&Record::new((self.clock)(), event));
    }
}

impl Observe for TunnelLog {
    fn opened(&self, opened: &Opened<'_>) {
        let asked = opened.asked;
        self.write(Event::Open {
            client: asked.client.into(),
            id: asked.id,
            target: asked.target.clone(),
            version: match asked.version {
                Version::Http10 => HttpVersion::Http10,
                Version::Http2 => HttpVersion::Http2,
                _ => HttpVersion::Http11,
            },
        });
        if let Some(fallback) = opened.fallback {
            self.write(Event::Fallback {
                id: asked.id,
                reason: Text::new(&*fallback.reason),
                target: asked.target.clone(),
                took: fallback.took,
                wanted: fallback.wanted,
            });
        }
    }

    fn ended(&self, ended: &Ended<'_>) {
        let id = ended.asked.id;
        if let Some((by, how)) = ended.blame {
            self.write(Event::Ended {
                by,
                id,
                reason: Text::new(how.to_string()),
            });
        }
        let (sent, received) = (ended.sent, ended.received);
        self.write(Event::Done {
            id,
            sent,
            received,
            via: ended.via,
        });
    }

    fn refused(&self, refused: &Refused<'_>) {
        self.write(Event::Refused {
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

impl fmt::Debug for TunnelLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TunnelLog")
            .field("writer", &self.writer)
            .finish_non_exhaustive()
    }
}
