//! [`Cache`]: the last good answer, with its time.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::answer;

/// A file with the last good answer for one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    file: PathBuf,
    region: String,
    suffix: String,
}

/// A good answer and when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The names, sorted.
    pub names: Vec<String>,
    /// When it came.
    pub fetched: SystemTime,
}

/// The file's form.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    region: String,
    /// Seconds since 1970.
    fetched: u64,
    names: Vec<String>,
}

// === impl Cache ===

impl Cache {
    /// The file for a region; it need not be there.
    pub fn new(file: PathBuf, region: &str, suffix: &str) -> Self {
        Self {
            file,
            region: region.to_owned(),
            suffix: suffix.to_owned(),
        }
    }

    /// Where it is kept when no file is named: `narrows-probe` in the user's cache directory.
    pub fn default_file(region: &str, lookup: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
        let given = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let base = given("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| given("HOME").map(|home| Path::new(&home).join(".cache")))?;
        Some(
            base.join("narrows-probe")
                .join(format!("servicebus-{region}.json")),
        )
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The answer that is kept, if there is one for this region; its names are judged as if they came
    /// from the service.
    pub fn load(&self) -> Option<Kept> {
        let stored: Stored = serde_json::from_slice(&std::fs::read(&self.file).ok()?).ok()?;
        if stored.region != self.region {
            return None;
        }
        let names = serde_json::to_vec(&stored.names).ok()?;
        Some(Kept {
            names: answer::names(&names, &self.suffix).ok()?,
            fetched: SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(stored.fetched))?,
        })
    }

    /// Keeps an answer.
    ///
    /// # Errors
    ///
    /// The operating system's; what was kept before is whole then.
    pub fn store(&self, kept: &Kept) -> std::io::Result<()> {
        let since = kept.fetched.duration_since(SystemTime::UNIX_EPOCH);
        let stored = Stored {
            region: self.region.clone(),
            fetched: since.unwrap_or_default().as_secs(),
            names: kept.names.clone(),
        };
        if let Some(directory) = self.file.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let text = serde_json::to_string_pretty(&stored).map_err(std::io::Error::other)?;
        crate::output::replace(&self.file, &(text + "\n"))
    }
}

// === impl Kept ===

impl Kept {
    /// How old it is; nothing if the clock was set back.
    pub fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(self.fetched).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_for_its_region_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("deep/cache.json");
        let cache = Cache::new(file.clone(), "japaneast", "servicebus.windows.net");
        assert_eq!(cache.load(), None);
        let fetched = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let kept = Kept {
            names: vec!["azgn-a.servicebus.windows.net".into()],
            fetched,
        };
        cache.store(&kept).unwrap();
        assert_eq!(cache.load(), Some(kept.clone()));
        assert_eq!(
            kept.age(fetched + Duration::from_secs(5)),
            Duration::from_secs(5)
        );
        let other = Cache::new(file.clone(), "eastus", "servicebus.windows.net");
        assert_eq!(other.load(), None);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("azgn-a.servicebus", "azgn-a.evil")).unwrap();
        assert_eq!(cache.load(), None, "names from a file are judged too");
        std::fs::write(&file, "half a fi").unwrap();
        assert_eq!(cache.load(), None);
    }
}
