//! [`Summary`]: what a log says, gathered line by line.

use std::borrow::Cow;

use narrows_endpoint::Target;

use crate::access::Access;
use crate::entry::{Brief, Entry, What};
use crate::event::Event;
use crate::quote::push_escaped;
use crate::record::Record;
use crate::text::Text;
use crate::timestamp::Timestamp;
use crate::words::{ConnId, Via};

mod access;
mod join;
mod names;
mod reasons;
mod report;
mod timeline;

pub use report::{Damage, Moment, NameRow, Percentiles, ReasonRow, Report, RouteRow};

use join::{Pending, Pendings};
use names::{End, Names, Tally};
use reasons::Reasons;
use timeline::Timeline;

/// How a request went, as a report counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Way {
    /// Straight to the target.
    Direct,
    /// Through the gateway, over HTTP/1.1 or HTTP/2.
    Gateway,
    /// Through the enterprise proxy.
    Proxy,
    /// Nowhere: it was refused, or failed before a way was found.
    Refused,
    /// The log's form does not say.
    Unsaid,
}

/// What a log says, gathered line by line in a bounded place.
///
/// Lines of all forms may be mixed ([`Entry`]). The two lines of an arcproxy request are joined by
/// their numbers; a number that comes again, as after a restart, begins a new request. However many
/// lines and names there are, the place taken stays below some 60 MiB: of more than 4 096 names the
/// rarer half goes to a row for all others, of more than 131 072 open requests the oldest count as
/// never ended, reasons beyond 256 are counted together, and the timeline coarsens.
///
/// # Examples
///
/// ```
/// use narrows_log::{Summary, Way};
///
/// let mut summary = Summary::default();
/// for line in [
///     "time=2024-07-17T04:28:34.776-07:00 level=INFO msg=\"P:2:C:14 127.0.0.1:50089 --> je.his.arc.azure.com:443 on HTTP-1.1\"",
///     "time=2024-07-17T04:28:36.280-07:00 level=INFO msg=\"P:2:C:14 done via gatewayh1 bytes ->:2290, <-:5576\"",
/// ] {
///     summary.add_line(line.as_bytes());
/// }
/// let report = summary.report();
/// assert_eq!(report.names[0].target, "je.his.arc.azure.com:443");
/// assert_eq!(report.names[0].routes[0].route, Way::Gateway);
/// assert_eq!(report.names[0].routes[0].durations.map(|ms| ms.max), Some(1504));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Summary {
    damage: Vec<Damage>,
    damaged: u64,
    dropped: u64,
    ends_without_request: u64,
    failures: Reasons,
    fallbacks: Reasons,
    file: Text,
    line: u64,
    lines: u64,
    names: Names,
    never_ended: u64,
    pendings: Pendings,
    requests: u64,
    seen: Option<(Timestamp, Timestamp)>,
    skipped: u64,
    timeline: Timeline,
    totals: [Tally; Way::ALL.len()],
}

// === impl Way ===

impl Way {
    /// Every way, in the order of reports.
    pub const ALL: [Self; 5] = [
        Self::Gateway,
        Self::Proxy,
        Self::Direct,
        Self::Refused,
        Self::Unsaid,
    ];

    /// The word that reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Gateway => "gateway",
            Self::Proxy => "proxy",
            Self::Refused => "refused",
            Self::Unsaid => "unsaid",
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Gateway => 0,
            Self::Proxy => 1,
            Self::Direct => 2,
            Self::Refused => 3,
            Self::Unsaid => 4,
        }
    }
}

impl From<Via> for Way {
    fn from(via: Via) -> Self {
        match via {
            Via::Direct => Self::Direct,
            Via::GatewayH1 | Via::GatewayH2 => Self::Gateway,
            Via::Proxy => Self::Proxy,
        }
    }
}

// === impl Summary ===

impl Summary {
    /// Says that a file begins: damaged lines are reported with its name and counted from its start.
    pub fn begin_file(&mut self, name: impl Into<Text>) {
        self.file = visible(&name.into());
        self.line = 0;
    }

    /// Adds a line, with or without its line end. Empty lines and those that start with `#` are left
    /// out; damaged ones are counted.
    pub fn add_line(&mut self, line: &[u8]) {
        self.lines += 1;
        self.line += 1;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || line[0] == b'#' {
            self.skipped += 1;
            return;
        }
        // Nearly every line is UTF-8, which is found faster than what is not is replaced.
        let line = match std::str::from_utf8(line) {
            Ok(line) => Cow::Borrowed(line),
            Err(_) => String::from_utf8_lossy(line),
        };
        if let Some(brief) = Brief::parse(&line) {
            return self.add_brief(brief);
        }
        match Entry::parse(&line) {
            Ok(entry) => self.add(&entry),
            Err(error) => self.damaged(&error.to_string()),
        }
    }

    /// Adds a line that was too long to be kept: one more that is damaged.
    pub fn add_overlong(&mut self) {
        self.lines += 1;
        self.line += 1;
        self.damaged("longer than any line of a log");
    }

