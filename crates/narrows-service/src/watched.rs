//! [`Watched`]: a value that is read from files, and read again when they change; [`Stamp`]: whether they did.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

/// A value that is read from files, and read again when they change.
///
/// A reader sees the old value or the new one, whole. Files that cannot be read change nothing.
pub struct Watched<T> {
    files: Vec<PathBuf>,
    read: Box<Read<T>>,
    /// What the files looked like when they were read last, well or not.
    seen: Mutex<Stamp>,
    value: ArcSwap<T>,
}

type Read<T> = dyn Fn() -> Result<T, String> + Send + Sync;

/// What can be told of files without reading them: times, sizes, and which file it is.
///
/// Any difference counts, so a clock that was set back hides nothing, nor does an editor that renames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp(Vec<Option<(PathBuf, std::time::SystemTime, u64, u64)>>);

// === impl Watched ===

impl<T> Watched<T> {
    /// Reads the value for the first time. Of a directory, the files in it are watched.
    ///
    /// # Errors
    ///
    /// What `read` says.
    pub fn new(
        files: Vec<PathBuf>,
        read: impl Fn() -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let seen = Stamp::of(&files);
        let value = ArcSwap::from_pointee(read()?);
        Ok(Self {
            files,
            read: Box::new(read),
            seen: Mutex::new(seen),
            value,
        })
    }

    /// The value as it is now. To be kept for a moment only.
    pub fn load(&self) -> Guard<Arc<T>> {
        self.value.load()
    }

    /// Reads the files again if they look different, and says whether they were.
    ///
    /// Blocks on the file system.
    ///
    /// # Errors
    ///
    /// What `read` says; the old value stays. It is said once for each change of the files.
    pub fn refresh(&self) -> Result<bool, String> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Before reading: what changes meanwhile is seen the next time.
        let stamp = Stamp::of(&self.files);
        if *seen == stamp {
            return Ok(false);
        }
        *seen = stamp;
        self.value.store(Arc::new((self.read)()?));
        Ok(true)
    }
}

impl<T> std::fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

// === impl Stamp ===

impl Stamp {
    /// Looks at files; of a directory, at the files in it. One that is not there is told too.
    ///
    /// Blocks on the file system.
    pub fn of(files: &[PathBuf]) -> Self {
        let mut paths = Vec::new();
        for file in files {
            match fs::read_dir(file) {
                Ok(entries) => paths.extend(entries.flatten().map(|entry| entry.path())),
                Err(_) => paths.push(file.clone()),
            }
        }
        paths.sort();
        Self(paths.iter().map(|path| look(path)).collect())
    }
}

fn look(path: &Path) -> Option<(PathBuf, std::time::SystemTime, u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = fs::metadata(path).ok()?;
    let modified = metadata.modified().ok()?;
    Some((path.to_owned(), modified, metadata.len(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{Readers, replace};

    #[test]
    fn a_good_change_is_taken_and_a_bad_one_is_said_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("number");
        replace(&path, b"1", Readers::All).unwrap();
        let read = {
            let path = path.clone();
            move || {
                let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
                text.parse::<u32>().map_err(|error| error.to_string())
            }
        };
        let watched = Watched::new(vec![dir.path().to_owned()], read).unwrap();
        assert_eq!(watched.refresh(), Ok(false));
        replace(&path, b"2", Readers::All).unwrap();
        assert_eq!(watched.refresh(), Ok(true));
        assert_eq!(**watched.load(), 2);
        replace(&path, b"two", Readers::All).unwrap();
        assert!(watched.refresh().is_err());
        assert_eq!(watched.refresh(), Ok(false));
        assert_eq!(**watched.load(), 2);
        replace(&path, b"3", Readers::All).unwrap();
        assert_eq!(watched.refresh(), Ok(true));
        assert_eq!(**watched.load(), 3);
    }
}
