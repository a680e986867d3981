//! What is tested: names on the command line, in a file, or of the catalogue.

use std::collections::HashSet;
use std::path::Path;

use narrows_endpoint::{Target, Transport};

use super::NotTested;
use crate::fault::Fault;
use crate::selection::{Selection, read_target};

/// What is tested, and what cannot be.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// What it is needed for, and the target; each target once.
    pub wanted: Vec<(String, Target)>,
    /// Wildcards, and names that are not known.
    pub not_tested: Vec<NotTested>,
    seen: HashSet<Target>,
}

// === impl Targets ===

impl Targets {
    /// Adds a target, unless it is there.
    pub fn add(&mut self, use_case: &str, target: Target) {
        if self.seen.insert(target.clone()) {
            self.wanted.push((use_case.to_owned(), target));
        }
    }

    /// Adds what stood on the command line.
    ///
    /// # Errors
    ///
    /// A text that is no `HOST[:PORT]`.
    pub fn add_named(&mut self, names: &[String]) -> Result<(), Fault> {
        for name in names {
            let target = read_target(name)
                .map_err(|why| Fault::usage(format_args!("{name:?}: {why}")).hint(FORM))?;
            self.add("named", target);
        }
        Ok(())
    }

    /// Adds the lines of a file: one `HOST[:PORT]` each; `#` begins a comment, blank lines are skipped.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, has no names, or has a line that is no `HOST[:PORT]`: nothing is
    /// tested then.
    pub fn add_file(&mut self, path: &Path) -> Result<(), Fault> {
        let text = String::from_utf8_lossy(&crate::via::read(path)?).into_owned();
        let before = self.wanted.len();
        for (at, line) in text.lines().enumerate() {
            let name = line.split('#').next().unwrap_or_default().trim();
            if name.is_empty() {
                continue;
            }
            let target = read_target(name).map_err(|why| {
                let place = format!("{}:{}", path.display(), at + 1);
                Fault::usage(format_args!("{place}: {name:?}: {why}")).hint(FORM)
            })?;
            let use_case = path.file_stem().unwrap_or_default().to_string_lossy();
            self.add(&use_case, target);
        }
        if self.wanted.len() == before {
            return Err(Fault::usage(format_args!("{}: no names", path.display())).hint(FORM));
        }
        Ok(())
    }

    /// Adds the rows of a selection. What stands for many names cannot be tested, and is said so.
    pub fn add_selected(&mut self, selection: &Selection) {
        for row in selection.rows() {
            let target = format!("{}:{}", row.name, row.port).parse::<Target>();
            let reason = match target {
                _ if row.transport != Transport::Tcp => "it is not TCP".to_owned(),
                _ if row.pattern.is_none() => {
                    format!("{} is not known; give --set", row.missing.join(", "))
                }
                _ if row.is_wildcard() => "it stands for many names".to_owned(),
                Ok(target) => {
                    self.add(&row.feature, target);
                    continue;
                }
                Err(error) => error.to_string(),
            };
            let name = format!("{}:{}", row.name, row.port);
            if self.not_tested.iter().all(|other| other.name != name) {
                self.not_tested.push(NotTested { name, reason });
            }
        }
    }
}

const FORM: &str = "write HOST or HOST:PORT, for example: management.azure.com";