    /// Adds what was read elsewhere.
    pub fn add(&mut self, entry: &Entry) {
        match entry {
            Entry::Access(access) => self.add_access(access),
            Entry::Record(record) => self.add_record(record),
        }
    }

    fn add_brief(&mut self, brief: Brief<'_>) {
        match brief.what {
            What::Done {
                via,
                sent,
                received,
            } => {
                self.done(brief.time, brief.id, via, [sent, received]);
            }
            What::Open(target) => self.open(brief.time, brief.id, target),
        }
    }

    fn add_record(&mut self, record: &Record) {
        let time = record.time;
        match &record.event {
            Event::Done {
                id,
                sent,
                received,
                via,
            } => {
                self.done(time, *id, *via, [*sent, *received]);
            }
            Event::Dropped { lines } => self.dropped = self.dropped.saturating_add(*lines),
            Event::Ended { by, id, reason } => {
                self.failures.add(&format!("ended by {by}: {reason}"));
                self.pendings.fail(*id);
            }
            Event::Fallback {
                reason,
                took,
                wanted,
                ..
            } => {
                self.fallbacks
                    .add(&format!("wanted {wanted}, took {took}: {reason}"));
            }
            Event::Open { id, target, .. } => self.open(time, *id, &target.to_string()),
            Event::Refused {
                hop,
                reason,
                status,
                step,
                target,
                ..
            } => {
                self.failures
                    .add(&format!("{status} {hop}/{step}: {reason}"));
                self.whole(time, &name_of(target), &End::refused());
            }
            Event::Note(_)
            | Event::Started { .. }
            | Event::Stopped { .. }
            | Event::WouldDeny { .. } => {}
        }
    }

    fn add_access(&mut self, access: &Access) {
        if let Some(fallback) = &access.fallback {
            let (wanted, took) = (fallback.wanted, fallback.took);
            let reason = &fallback.reason;
            self.fallbacks
                .add(&format!("wanted {wanted}, took {took}: {reason}"));
        }
        if let Some(reason) = access::failure(access) {
            self.failures.add(&reason);
        }
        self.whole(access.time, &access::name(access), &access::end(access));
    }

    fn open(&mut self, time: Timestamp, id: ConnId, target: &str) {
        let key = self.request(time, target);
        let pending = Pending {
            failed: false,
            key,
            start_ms: time.unix_ms(),
        };
        self.never_ended += self.pendings.insert(id, pending);
    }

    fn done(&mut self, time: Timestamp, id: ConnId, via: Via, bytes: [u64; 2]) {
        self.see(time);
        let pending = self.pendings.remove(id);
        let end = End {
            bytes,
            // A clock that was set back leaves no duration.
            elapsed_ms: pending
                .and_then(|pending| u64::try_from(time.unix_ms() - pending.start_ms).ok()),
            failed: pending.is_some_and(|pending| pending.failed),
            way: via.into(),
        };
        match pending {
            Some(pending) => self.names.row(pending.key).end(time, &end),
            None => self.ends_without_request += 1,
        }
        self.end(time, &end);
    }

    /// A request whose end is known with it.
    fn whole(&mut self, time: Timestamp, target: &str, end: &End) {
        let key = self.request(time, target);
        self.names.row(key).end(time, end);
        self.end(time, end);
    }

    fn request(&mut self, time: Timestamp, target: &str) -> names::Key {
        self.see(time);
        self.requests += 1;
        self.timeline.at(time).requests += 1;
        let key = self.names.key(target);
        self.names.row(key).request(time);
        key
    }

    fn end(&mut self, time: Timestamp, end: &End) {
        self.totals[end.way.index()].add(end);
        let moment = self.timeline.at(time);
        moment.failures += u64::from(end.failed);
        moment.bytes = moment
            .bytes
            .saturating_add(end.bytes[0])
            .saturating_add(end.bytes[1]);
    }

    fn see(&mut self, time: Timestamp) {
        let (first, last) = self.seen.get_or_insert((time, time));
        *first = time.min(*first);
        *last = time.max(*last);
    }

    fn damaged(&mut self, error: &str) {
        self.damaged += 1;
        if self.damage.len() < MAX_DAMAGE {
            self.damage.push(Damage {
                file: self.file.to_string(),
                line: self.line,
                error: visible(error).to_string(),
            });
        }
    }
}

/// A target in canonical form, or what stands in its place, made visible.
fn name_of(text: &str) -> Cow<'_, str> {
    match text.parse::<Target>() {
        Ok(target) => target.to_string().into(),
        Err(_) if text.is_empty() => "-".into(),
        Err(_) => visible(text).to_string().into(),
    }
}

/// Somebody's words with what cannot be seen escaped, so that no output has to fear them.
fn visible(text: &str) -> Text {
    let mut out = String::new();
    push_escaped(&mut out, text);
    Text::new(out)
}

/// How many damaged lines are shown; all are counted.
const MAX_DAMAGE: usize = 10;

#[cfg(test)]
mod tests;
