//! [`LogFile`]: the tunnel log in a file that may be rotated under it; and what people are told when
//! it cannot be written.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use narrows_log::{Format, Health, Options, Sink, SinkStep, Writer};

use crate::say::say;

/// The tunnel log in a file: appended to, and opened again by name when asked.
///
/// Rotation is somebody else's: rename the file, then send SIGHUP. Lines go to the renamed file until
/// the new one is open, so none is lost.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
}

impl LogFile {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let file = append(&path)?;
        Ok(Self { path, file })
    }
}

impl Sink for LogFile {
    fn write_some(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.file.write(lines)
    }

    fn flush(&mut self) -> io::Result<()> {
        Write::flush(&mut self.file)
    }

    /// The old file is kept if the new one cannot be opened.
    fn reopen(&mut self) -> io::Result<()> {
        self.file = append(&self.path)?;
        Ok(())
    }
}

fn append(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

/// Why a log cannot be opened. The message has its cause.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the log {}: {error}", .path.display())]
pub struct OpenError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub error: io::Error,
}

/// A writer of log lines to the file at `path`, or to standard output. What goes wrong with it later is
/// said on standard error.
///
/// # Errors
///
/// The file cannot be opened, or the system gives no thread.
pub fn open(path: Option<PathBuf>, format: Format) -> Result<Writer, OpenError> {
    let name = path.as_ref().map_or_else(
        || "on standard output".to_owned(),
        |path| path.display().to_string(),
    );
    let failed = PathBuf::from(&name);
    let watch = move |health: Health<'_>| {
        if let Some(news) = news(&name, &health) {
            say(format_args!("{news}"));
        }
    };
    let options = Options {
        format,
        ..Options::default()
    };
    let writer = match path {
        None => Writer::spawn_watched(io::stdout(), options, watch),
        Some(path) => {
            LogFile::open(path).and_then(|file| Writer::spawn_watched(file, options, watch))
        }
    };
    writer.map_err(|error| OpenError {
        path: failed,
        error,
    })
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
        Health::Recovered { step, dropped } => {
            let again = match step {
                SinkStep::Reopen => "open again",
                SinkStep::Write => "written again",
            };
            format!("the log {name} is {again}; lines dropped meanwhile: {dropped}")
        }
        _ => return None,
    };
    Some(news)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_on_in_a_new_file_after_rotation() {
        let dir = tempfile::tempdir().unwrap();
        let (path, rotated) = (dir.path().join("log"), dir.path().join("log.1"));
        let mut log = LogFile::open(path.clone()).unwrap();
        log.write_some(b"one\n").unwrap();
        std::fs::rename(&path, &rotated).unwrap();
        log.write_some(b"two\n").unwrap();
        log.reopen().unwrap();
        log.write_some(b"three\n").unwrap();
        assert_eq!(std::fs::read_to_string(&rotated).unwrap(), "one\ntwo\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "three\n");
    }

    #[test]
    fn keeps_the_old_file_if_there_is_no_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let old = dir.path().join("old");
        std::fs::create_dir(&old).unwrap();
        let mut log = LogFile::open(old.join("log")).unwrap();
        std::fs::rename(&old, dir.path().join("new")).unwrap();
        assert!(log.reopen().is_err());
        log.write_some(b"one\n").unwrap();
        assert_eq!(
            std::fs::read_to_string(dir.path().join("new/log")).unwrap(),
            "one\n"
        );
    }
}
