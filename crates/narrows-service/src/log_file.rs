//! [`LogFile`]: the tunnel log in a file that may be rotated, here or by somebody else.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use narrows_log::Sink;

mod rotation;
mod tidier;

pub use rotation::Rotation;

use rotation::Rotor;

/// The tunnel log in a file: appended to, and opened again by name when asked.
///
/// Rotation may be [its own](Self::rotated), or somebody else's: rename the file, then send SIGHUP. Lines
/// go to the renamed file until the new one is open, so none is lost. A file that was removed is given up
/// for a new one of its name at the next line; without a directory for it that fails, and lines wait.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
    /// Whether a line has begun and not ended: the disk was full in the middle of it.
    within_line: bool,
    rotor: Option<Rotor>,
}

impl LogFile {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let file = append(&path)?;
        Ok(Self {
            path,
            file,
            within_line: false,
            rotor: None,
        })
    }

    /// Puts the file aside when it is too large or too old by `clock`, and goes on with a new one.
    #[must_use]
    pub fn rotated(
        self,
        rotation: Rotation,
        clock: impl Fn() -> SystemTime + Send + 'static,
    ) -> Self {
        let rotor = Rotor::new(rotation, Box::new(clock), &self.file);
        Self {
            rotor: Some(rotor),
            ..self
        }
    }

    fn start_anew(&mut self) -> io::Result<()> {
        self.file = append(&self.path)?;
        self.within_line = false;
        if let Some(rotor) = &mut self.rotor {
            rotor.opened(&self.file);
        }
        Ok(())
    }
}

impl Sink for LogFile {
    fn write_some(&mut self, lines: &[u8]) -> io::Result<usize> {
        if !self.within_line && is_removed(&self.file) {
            self.start_anew()?;
        }
        let room = self.rotor.as_ref().map_or(u64::MAX, Rotor::room);
        let written = self.file.write(fitting(lines, room))?;
        if let Some(last) = written.checked_sub(1) {
            self.within_line = lines[last] != b'\n';
        }
        if let Some(rotor) = &mut self.rotor {
            rotor.wrote(written);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Write::flush(&mut self.file)
    }

    /// The old file is kept if the new one cannot be opened.
    fn reopen(&mut self) -> io::Result<()> {
        self.start_anew()
    }

    fn rotate(&mut self) -> io::Result<bool> {
        let Some(rotor) = &mut self.rotor else {
            return Ok(false);
        };
        if self.within_line || !rotor.is_due() {
            return Ok(false);
        }
        rotor.put_aside(&self.path)?;
        // Until the new file is open, lines go into the one that was put aside.
        let readers = self.file.metadata().map(|data| data.permissions());
        self.start_anew()?;
        if let Ok(readers) = readers {
            // Where the system knows no such thing, nobody has chosen any.
            let _ = self.file.set_permissions(readers);
        }
        if let Some(rotor) = &mut self.rotor {
            rotor.tidy(&self.path);
        }
        Ok(true)
    }
}

/// As many whole lines as there is room for, and one at least: a file is over its size by no more than the
/// line that did not fit.
fn fitting(lines: &[u8], room: u64) -> &[u8] {
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if lines.len() <= room {
        return lines;
    }
    let within = lines[..room].iter().rposition(|&byte| byte == b'\n');
    let end = within.or_else(|| lines.iter().position(|&byte| byte == b'\n'));
    end.map_or(lines, |lf| &lines[..=lf])
}

/// Whether nobody can find the file any more, so that what is written into it is lost.
#[cfg(unix)]
fn is_removed(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    file.metadata().is_ok_and(|data| data.nlink() == 0)
}

#[cfg(not(unix))]
fn is_removed(_: &File) -> bool {
    false
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

#[cfg(test)]
mod tests;
