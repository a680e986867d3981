//! Where a command's text goes: standard output, or a file that is whole or not there.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::fault::Fault;

/// Where a command's text goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Stdout,
    /// A file, replaced as a whole.
    File(PathBuf),
}

// === impl Output ===

impl Output {
    /// A file if one is named; `-` is standard output.
    pub fn new(path: Option<&Path>) -> Self {
        match path {
            Some(path) if path != Path::new("-") => Self::File(path.to_owned()),
            _ => Self::Stdout,
        }
    }

    /// Finds out early whether it can be written, before anything is asked of the network.
    ///
    /// # Errors
    ///
    /// The file's directory cannot be written, or the file is a directory.
    pub fn check(&self) -> Result<(), Fault> {
        match self {
            Self::Stdout => Ok(()),
            Self::File(path) if path.is_dir() => Err(unwritable(path, &"it is a directory")),
            Self::File(path) => beside(path)
                .map(drop)
                .map_err(|error| unwritable(path, &error)),
        }
    }

    /// Writes the text; of a file, a reader sees all of the old one or all of the new one.
    ///
    /// # Errors
    ///
    /// It cannot be written; an old file is whole then. A reader of standard output that has seen enough
    /// (`| head`) is no failure.
    pub fn write(&self, text: &str) -> Result<(), Fault> {
        match self {
            Self::Stdout => print(text),
            Self::File(path) => replace(path, text).map_err(|error| unwritable(path, &error)),
        }
    }
}

/// Data for standard output.
fn print(text: &str) -> Result<(), Fault> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Fault::usage(format_args!(
            "cannot write standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Replaces a file, or makes it, by a rename in its directory.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut file = beside(path)?;
    file.write_all(text.as_bytes())?;
    // What is renamed must be whole after a crash too.
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A new file in the same directory, removed when dropped.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    let mut builder = Builder::new();
    builder.prefix(".narrows-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // A device of another user reads the list; the umask takes away what it must not.
        builder.permissions(std::fs::Permissions::from_mode(0o644));
    }
    builder.tempfile_in(directory)
}

fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> Fault {
    Fault::usage(format_args!("cannot write {}: {error}", path.display()))
        .hint("nothing was written; an older file is as it was")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_behind() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("list");
        let output = Output::new(Some(&path));
        output.check().unwrap();
        assert!(!path.exists(), "checking writes nothing");
        output.write("one\n").unwrap();
        output.write("two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\n");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_is_said_early() {
        let directory = tempfile::tempdir().unwrap();
        for path in [
            directory.path().to_owned(),
            directory.path().join("no/list"),
        ] {
            let fault = Output::new(Some(&path)).check().unwrap_err();
            assert_eq!(fault.exit(), crate::exit::Exit::Usage);
            assert!(
                fault.message().contains(&*path.to_string_lossy()),
                "{fault}"
            );
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
