//! Known faults of the locked crates, from the copy of the RustSec database in `tests/advisories`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use semver::{Version, VersionReq};
use serde::Deserialize;

use crate::workspace;

/// A copy of that part of the database that concerns our lock files.
#[derive(Debug)]
pub struct Advisories {
    advisories: Vec<Advisory>,
    /// Every crate that the whole database has advisories for.
    known: BTreeSet<String>,
}

/// One crate of a lock file.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
pub struct Locked {
    /// The name.
    pub name: String,
    /// The version.
    pub version: Version,
    /// Where it comes from; `None` for our own.
    pub source: Option<String>,
}

/// The front matter of an advisory, as far as it decides.
#[derive(Debug, Deserialize)]
struct Advisory {
    advisory: Head,
    #[serde(default)]
    versions: Versions,
}

#[derive(Debug, Deserialize)]
struct Head {
    id: String,
    package: String,
    withdrawn: Option<String>,
}

/// A version that meets none of these is affected.
#[derive(Debug, Default, Deserialize)]
struct Versions {
    #[serde(default)]
    patched: Vec<VersionReq>,
    #[serde(default)]
    unaffected: Vec<VersionReq>,
}

// === impl Advisories ===

impl Advisories {
    /// Reads the copy in `directory`: `names.txt` and `crates/NAME/ID.md`.
    ///
    /// # Panics
    ///
    /// When a file cannot be read or is not an advisory.
    pub fn load(directory: &Path) -> Self {
        let names = fs::read_to_string(directory.join("names.txt")).expect("names.txt");
        let files = entries(&directory.join("crates"))
            .into_iter()
            .flat_map(|package| entries(&package));
        let read = |file: PathBuf| {
            let text = fs::read_to_string(&file).expect("an advisory");
            Advisory::read(&text).unwrap_or_else(|why| panic!("{}: {why}", file.display()))
        };
        Self {
            advisories: files.map(read).collect(),
            known: names.lines().map(str::to_owned).collect(),
        }
    }

    /// Takes the advisories from texts.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the first text that is not an advisory.
    pub fn from_texts(texts: &[&str], known: &[&str]) -> Result<Self, String> {
        Ok(Self {
            advisories: texts
                .iter()
                .map(|text| Advisory::read(text))
                .collect::<Result<_, _>>()?,
            known: known.iter().map(|&name| name.to_owned()).collect(),
        })
    }

    /// Breaches: a locked version with a known fault, a crate whose advisories are not in the copy, and an
    /// entry of `ignored` that excuses nothing.
    pub fn check(&self, locked: &BTreeSet<Locked>, ignored: &[String]) -> Vec<String> {
        let mut breaches = Vec::new();
        let mut excused = BTreeSet::new();
        for package in locked.iter().filter(|package| package.source.is_some()) {
            let here = || {
                self.advisories
                    .iter()
                    .filter(|a| a.advisory.package == package.name)
            };
            if self.known.contains(&package.name) && here().next().is_none() {
                breaches.push(format!(
                    "{}: its advisories are not in the copy; run scripts/advisories.sh --from GITDIR",
                    package.name
                ));
            }
            for advisory in here().filter(|advisory| advisory.affects(&package.version)) {
                let id = &advisory.advisory.id;
                if ignored.contains(id) {
                    excused.insert(id.clone());
                } else {
                    breaches.push(format!(
                        "{} {}: {}",
                        package.name,
                        package.version,
                        advisory.advice()
                    ));
                }
            }
        }
        let idle = ignored.iter().filter(|id| !excused.contains(*id));
        breaches.extend(idle.map(|id| format!("{id}: ignored in deny.toml, and concerns nothing")));
        breaches
    }
}

// === impl Advisory ===

impl Advisory {
    /// Reads the TOML between the fences at the top of the file.
    fn read(text: &str) -> Result<Self, String> {
        let front = text
            .strip_prefix("```toml\n")
            .and_then(|rest| rest.split_once("\n```"))
            .ok_or("no TOML between ``` at its top")?;
        toml::from_str(front.0).map_err(|error| error.to_string())
    }

    /// A version before a release counts as affected unless a requirement names it: better told than missed.
    fn affects(&self, version: &Version) -> bool {
        let Versions {
            patched,
            unaffected,
        } = &self.versions;
        let safe = patched
            .iter()
            .chain(unaffected)
            .any(|range| range.matches(version));
        self.advisory.withdrawn.is_none() && !safe
    }

    fn advice(&self) -> String {
        let patched: Vec<String> = self
            .versions
            .patched
            .iter()
            .map(ToString::to_string)
            .collect();
        let id = &self.advisory.id;
        if patched.is_empty() {
            format!("{id}, no version mends it")
        } else {
            format!("{id}, mended in {}", patched.join(" or "))
        }
    }
}

/// Every crate of our lock files, those of the fuzz targets too.
///
/// # Panics
///
/// When a lock file cannot be read.
pub fn locked() -> BTreeSet<Locked> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Locked>,
    }
    let root = workspace::root();
    ["Cargo.lock", "fuzz/Cargo.lock"]
        .map(|lock| root.join(lock))
        .into_iter()
        .flat_map(|file| {
            let text = fs::read_to_string(&file).expect("a lock file");
            toml::from_str::<Lock>(&text)
                .expect("a lock file is TOML")
                .package
        })
        .collect()
}

/// What `deny.toml` ignores, by id.
///
/// # Panics
///
/// When `deny.toml` is not TOML, or an entry has no id.
pub fn ignored(deny: &str) -> Vec<String> {
    let deny: toml::Table = deny.parse().expect("deny.toml is TOML");
    let entries = deny["advisories"]
        .get("ignore")
        .and_then(toml::Value::as_array);
    let id = |entry: &toml::Value| entry["id"].as_str().expect("an id").to_owned();
    entries.into_iter().flatten().map(id).collect()
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(directory).unwrap_or_else(|why| panic!("{}: {why}", directory.display()));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}
