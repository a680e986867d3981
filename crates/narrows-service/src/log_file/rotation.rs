//! [`Rotation`]: when a log file is put aside, under which name, and how many are kept.

use std::ffi::OsString;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::say::say;

/// When a file is put aside, and what becomes of those that were.
///
/// A file that was put aside has the moment at the end of its name, in UTC: `arcproxy.log.20260703T041446Z`,
/// and `.gz` if it is compressed; of two in one second the later has `.1`. Names in order are moments in
/// order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// From this size on, in octets; whatever its size when `None`.
    pub octets: Option<u64>,
    /// From this age on; whatever its age when `None`. Looked at when a line comes: a log without lines
    /// stays where it is.
    pub age: Option<Duration>,
    /// How many are kept; older ones are removed.
    pub keep: usize,
    /// Whether they are compressed with gzip, by a thread of its own.
    pub compress: bool,
}

/// Tells when, and renames.
pub(super) struct Rotor {
    clock: Box<dyn Fn() -> SystemTime + Send>,
    rotation: Rotation,
    /// Octets in the file.
    octets: u64,
    since: SystemTime,
    /// Not before this: the last attempt failed.
    not_before: Option<SystemTime>,
    /// One tidies up at a time.
    tidying: Arc<Mutex<()>>,
}

// === impl Rotor ===

impl Rotor {
    pub(super) fn new(
        rotation: Rotation,
        clock: Box<dyn Fn() -> SystemTime + Send>,
        file: &File,
    ) -> Self {
        let since = clock();
        let mut rotor = Self {
            clock,
            rotation,
            octets: 0,
            since,
            not_before: None,
            tidying: Arc::default(),
        };
        rotor.opened(file);
        // A file of an earlier run has its age; where the system does not know it, of its last line.
        if let (1.., Ok(data)) = (rotor.octets, file.metadata()) {
            let began = data.created().or_else(|_| data.modified());
            rotor.since = began.map_or(since, |began| began.min(since));
        }
        rotor
    }

    /// Another file is written to.
    pub(super) fn opened(&mut self, file: &File) {
        self.octets = file.metadata().map_or(0, |data| data.len());
        self.since = (self.clock)();
    }

    pub(super) fn wrote(&mut self, octets: usize) {
        if self.octets == 0 {
            self.since = (self.clock)();
        }
        self.octets += octets as u64;
    }

    /// How many octets the file may still take.
    pub(super) fn room(&self) -> u64 {
        match self.rotation.octets {
            Some(most) if self.not_before.is_none() => most.saturating_sub(self.octets),
            _ => u64::MAX,
        }
    }

    /// Whether it is time. A file without lines is never put aside.
    pub(super) fn is_due(&mut self) -> bool {
        let full = self.rotation.octets.is_some_and(|most| self.octets >= most);
        if self.octets == 0 || (!full && self.rotation.age.is_none()) {
            return false;
        }
        let now = (self.clock)();
        if self.not_before.is_some_and(|moment| now < moment) {
            return false;
        }
        let age = now.duration_since(self.since).unwrap_or_default();
        full || self.rotation.age.is_some_and(|most| age >= most)
    }

    /// Gives the file its other name; if that fails, it is not due for a while.
    pub(super) fn put_aside(&mut self, path: &Path) -> io::Result<()> {
        let now = (self.clock)();
        // What the next attempt does not find again stays open here all the same.
        self.not_before = Some(now + PAUSE);
        std::fs::rename(path, free_name(path, now))?;
        self.not_before = None;
        Ok(())
    }

    /// Compresses what was put aside and removes what is too old, without holding up whoever writes.
    pub(super) fn tidy(&self, path: &Path) {
        let (path, rotation) = (path.to_owned(), self.rotation);
        let tidying = Arc::clone(&self.tidying);
        let tidier = move || {
            let _alone = tidying.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = tidy(&path, rotation) {
                let name = path.display();
                say(format_args!(
                    "warning: cannot tidy up behind the log {name}: {error}"
                ));
            }
        };
        let thread = std::thread::Builder::new().name("narrows-log-tidy".to_owned());
        if let Err(error) = thread.spawn(tidier) {
            say(format_args!("warning: old logs are not tidied up: {error}"));
        }
    }
}

