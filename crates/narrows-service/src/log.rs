//! The tunnel log: where its lines go, and what people are told when a sink fails.
//!
//! [`open`] starts a [`Writer`] for each [`SinkSettings`]: a file, standard output, a syslog daemon or
//! journald. Each has its own buffer and thread, so that one that is slow or gone holds up neither the
//! others nor a tunnel. [`Section`] is what a settings file says of it.

use std::fmt;
use std::io;
use std::time::{Duration, Instant, SystemTime};

use narrows_log::{
    Envelope, Facility, Format, Health, Log, Options, SinkStep, SyslogHeader, Unwritten, Writer,
};

use crate::log_file::{LogFile, Rotation};
use crate::say::say;

mod destination;
mod keys;
mod section;
mod syslog;

#[cfg(target_os = "linux")]
mod journald;

pub use destination::{Destination, UnknownDestination};
pub use keys::keys;
pub use section::{Section, SinkTable, Wanted};
pub use syslog::{Syslog, SyslogAddress};

#[cfg(target_os = "linux")]
pub use journald::Journald;

/// A sink of the log, and the form of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkSettings {
    /// Where lines go.
    pub to: Destination,
    /// Their form.
    pub format: Format,
    /// The facility of syslog messages; of no use to others.
    pub facility: Facility,
    /// When a file is put aside; never when `None`, and of no use to others.
    pub rotation: Option<Rotation>,
}

/// Why a log cannot be opened. The message has its cause.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the log {name}: {error}")]
pub struct OpenError {
    /// What people call the sink.
    pub name: String,
    /// What the system said.
    pub error: io::Error,
}

/// The writers of a log, one for each sink.
#[derive(Debug)]
pub struct Writers(Vec<Writer>);

/// Opens every sink, for the program called `identifier`. What goes wrong with one later is said on
/// standard error; a daemon that is not there yet is no error, a file that cannot be opened is.
///
/// # Errors
///
/// The first sink that cannot be opened.
pub fn open(sinks: &[SinkSettings], identifier: &str) -> Result<Writers, OpenError> {
    let writers = sinks.iter().map(|sink| {
        let name = sink.to.to_string();
        open_one(sink, identifier, &name).map_err(|error| OpenError { name, error })
    });
    writers.collect::<Result<_, _>>().map(Writers)
}

fn open_one(settings: &SinkSettings, identifier: &str, name: &str) -> io::Result<Writer> {
    let options = Options {
        envelope: envelope(settings, identifier),
        format: settings.format,
        name: name.into(),
        ..Options::default()
    };
    let name = name.to_owned();
    let watch = move |health: Health<'_>| {
        if let Some(news) = news(&name, &health) {
            say(format_args!("{news}"));
        }
    };
    match &settings.to {
        Destination::File(path) => {
            let file = LogFile::open(path.clone())?;
            let file = match settings.rotation {
                Some(rotation) => file.rotated(rotation, SystemTime::now),
                None => file,
            };
            Writer::spawn_watched(file, options, watch)
        }
        #[cfg(target_os = "linux")]
        Destination::Journald(path) => {
            Writer::spawn_watched(Journald::new(path.clone()), options, watch)
        }
        #[cfg(not(target_os = "linux"))]
        Destination::Journald(_) => Err(io::ErrorKind::Unsupported.into()),
        Destination::Stdout => Writer::spawn_watched(io::stdout(), options, watch),
        Destination::Syslog(address) => {
            Writer::spawn_watched(Syslog::new(address.clone()), options, watch)
        }
    }
}

fn envelope(settings: &SinkSettings, identifier: &str) -> Envelope {
    match &settings.to {
        Destination::File(_) | Destination::Stdout => Envelope::None,
        Destination::Journald(_) => Envelope::Journal {
            identifier: identifier.into(),
        },
        Destination::Syslog(_) => Envelope::Syslog(SyslogHeader::new(
            settings.facility,
            &hostname(),
            identifier,
            std::process::id(),
        )),
    }
}

/// The machine's name, as RFC 5424 wants it; `-` if it has none.
fn hostname() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    name
}

// === impl Writers ===

impl Writers {
    /// A place to hand in lines, for all sinks.
    pub fn handle(&self) -> Log {
        Log::new(self.0.iter().map(Writer::handle))
    }

    /// Writes what is waiting and ends the threads; waits at most `patience` for all of them together.
    ///
    /// # Errors
    ///
    /// [`Unwritten`], of the sinks together, if lines were given up.
    pub fn shutdown(self, patience: Duration) -> Result<(), Unwritten> {
        let end = Instant::now() + patience;
        for writer in &self.0 {
            writer.close();
        }
        let mut lines: Option<std::num::NonZeroU64> = None;
        for writer in self.0 {
            let left = end.saturating_duration_since(Instant::now());
            if let Err(unwritten) = writer.shutdown(left) {
                let more = unwritten.lines;
                lines = Some(lines.map_or(more, |lines| lines.saturating_add(more.get())));
            }
        }
        lines.map_or(Ok(()), |lines| Err(Unwritten { lines }))
    }
}

// === impl SinkSettings ===

impl SinkSettings {
    /// A sink that is never put aside.
    pub const fn new(to: Destination, format: Format) -> Self {
        Self {
            to,
            format,
            facility: Facility::DAEMON,
            rotation: None,
        }
    }
}

/// `/var/log/narrows/requests.json (json)`
impl fmt::Display for SinkSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.to, self.format)
    }
}

/// A line for people on how the log called `name` does; `None` if there is nothing to say.
fn news(name: &str, health: &Health<'_>) -> Option<String> {
    let news = match health {
        Health::Failing {
            step: SinkStep::Write,
            error,
            waiting,
            dropped,
        } => format!(
            "warning: cannot write the log {name}: {error}; lines waiting: {waiting}, dropped: {dropped}"
        ),
        Health::Failing {
            step: SinkStep::Reopen,
            error,
            dropped,
            ..
        } => format!(
            "warning: cannot open the log {name} again: {error}; lines go to the file that was open, dropped: {dropped}"
        ),
        Health::Failing {
            step: SinkStep::Rotate,
            error,
            ..
        } => format!(
            "warning: cannot rotate the log {name}: {error}; lines go on into the file that is open"
        ),
        Health::Recovered { step, dropped } => {
            let again = match step {
                SinkStep::Reopen => "open again",
                SinkStep::Rotate => "rotated again",
                SinkStep::Write => "written again",
            };
            format!("the log {name} is {again}; lines dropped meanwhile: {dropped}")
        }
        _ => return None,
    };
    Some(news)
}

#[cfg(test)]
mod tests;
