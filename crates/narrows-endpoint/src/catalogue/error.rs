//! Why a text is not a catalogue.

use crate::pattern::PatternError;

/// A text that is not a catalogue: the line, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the catalogue is refused")]
pub struct CatalogueError {
    line: u64,
    #[source]
    problem: CatalogueProblem,
}

/// What is wrong with a line of a catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueProblem {
    /// A table has other columns than its section.
    #[error("the columns must be {expected}")]
    Columns {
        /// The columns of the section, with commas.
        expected: Box<str>,
    },
    /// A section without rows would switch off what it lists.
    #[error("the section has no rows")]
    Empty,
    /// A field with a value that it cannot have.
    #[error("{column} is {value:?}, but must be {expected}")]
    Field {
        /// The column's name.
        column: &'static str,
        /// The offending text.
        value: Box<str>,
        /// What it may be.
        expected: &'static str,
    },
    /// The first line is another one.
    #[error("the first line must be like `# narrows-catalogue version=1 date=2026-02-17`")]
    Header,
    /// A name pattern that is refused.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// The same row, region or section a second time.
    #[error("{0} is there already")]
    Repeated(Box<str>),
    /// A row with too many or too few fields.
    #[error(
        "the row has another number of fields than the table has columns; quote fields with commas"
    )]
    Row,
    /// A section that no catalogue has.
    #[error("the sections are [endpoints], [regions], [never] and [bypass]")]
    Section,
    /// A token in the list that the gateway carries.
    #[error("a name that the gateway carries cannot have tokens")]
    Token,
}

// === impl CatalogueError ===

impl CatalogueError {
    pub(super) fn new(line: u64, problem: impl Into<CatalogueProblem>) -> Self {
        Self {
            line,
            problem: problem.into(),
        }
    }

    /// The line, from 1.
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// What is wrong with it.
    pub const fn problem(&self) -> &CatalogueProblem {
        &self.problem
    }
}
