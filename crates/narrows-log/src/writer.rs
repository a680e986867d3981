//! [`Writer`]: lines to a [`Sink`], without ever holding up whoever logs them.

use std::io;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use crate::access::Access;
use crate::format::Format;
use crate::record::Record;

mod drain;
mod envelope;
mod health;
mod log;
mod shared;
mod sink;

pub use envelope::{Envelope, Facility, SyslogHeader, UnknownFacility};
pub use health::{Failure, Health, SinkStep};
pub use log::Log;
pub use shared::{Counts, SinkStatus};
pub use sink::Sink;

use envelope::Item;
use shared::Shared;

/// A thread that writes log lines to a [`Sink`], and the bounded buffer before it.
///
/// Whoever logs formats the line into the buffer under a short lock and goes on; nobody but the thread
/// waits for the sink. Lines that find the buffer full are left out and counted, and a `dropped` line
/// stands in their place. When the sink fails, the thread tries again, from where the sink had come; a
/// [watcher](Self::spawn_watched) learns when it begins to fail and when that is over.
///
/// Dropping the writer asks the thread to finish and does not wait; [`shutdown`](Self::shutdown) does.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use narrows_log::{Event, Options, Record, Timestamp, Writer};
///
/// let writer = Writer::spawn(std::io::sink(), Options::default())?;
/// let log = writer.handle();
/// log.record(&Record::new(Timestamp::new(0, 0), Event::Note("hello".into())));
/// let counts = writer.shutdown(Duration::from_secs(1)).expect("the sink takes everything");
/// assert_eq!(counts.written, 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
}

/// Where lines are handed in; cheap to clone, and usable from any thread or task.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// How a [`Writer`] gathers lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Octets of lines that may wait for the sink; as many again may be in its hands.
    pub capacity: usize,
    /// What stands around each line on its way to the sink.
    pub envelope: Envelope,
    /// The form of the lines.
    pub format: Format,
    /// How long the first line of a batch waits for company, so that a busy server pays for one
    /// wake-up per batch and not per line.
    pub linger: Duration,
    /// What people call the sink.
    pub name: Arc<str>,
    /// How long to wait after the sink has failed.
    pub retry: Duration,
}

/// Lines that the sink had not taken when the time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("lines of the log that are not written: {lines}")]
pub struct Unwritten {
    /// How many.
    pub lines: NonZeroU64,
}

// === impl Options ===

impl Default for Options {
    /// 1 MiB, some 8000 lines; arcproxy's lines; 20 ms, less than a person following the log notices; 250 ms.
    fn default() -> Self {
        Self {
            capacity: 1024 * 1024,
            envelope: Envelope::None,
            format: Format::Arcproxy,
            linger: Duration::from_millis(20),
            name: "log".into(),
            retry: Duration::from_millis(250),
        }
    }
}

// === impl Writer ===

impl Writer {
    /// Starts the thread, named `narrows-log`. Nobody learns of a sink that fails but who asks for the
    /// [counts](Handle::counts).
    ///
    /// # Errors
    ///
    /// The operating system's, if it gives no thread.
    pub fn spawn(sink: impl Sink, options: Options) -> io::Result<Self> {
        Self::spawn_watched(sink, options, |_| {})
    }

    /// [`spawn`](Self::spawn), and tells `watch` when the sink begins to fail and when it recovers.
    ///
    /// `watch` is called on the writer's thread: no line is written until it returns. If it panics, the
    /// thread ends, as when the sink does.
    ///
    /// # Errors
    ///
    /// The operating system's, if it gives no thread.
    pub fn spawn_watched(
        sink: impl Sink,
        options: Options,
        watch: impl FnMut(Health<'_>) + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(options));
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("narrows-log".to_owned())
            .spawn(move || drain::run(&theirs, sink, watch))?;
        Ok(Self { shared })
    }

    /// A place to hand in lines.
    pub fn handle(&self) -> Handle {
        Handle {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Asks the thread to write what is waiting and to end; does not wait. Lines handed in from now on are
    /// dropped.
    pub fn close(&self) {
        self.shared.close();
    }

    /// [Closes](Self::close), and waits at most `patience` until everything is written.
    ///
    /// If the sink fails now, it is tried once more and then given up.
    ///
    /// # Errors
    ///
    /// [`Unwritten`] if lines were given up, or the sink still holds the thread.
    pub fn shutdown(self, patience: Duration) -> Result<Counts, Unwritten> {
        self.close();
        self.shared.wait_until_finished(patience)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

// === impl Handle ===

impl Handle {
    /// Hands in a record. Never waits for the sink; `false` if its line was dropped and counted.
    ///
    /// A [format](Options::format) that has no such lines leaves it out, which is no drop.
    pub fn record(&self, record: &Record) -> bool {
        !self.format().has_records() || self.shared.push(Item::Record(record))
    }

    /// Hands in an access record, if the [format](Options::format) is one of those; as
    /// [`record`](Self::record) otherwise.
    pub fn access(&self, access: &Access) -> bool {
        self.format() == Format::Arcproxy || self.shared.push(Item::Access(access))
    }

    /// The form of the lines.
    pub fn format(&self) -> Format {
        self.shared.options.format
    }

    /// Waits, at most `patience`, until every line handed in before is with the sink.
    ///
    /// For threads: a task would hold up its runtime.
    ///
    /// # Errors
    ///
    /// [`Unwritten`] if time runs out.
    pub fn flush(&self, patience: Duration) -> Result<(), Unwritten> {
        self.shared.flush(patience)
    }

    /// Asks the thread to [reopen](Sink::reopen) the sink, between two lines; does not wait.
    ///
    /// If that fails, it is tried again before each batch of lines until it works.
    pub fn reopen(&self) {
        self.shared.reopen();
    }

    /// What has become of the lines so far.
    pub fn counts(&self) -> Counts {
        self.shared.counts()
    }

    /// How the sink does: its name, what has become of its lines, and whether it fails.
    pub fn status(&self) -> SinkStatus {
        self.shared.status()
    }
}

#[cfg(test)]
mod tests;
