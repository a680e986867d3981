//! [`Source`]: where a rule comes from.

use std::fmt;
use std::sync::Arc;

use crate::catalogue::Date;

/// Where a rule comes from, for explanations and error messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Source {
    /// A command-line argument, by its name: `--bypass`.
    Argument(Arc<str>),
    /// The program itself.
    BuiltIn,
    /// A group of the catalogue.
    Catalogue {
        /// The group's name, as in the catalogue.
        group: Arc<str>,
        /// The catalogue's date.
        date: Date,
    },
    /// An environment variable, by its name: `NO_PROXY`.
    Environment(Arc<str>),
    /// A line of a file.
    File {
        /// The path as it was given.
        path: Arc<str>,
        /// The line, from 1.
        line: u32,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(name) => write!(f, "argument {name}"),
            Self::BuiltIn => f.write_str("built in"),
            Self::Catalogue { group, date } => write!(f, "catalogue group {group}, {date}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::File { path, line } => write!(f, "{path}:{line}"),
        }
    }
}
