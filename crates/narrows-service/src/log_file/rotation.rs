//! [`Rotation`]: when a log file is put aside, under which name, and how many are kept.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::tidier::Tidier;
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
    tidier: Tidier,
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
            tidier: Tidier::default(),
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
    pub(super) fn tidy(&mut self, path: &Path) {
        if let Err(error) = self.tidier.wake(path, self.rotation) {
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

pub(super) fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    name.into()
}

/// `20260703T041446Z`
fn stamp(now: SystemTime) -> String {
    let instant = jiff::Timestamp::try_from(now).unwrap_or_default();
    instant.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// How long after a failed attempt the next one is made.
const PAUSE: Duration = Duration::from_secs(60);
