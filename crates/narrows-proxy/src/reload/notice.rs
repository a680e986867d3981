//! [`Notice`]: word for `config set` of what a running proxy made of its file.
//!
//! A small file in the runtime directory: that of systemd (`RUNTIME_DIRECTORY`), else `narrows` in
//! `XDG_RUNTIME_DIR`, else `/run/narrows` for root. Where none can be written, nothing is told, and nothing
//! else depends on it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use narrows_service::files::{Readers, replace};
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

use super::status::{Refused, ReloadStatus};
use crate::posture;

/// Where a running proxy leaves word; removed when dropped, unless another process has left its own there.
#[derive(Debug)]
pub struct Notice(PathBuf);

/// What a running proxy said last.
#[derive(Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Word {
    /// The number of its configuration.
    pub generation: u64,
    /// The digest of what holds.
    pub hash: String,
    /// Its process.
    pub process: i32,
    /// The digest of the file as it read it last.
    pub read: Option<String>,
    /// Why it did not take the file, if it did not.
    pub refused: Option<Refused>,
    /// Keys that wait for a restart.
    pub waiting: Vec<String>,
}

// === impl Notice ===

impl Notice {
    /// A place for word about the configuration at `path`; `None` if there is none.
    pub(super) fn new(
        path: Option<&Path>,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Option<Self> {
        let file = name(path?);
        // Only writing shows whether a directory can be written: modes do not say that it is read-only.
        let works = |file: &PathBuf| {
            file.parent()
                .is_some_and(|directory| fs::create_dir_all(directory).is_ok())
                && replace(file, b"", Readers::Owner).is_ok()
        };
        let mut files = directories(lookup)
            .into_iter()
            .map(|directory| directory.join(&file));
        files.find(works).map(Self)
    }

    /// Says how things are. A failure is nobody's concern but that of who asks, and finds nothing.
    pub(super) fn write(&self, status: &ReloadStatus) {
        let word = Word {
            generation: status.generation,
            hash: status.hash.clone(),
            process: own_process(),
            read: status.read.clone(),
            refused: status.refused.clone(),
            waiting: status.waiting.clone(),
        };
        if let Ok(text) = serde_json::to_string(&word) {
            let readers = readers(status.path.as_deref());
            let _ = replace(&self.0, text.as_bytes(), readers);
        }
    }
}

impl Drop for Notice {
    fn drop(&mut self) {
        // While this one drained, the next may have begun.
        if read(&self.0).is_some_and(|word| word.process == own_process()) {
            let _ = fs::remove_file(&self.0);
        }
    }
}

/// What the proxy said that runs with the configuration at `path`; `None` if none is known to run.
pub fn find(path: &Path, lookup: &dyn Fn(&str) -> Option<String>) -> Option<Word> {
    let file = name(path);
    let mut places = directories(lookup);
    places.push(PathBuf::from(SYSTEM));
    let mut words = places
        .into_iter()
        .filter_map(|directory| read(&directory.join(&file)));
    words.find(Word::is_alive)
}

fn read(file: &Path) -> Option<Word> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

fn own_process() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

/// Who may not read the configuration may not read its digest either: with it a password that is written
/// there could be guessed.
fn readers(configuration: Option<&Path>) -> Readers {
    let data = configuration.and_then(|path| fs::metadata(path).ok());
    match data.is_some_and(|data| data.permissions().mode() & 0o004 != 0) {
        true => Readers::All,
        false => Readers::Owner,
    }
}

impl Word {
    /// Whether the process is there. One that may not be signalled is.
    fn is_alive(&self) -> bool {
        let Some(pid) = Pid::from_raw(self.process) else {
            return false;
        };
        !matches!(test_kill_process(pid), Err(rustix::io::Errno::SRCH))
    }
}

/// The runtime directories that may serve, best first.
fn directories(lookup: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    // systemd may name several, with colons between.
    let by_systemd = lookup("RUNTIME_DIRECTORY");
    let by_systemd = by_systemd.and_then(|all| Some(PathBuf::from(all.split(':').next()?)));
    let of_user = lookup("XDG_RUNTIME_DIR").map(|directory| Path::new(&directory).join("narrows"));
    let of_root = rustix::process::geteuid().is_root();
    let of_root = of_root.then(|| PathBuf::from(SYSTEM));
    [by_systemd, of_user, of_root]
        .into_iter()
        .flatten()
        .filter(|directory| directory.is_absolute())
        .collect()
}

/// One file for each configuration, by whatever path it is called.
fn name(path: &Path) -> String {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let digest = posture::sha256(path.as_os_str().as_encoded_bytes());
    format!("proxy-{}.json", &digest[..16])
}

const SYSTEM: &str = "/run/narrows";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_cannot_be_written_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("own");
        let lookup = |name: &str| match name {
            // It is there, and nobody can write into it, whoever it is.
            "RUNTIME_DIRECTORY" => Some("/proc".to_owned()),
            "XDG_RUNTIME_DIR" => Some(own.display().to_string()),
            _ => None,
        };
        let Notice(file) = &Notice::new(Some("/etc/proxy.toml".as_ref()), &lookup).unwrap();
        assert_eq!(file.parent(), Some(&*own.join("narrows")));
    }
}
