//! [`Section`]: what a settings file says of the log, and what that comes to.

use std::ops::Range;
use std::path::{Path, PathBuf};

use narrows_endpoint::Source;
use narrows_log::{Facility, Format};
use serde::Deserialize;
use toml::Spanned;

use super::{Destination, SinkSettings};
use crate::config::{Checked, Whole};
use crate::log_file::Rotation;
use crate::problem::Problem;

/// `[log]`: one sink in short form, or a list of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Section {
    /// The one sink: a path, or `-` for standard output.
    pub file: Option<Spanned<String>>,
    /// The form of its lines, and of sinks that do not say theirs.
    pub format: Option<Checked<Format>>,
    /// Sinks, in place of `file`.
    pub sinks: Vec<Spanned<SinkTable>>,
}

/// `[[log.sinks]]`: one sink.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SinkTable {
    /// Where lines go.
    pub to: Option<Spanned<Checked<Destination>>>,
    /// Their form.
    pub format: Option<Checked<Format>>,
    /// The facility of syslog messages.
    pub facility: Option<Spanned<Checked<Facility>>>,
    /// A file of this size is put aside, in MiB.
    pub rotate_mib: Option<Spanned<Whole<1, 1_000_000>>>,
    /// A file of this age is put aside.
    pub rotate_hours: Option<Spanned<Whole<1, 10_000>>>,
    /// How many files that were put aside are kept.
    pub keep: Option<Spanned<Whole<0, 10_000>>>,
    /// Whether they are compressed.
    pub compress: Option<Spanned<bool>>,
}

/// What flags say of the log; they beat the file.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// A path, or `-` for standard output; the only sink then.
    pub file: Option<PathBuf>,
    /// The form of lines whose sink does not say its own.
    pub format: Option<Format>,
}

impl Section {
    /// The sinks that hold, standard output if none is named. Relative paths of the file start from
    /// `directory`. `place` says where a part of the file stands.
    ///
    /// What is wrong is appended to `problems`; the sinks are then not to be used.
    pub fn sinks(
        &self,
        wanted: Wanted,
        directory: &Path,
        place: &dyn Fn(Range<usize>) -> Source,
        problems: &mut Vec<Problem>,
    ) -> Vec<SinkSettings> {
        let format = wanted
            .format
            .or_else(|| self.format.as_ref().map(|format| format.0))
            .unwrap_or_default();
        if let Some(path) = wanted.file {
            return vec![SinkSettings::new(short(path), format)];
        }
        let mut judge = Judge {
            directory,
            format,
            place,
            problems,
        };
        if self.sinks.is_empty() {
            let file = self.file.as_ref().map(|file| short(file.get_ref().into()));
            let to = file.map_or(Destination::Stdout, |to| within(to, directory));
            return vec![SinkSettings::new(to, format)];
        }
        if let Some(file) = &self.file {
            let both = "log.file names the one sink of a log, and log.sinks names others";
            judge.problem(file.span(), both, "leave one of them out");
        }
        let mut sinks: Vec<SinkSettings> = Vec::new();
        for table in &self.sinks {
            let Some(sink) = judge.sink(table) else {
                continue;
            };
            if sinks.iter().any(|known| known.to == sink.to) {
                let twice = format!("log.sinks: lines go {} twice", to(&sink.to));
                judge.problem(table.span(), &twice, "leave one of them out");
            }
            sinks.push(sink);
        }
        sinks
    }
}

/// Judges one sink after the other.
struct Judge<'a> {
    directory: &'a Path,
    format: Format,
    place: &'a dyn Fn(Range<usize>) -> Source,
    problems: &'a mut Vec<Problem>,
}

impl Judge<'_> {
    fn problem(&mut self, at: Range<usize>, message: &str, hint: &str) {
        let problem = Problem::new((self.place)(at), message);
        self.problems.push(problem.hint(hint));
    }

    fn sink(&mut self, spanned: &Spanned<SinkTable>) -> Option<SinkSettings> {
        let table = spanned.get_ref();
        let Some(to) = &table.to else {
            let hint = "write, for example: to = \"journald\"";
            self.problem(
                spanned.span(),
                "log.sinks: a sink does not say where to",
                hint,
            );
            return None;
        };
        let to = to.get_ref().0.clone();
        let format = table.format.as_ref().map_or(self.format, |format| format.0);
        if let Some(facility) = &table.facility
            && !matches!(to, Destination::Syslog(_))
        {
            let message = "log.sinks: only syslog has facilities";
            self.problem(facility.span(), message, "leave facility out");
        }
        let rotation = self.rotation(table, &to);
        Some(SinkSettings {
            to: within(to, self.directory),
            format,
            facility: (table.facility.as_ref())
                .map_or(Facility::DAEMON, |facility| facility.get_ref().0),
            rotation,
        })
    }

    fn rotation(&mut self, table: &SinkTable, to: &Destination) -> Option<Rotation> {
        let limits = [
            table.rotate_mib.as_ref().map(Spanned::span),
            table.rotate_hours.as_ref().map(Spanned::span),
        ];
        let more = [
            table.keep.as_ref().map(Spanned::span),
            table.compress.as_ref().map(Spanned::span),
        ];
        let any = limits.iter().chain(&more).flatten().next().cloned()?;
        if !matches!(to, Destination::File(_)) {
            let message = "log.sinks: only a file can be rotated";
            self.problem(
                any,
                message,
                "leave rotate_mib, rotate_hours, keep and compress out",
            );
            return None;
        }
        if limits.iter().all(Option::is_none) {
            let message = "log.sinks: nothing says when the file is rotated";
            self.problem(any, message, "add rotate_mib or rotate_hours");
            return None;
        }
        let number = |mib: u32| u64::from(mib) << 20;
        Some(Rotation {
            octets: table.rotate_mib.as_ref().map(|mib| number(mib.get_ref().0)),
            age: (table.rotate_hours.as_ref())
                .map(|hours| std::time::Duration::from_secs(3600 * u64::from(hours.get_ref().0))),
            keep: (table.keep.as_ref()).map_or(KEEP, |keep| {
                usize::try_from(keep.get_ref().0).unwrap_or(KEEP)
            }),
            compress: table
                .compress
                .as_ref()
                .is_some_and(|compress| *compress.get_ref()),
        })
    }
}

/// What the short form means by a path.
fn short(path: PathBuf) -> Destination {
    if path.as_os_str() == "-" {
        Destination::Stdout
    } else {
        Destination::File(path)
    }
}

fn within(to: Destination, directory: &Path) -> Destination {
    match to {
        Destination::File(path) => Destination::File(directory.join(path)),
        to => to,
    }
}

fn to(destination: &Destination) -> String {
    match destination {
        Destination::Stdout => destination.to_string(),
        other => format!("to {other}"),
    }
}

/// How many files are kept unless it is said.
const KEEP: usize = 7;
