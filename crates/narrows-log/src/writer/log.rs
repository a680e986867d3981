//! [`Log`]: several writers as one.

use std::sync::Arc;

use super::{Handle, SinkStatus};
use crate::access::Access;
use crate::format::Format;
use crate::record::Record;

/// A log with any number of sinks, each behind a [writer](super::Writer) of its own; cheap to clone.
///
/// Each sink has its own buffer, thread and counts: a slow or dead one holds up neither the others nor
/// whoever logs.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use narrows_log::{AccessFormat, Event, Format, Log, Options, Record, Timestamp, Writer};
///
/// let lines = Writer::spawn(std::io::sink(), Options::default())?;
/// let squid = Options { format: Format::Access(AccessFormat::Squid), ..Options::default() };
/// let squid = Writer::spawn(std::io::sink(), squid)?;
/// let log = Log::new([lines.handle(), squid.handle()]);
/// log.record(&Record::new(Timestamp::new(0, 0), Event::Note("hello".into())));
/// assert_eq!(lines.shutdown(Duration::from_secs(1)).map(|counts| counts.written), Ok(1));
/// assert_eq!(squid.shutdown(Duration::from_secs(1)).map(|counts| counts.written), Ok(0));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Log {
    sinks: Arc<[Handle]>,
    steps: bool,
    wholes: bool,
}

impl Log {
    /// A log with these sinks; without any, everything is left out.
    pub fn new(sinks: impl IntoIterator<Item = Handle>) -> Self {
        let sinks: Arc<[Handle]> = sinks.into_iter().collect();
        let any = |arcproxy: bool| {
            let mut formats = sinks.iter().map(Handle::format);
            formats.any(|format| (format == Format::Arcproxy) == arcproxy)
        };
        Self {
            steps: any(true),
            wholes: any(false),
            sinks,
        }
    }

    /// Whether a sink wants each request in [several lines](Self::step).
    pub const fn wants_steps(&self) -> bool {
        self.steps
    }

    /// Whether a sink wants each request in [one line](Self::access).
    pub const fn wants_wholes(&self) -> bool {
        self.wholes
    }

    /// Hands in what is no part of a request, such as a start: to every sink whose format has such lines.
    pub fn record(&self, record: &Record) {
        for sink in self.sinks.iter() {
            sink.record(record);
        }
    }

    /// Hands in one of a request's several lines: to every sink with arcproxy's.
    pub fn step(&self, record: &Record) {
        for sink in self.sinks.iter() {
            if sink.format() == Format::Arcproxy {
                sink.record(record);
            }
        }
    }

    /// Hands in a request in one line: to every sink that has such lines.
    pub fn access(&self, access: &Access) {
        for sink in self.sinks.iter() {
            sink.access(access);
        }
    }

    /// Asks every sink to [reopen](super::Sink::reopen); does not wait.
    pub fn reopen(&self) {
        for sink in self.sinks.iter() {
            sink.reopen();
        }
    }

    /// How each sink does, in the order in which they were given.
    pub fn status(&self) -> Vec<SinkStatus> {
        self.sinks.iter().map(Handle::status).collect()
    }
}

impl From<Handle> for Log {
    fn from(sink: Handle) -> Self {
        Self::new([sink])
    }
}
