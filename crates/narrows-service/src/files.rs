//! Reading files that settings name, whatever they turn out to be; and writing files so that a reader sees
//! all of the old text or all of the new one.

use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions, Permissions};
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

/// The longest file that is read, in octets: a million rules fit.
const LONGEST: u64 = 64 << 20;

/// Reads a whole file. Only a regular one of at most 64 MiB is read: a pipe would wait for a writer, and a
/// device may have no end.
///
/// # Errors
///
/// The operating system's, or what is wrong with the file.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    read_up_to(path, LONGEST)
}

/// As [`read`], for a file of text.
///
/// # Errors
///
/// As [`read`], and [`io::ErrorKind::InvalidData`] of what is not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "this is not text in UTF-8"))
}

fn read_up_to(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    // Opening a pipe to read it waits for a writer, unless it is told not to.
    let wait_for_nobody = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .custom_flags(wait_for_nobody)
        .open(path)?;
    if !file.metadata()?.is_file() {
        let problem =
            "this is not a regular file (a pipe, device, socket or directory is not read)";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    }
    let mut bytes = Vec::new();
    // It may grow while it is read.
    file.take(longest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        let problem = format!("the file is longer than {} MiB", longest >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
    }
    Ok(bytes)
}

/// Who may read a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Everyone.
    All,
    /// The owner alone.
    Owner,
}

/// Makes a file that must not exist yet.
///
/// # Errors
///
/// The operating system's; [`io::ErrorKind::AlreadyExists`] if there is one.
pub fn create(path: &Path, text: &[u8], readers: Readers) -> io::Result<()> {
    let temporary = Temporary::write(path, text, readers)?;
    // A link fails where a name is taken; a rename would replace what is there.
    fs::hard_link(&temporary.0, path)?;
    sync_directory(path)
}

/// Replaces a file, or makes it.
///
/// # Errors
///
/// The operating system's; the old file is whole then.
pub fn replace(path: &Path, text: &[u8], readers: Readers) -> io::Result<()> {
    let temporary = Temporary::write(path, text, readers)?;
    fs::rename(&temporary.0, path)?;
    sync_directory(path)
}

/// Replaces a file that is there and holds `was`, and keeps its owner and permissions. Of a symbolic link, the
/// file that it leads to is replaced.
///
/// # Errors
///
/// The operating system's, also if the new file cannot be given to the old one's owner; or the file holds
/// something else, because somebody saved it meanwhile. The old file is whole then.
pub fn rewrite(path: &Path, text: &[u8], was: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let old = fs::metadata(&path)?;
    let temporary = Temporary::write(&path, text, Readers::Owner)?;
    let new = fs::metadata(&temporary.0)?;
    if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
        chown(&temporary.0, Some(old.uid()), Some(old.gid()))?;
    }
    fs::set_permissions(&temporary.0, old.permissions())?;
    // The last moment at which it can be known: editors take no locks.
    if read(&path)? != was {
        let problem = "it was saved by somebody else meanwhile; nothing was written, try again";
        return Err(io::Error::other(problem));
    }
    fs::rename(&temporary.0, &path)?;
    sync_directory(&path)
}

/// Keeps other processes that ask for it out until the file is dropped. The lock is a file of its own
/// beside `path`, and whoever may read `path` may take it.
///
/// # Errors
///
/// The operating system's; [`io::ErrorKind::TimedOut`] if another process keeps it for ten seconds.
pub fn lock(path: &Path) -> io::Result<File> {
    lock_within(path, PATIENCE)
}

fn lock_within(path: &Path, patience: Duration) -> io::Result<File> {
    let beside = beside(path, "lock");
    let file = open_lock(&beside, path)?;
    let until = Instant::now() + patience;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::WOULDBLOCK) if Instant::now() < until => sleep(POLL),
            Err(Errno::WOULDBLOCK) => {
                let beside = beside.display();
                let problem =
                    format!("another process is changing it and does not end (it holds {beside})");
                return Err(io::Error::new(io::ErrorKind::TimedOut, problem));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// A lock needs no right to write. A new one is for whoever the file is for, as far as we may say so: of
/// root's, the user of the service would otherwise never get one.
fn open_lock(beside: &Path, path: &Path) -> io::Result<File> {
    match File::open(beside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    let file = options.open(beside)?;
    if let Ok(guarded) = fs::metadata(path) {
        let _ = chown(beside, Some(guarded.uid()), Some(guarded.gid()));
        let _ = file.set_permissions(Permissions::from_mode(guarded.mode() & 0o666));
    }
    Ok(file)
}

/// How long another process may keep a lock, and how often it is asked for.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// A file with another name in the same directory, removed when dropped if it is still there.
struct Temporary(PathBuf);

impl Temporary {
    fn write(path: &Path, text: &[u8], readers: Readers) -> io::Result<Self> {
        // Seeded by the system: another name each time, in every process.
        let unique = RandomState::new().build_hasher().finish();
        let temporary = Self(beside(path, &format!("{unique:016x}")));
        let mut options = OpenOptions::new();
        options.create_new(true).write(true).mode(match readers {
            Readers::All => 0o644,
            Readers::Owner => 0o600,
        });
        let mut file = options.open(&temporary.0)?;
        file.write_all(text)?;
        // What is renamed must be whole after a crash too.
        file.sync_all()?;
        Ok(temporary)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Renamed away, it is gone already.
        let _ = fs::remove_file(&self.0);
    }
}

/// `.name.suffix` in the same directory: hidden, so that nobody takes it for a definition.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{suffix}"))
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rewritten_file_keeps_its_permissions_and_its_link() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("a"), dir.path().join("link"));
        fs::write(&path, b"one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        rewrite(&link, b"two", b"one").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        assert!(rewrite(&dir.path().join("none"), b"three", b"").is_err());
    }

    #[test]
    fn only_regular_files_of_bounded_length_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let (path, pipe) = (dir.path().join("a"), dir.path().join("pipe"));
        fs::write(&path, b"12345").unwrap();
        assert_eq!(read(&path).unwrap(), b"12345");
        assert_eq!(read_up_to(&path, 5).unwrap(), b"12345");
        let error = read_up_to(&path, 4).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, rustix::fs::Mode::RUSR, 0).unwrap();
        for no_file in [&*pipe, "/dev/zero".as_ref(), dir.path()] {
            let error = read(no_file).unwrap_err();
            assert!(
                error.to_string().contains("regular file"),
                "{no_file:?}: {error}"
            );
        }
        let missing = read(&dir.path().join("none")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        fs::write(&path, b"\xff").unwrap();
        assert_eq!(
            read_text(&path).unwrap_err().kind(),
            io::ErrorKind::InvalidData
        );
    }

    #[test]
    fn what_somebody_else_saved_meanwhile_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, b"theirs").unwrap();
        let error = rewrite(&path, b"ours", b"before").unwrap_err();
        assert!(
            error.to_string().contains("saved by somebody else"),
            "{error}"
        );
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_lock_is_waited_for_and_not_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, b"one").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let held = lock(&path).unwrap();
        let mode = fs::metadata(beside(&path, "lock")).unwrap().mode();
        assert_eq!(mode & 0o777, 0o640);
        let error = lock_within(&path, Duration::ZERO).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(held);
        lock_within(&path, Duration::ZERO).unwrap();
    }

    #[test]
    fn create_does_not_replace_and_replace_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        create(&path, b"one", Readers::Owner).unwrap();
        let error = create(&path, b"two", Readers::Owner).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        replace(&path, b"three", Readers::Owner).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing is left behind"
        );
    }
}