impl fmt::Debug for Rotor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotor")
            .field("rotation", &self.rotation)
            .field("octets", &self.octets)
            .field("since", &self.since)
            .finish_non_exhaustive()
    }
}

/// A name that no file has, compressed or not.
fn free_name(path: &Path, now: SystemTime) -> PathBuf {
    let stamp = stamp(now);
    let dated = with(path, &format!(".{stamp}"));
    let taken = |path: &Path| path.exists() || with(path, ".gz").exists();
    if !taken(&dated) {
        return dated;
    }
    // A directory holds fewer files than there are numbers.
    let numbered = (1_u32..).map(|number| with(path, &format!(".{stamp}.{number}")));
    let mut free = numbered.filter(|path| !taken(path));
    free.next().unwrap_or(dated)
}

fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    name.into()
}

/// `20260703T041446Z`
fn stamp(now: SystemTime) -> String {
    let instant = jiff::Timestamp::try_from(now).unwrap_or_default();
    instant.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Compresses and removes. Only names that a rotation gives are touched.
///
/// # Errors
///
/// The first that the system did not let it do.
fn tidy(path: &Path, rotation: Rotation) -> io::Result<()> {
    let mut old = put_aside(path)?;
    old.sort_by_cached_key(|file| order(file));
    let surplus = old.len().saturating_sub(rotation.keep);
    for file in old.drain(..surplus) {
        absent(std::fs::remove_file(file))?;
    }
    if rotation.compress {
        for file in old.iter().filter(|file| !is_compressed(file)) {
            absent(compress(file))?;
        }
    }
    Ok(())
}

/// Somebody else may tidy up, too: what they have done is done.
fn absent(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })
}

/// Every file that was put aside from `path`.
fn put_aside(path: &Path) -> io::Result<Vec<PathBuf>> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let file = entry.file_name();
        let end = file.to_str().and_then(|file| file.strip_prefix(name));
        if end.and_then(moment).is_some() {
            found.push(directory.join(file));
        }
    }
    Ok(found)
}

/// The moment and the number of `.20260703T041446Z`, `.20260703T041446Z.1`, each with or without `.gz`.
fn moment(end: &str) -> Option<(&str, u32)> {
    let end = end.strip_prefix('.')?;
    let end = end.strip_suffix(".gz").unwrap_or(end);
    let (stamp, number) = match end.split_once('.') {
        Some((stamp, number)) => (stamp, number.parse().ok()?),
        None => (end, 0),
    };
    let (date, time) = stamp.strip_suffix('Z')?.split_once('T')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (date.len() == 8 && time.len() == 6 && digits(date) && digits(time)).then_some((stamp, number))
}

/// By moment, then by number.
fn order(file: &Path) -> (String, u32) {
    let name = file.to_string_lossy().into_owned();
    let found = name.rmatch_indices('.').find_map(|(at, _)| {
        let (stamp, number) = moment(&name[at..])?;
        Some((stamp.to_owned(), number))
    });
    found.unwrap_or_default()
}

fn is_compressed(file: &Path) -> bool {
    file.extension().is_some_and(|end| end == "gz")
}

/// Compresses a file beside itself, for the same readers; it is removed when the other is whole.
fn compress(file: &Path) -> io::Result<()> {
    let (part, whole) = (with(file, ".gz.part"), with(file, ".gz"));
    let source = File::open(file)?;
    // What an earlier run left unfinished.
    absent(std::fs::remove_file(&part))?;
    if let Err(error) = compress_to(source, &part) {
        // On a full disk it would be in the way of the log itself.
        let _ = std::fs::remove_file(&part);
        return Err(error);
    }
    std::fs::rename(&part, &whole)?;
    std::fs::remove_file(file)
}

fn compress_to(mut source: File, part: &Path) -> io::Result<()> {
    let file = only_for_us().create_new(true).open(part)?;
    file.set_permissions(source.metadata()?.permissions())?;
    let mut encoder = GzEncoder::new(file, Compression::default());
    io::copy(&mut source, &mut encoder)?;
    encoder.finish()?.sync_all()
}

/// Makes files that nobody else may read, until they are told who may.
fn only_for_us() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// How long after a failed attempt the next one is made.
const PAUSE: Duration = Duration::from_secs(60);
