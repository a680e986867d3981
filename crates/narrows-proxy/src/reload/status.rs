//! [`ReloadStatus`]: which configuration holds, and what became of the last attempt to change it.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize, Serializer};

/// Which configuration holds, and what became of the last attempt to change it. Times are seconds since 1970
/// when serialised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ReloadStatus {
    /// 1 for the configuration that the process began with; one more for each that replaced it.
    pub generation: u64,
    /// The digest of what holds ([`fingerprint`](crate::posture::fingerprint)).
    pub hash: String,
    /// Since when it holds.
    #[serde(serialize_with = "seconds")]
    pub loaded: SystemTime,
    /// The configuration file, if there is one.
    pub path: Option<PathBuf>,
    /// The digest of the file's octets as they were read last, well or not.
    pub read: Option<String>,
    /// Why the last attempt changed nothing, if it did not.
    pub refused: Option<Refused>,
    /// Keys, or sections of keys, of which the file says something else than what the process was started with, and which hold
    /// only after a restart.
    pub waiting: Vec<String>,
}

/// Why a configuration was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Refused {
    /// When, in seconds since 1970.
    pub at: u64,
    /// Everything that is wrong with it, each with its place.
    pub why: Vec<String>,
}

impl Refused {
    pub(super) fn now(why: Vec<String>) -> Self {
        Self {
            at: since_1970(SystemTime::now()),
            why,
        }
    }
}

fn seconds<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(since_1970(*time))
}

/// A clock that stands before 1970 reads 1970.
fn since_1970(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
