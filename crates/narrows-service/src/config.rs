//! A configuration file: one TOML file of plain structs, every key optional.
//!
//! [`Loaded::read`] finds everything that is wrong with a file at once: unknown keys with the nearest
//! known one, values of the wrong type or out of range, and texts that their type refuses, each with its
//! line and an example of what to write ([`Schema::KEYS`]). Of what is wrong a hundred times or more, the rest
//! is not told one by one. What needs more than one key is the service's to judge; [`Loaded::source`] gives it
//! the line.

mod faults;
mod keys;
mod value;

use std::path::Path;
use std::sync::Arc;

use narrows_endpoint::Source;
use serde::de::DeserializeOwned;
use toml::Spanned;

use crate::files;
use crate::problem::{Problem, Problems};

pub use keys::{Key, Keys};
pub use value::{Checked, Seconds, Whole};

/// The structs of a file: what serde fills, and every key for people.
///
/// The two must agree: a test that reads each key's example holds them together.
pub trait Schema: DeserializeOwned {
    /// Every key.
    const KEYS: Keys;
}

/// A configuration file that was read, with what is needed to say where something stands in it.
#[derive(Debug)]
pub struct Loaded<F> {
    /// What the file says, without what is wrong.
    pub file: F,
    /// What is wrong with its form: unknown keys, and values that cannot be.
    pub problems: Vec<Problem>,
    path: Arc<str>,
    lines: Lines,
}

/// Where each line of a text starts, to turn offsets into line numbers.
#[derive(Debug, Default)]
struct Lines(Vec<usize>);

// === impl Loaded ===

impl<F: Schema> Loaded<F> {
    /// Reads the file at `path`, which `named_by` names.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is not TOML, or has too many wrong values to look on. What else is wrong is
    /// in [`Loaded::problems`], so that it is reported together with everything else.
    pub fn read(path: &Path, named_by: Source) -> Result<Self, Problems> {
        let name = path.to_string_lossy();
        let text = files::read_text(path).map_err(|error| {
            Problem::new(named_by, format!("{name}: {error}"))
                .hint("name a TOML file in UTF-8 that this user may read")
        })?;
        Self::parse(&name, &text)
    }

    /// Reads `text`; `path` is only what messages call it.
    ///
    /// # Errors
    ///
    /// The text is not TOML, or has too many wrong values to look on.
    pub fn parse(path: &str, text: &str) -> Result<Self, Problems> {
        let path: Arc<str> = path.into();
        let lines = Lines::of(text);
        let place = |faults: Vec<faults::Fault>| -> Vec<Problem> {
            let problems = faults.into_iter().map(|fault| Problem {
                source: lines.source(&path, fault.at),
                message: fault.message,
                hint: fault.hint,
            });
            problems.collect()
        };
        match faults::read(text, &lines, F::KEYS) {
            Ok((file, faults)) => {
                let problems = place(faults);
                Ok(Self {
                    file,
                    problems,
                    path,
                    lines,
                })
            }
            Err(faults) => Err(Problems::sorted(place(faults))),
        }
    }

    /// Where a value of this file stands.
    pub fn source<T>(&self, value: &Spanned<T>) -> Source {
        self.place(value.span())
    }

    /// Where a part of this file stands, given as octets.
    pub fn place(&self, part: std::ops::Range<usize>) -> Source {
        self.lines.source(&self.path, part.start)
    }
}

// === impl Lines ===

impl Lines {
    fn of(text: &str) -> Self {
        let starts = text.match_indices('\n').map(|(newline, _)| newline + 1);
        Self(std::iter::once(0).chain(starts).collect())
    }

    /// The number of the line that holds the octet `at`.
    fn line(&self, at: usize) -> usize {
        self.0.partition_point(|&start| start <= at)
    }

    /// The place of the octet `at`.
    fn source(&self, path: &Arc<str>, at: usize) -> Source {
        Source::File {
            path: Arc::clone(path),
            line: u32::try_from(self.line(at)).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests;
