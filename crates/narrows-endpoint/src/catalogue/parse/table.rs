//! Tables of the catalogue: where they stand in the text, and their rows.

use std::str::FromStr;
use std::sync::Arc;

use csv::{Position, ReaderBuilder, StringRecord};

use crate::host::{Host, MAX_LABEL};

use super::{CatalogueError, CatalogueProblem};

/// One table in a text.
pub(super) struct Table<'a> {
    pub(super) text: &'a str,
    /// The number of lines above the table.
    pub(super) above: u64,
}

/// One row. Its fields are asked for by the name of their column.
pub(super) struct Row {
    columns: &'static [&'static str],
    fields: StringRecord,
}

/// Cuts a catalogue into its sections. What stands above the first section line is `endpoints`, unless
/// there is nothing but comments.
pub(super) fn sections(text: &str) -> Vec<(&str, Table<'_>)> {
    let mut found = Vec::new();
    let (mut name, mut start, mut above) = ("endpoints", 0, 0);
    let mut named = false;
    let mut offset = 0;
    for (line, number) in text.split_inclusive('\n').zip(1..) {
        if let Some(next) = section_name(line) {
            let table = Table {
                text: &text[start..offset],
                above,
            };
            if named || !table.is_blank() {
                found.push((name, table));
            }
            (name, start, above, named) = (next, offset + line.len(), number, true);
        }
        offset += line.len();
    }
    let text = &text[start..];
    found.push((name, Table { text, above }));
    found
}

fn section_name(line: &str) -> Option<&str> {
    line.trim_end().strip_prefix('[')?.strip_suffix(']')
}

// === impl Table ===

impl Table<'_> {
    /// Reads every row below the line of column names.
    pub(super) fn rows<T>(
        &self,
        columns: &'static [&'static str],
        mut read: impl FnMut(&Row) -> Result<T, CatalogueProblem>,
    ) -> Result<Arc<[T]>, CatalogueError> {
        let mut reader = ReaderBuilder::new()
            .comment(Some(b'#'))
            .from_reader(self.text.as_bytes());
        let names = reader
            .headers()
            .map_err(|_| self.at(1, CatalogueProblem::Row))?;
        if names != columns {
            let expected = columns.join(",").into();
            return Err(self.at(self.line_from(0, 1), CatalogueProblem::Columns { expected }));
        }
        let mut rows = Vec::new();
        for fields in reader.into_records() {
            let fields = fields.map_err(|error| {
                let line = self.line_of(error.position());
                self.at(line, CatalogueProblem::Row)
            })?;
            let line = self.line_of(fields.position());
            rows.push(read(&Row { columns, fields }).map_err(|problem| self.at(line, problem))?);
        }
        if rows.is_empty() {
            return Err(self.at(1, CatalogueProblem::Empty));
        }
        Ok(rows.into())
    }

    fn at(&self, line: u64, problem: CatalogueProblem) -> CatalogueError {
        // Where a section has no lines, its name's: at the end of the text there are no more.
        let line = if self.text.is_empty() { 0 } else { line };
        CatalogueError::new((self.above + line).max(1), problem)
    }

    /// The line of a row: the reader gives the end of the row above it.
    fn line_of(&self, position: Option<&Position>) -> u64 {
        position.map_or(1, |at| {
            self.line_from(usize::try_from(at.byte()).unwrap_or_default(), at.line())
        })
    }

    /// The first line from there that is neither empty nor a comment.
    fn line_from(&self, start: usize, line: u64) -> u64 {
        let mut lines = self
            .text
            .get(start..)
            .unwrap_or_default()
            .lines()
            .zip(line..);
        lines
            .find(|(text, _)| !text.is_empty() && !text.starts_with('#'))
            .map_or(line, |(_, line)| line)
    }

    fn is_blank(&self) -> bool {
        self.text
            .lines()
            .all(|line| line.is_empty() || line.starts_with('#'))
    }
}

// === impl Row ===

impl Row {
    /// The field as it is.
    pub(super) fn text(&self, column: &'static str) -> &str {
        self.columns
            .iter()
            .position(|name| *name == column)
            .and_then(|at| self.fields.get(at))
            .unwrap_or_default()
    }

    /// A field that must not be empty.
    pub(super) fn word(&self, column: &'static str) -> Result<&str, CatalogueProblem> {
        match self.text(column) {
            "" => Err(self.refuse(column, "filled in")),
            word => Ok(word),
        }
    }

    /// A field with one of a few words.
    pub(super) fn known<T: FromStr>(
        &self,
        column: &'static str,
        expected: &'static str,
    ) -> Result<T, CatalogueProblem> {
        self.text(column)
            .parse()
            .map_err(|_| self.refuse(column, expected))
    }

    /// A field that can stand in a name as a label.
    pub(super) fn label(&self, column: &'static str) -> Result<Arc<str>, CatalogueProblem> {
        let text = self.text(column);
        let lower = text.bytes().all(|byte| !byte.is_ascii_uppercase());
        if lower && is_label(text) {
            Ok(text.into())
        } else {
            Err(self.refuse(column, "a lower-case label of letters, digits and hyphens"))
        }
    }

    pub(super) fn refuse(&self, column: &'static str, expected: &'static str) -> CatalogueProblem {
        CatalogueProblem::Field {
            column,
            value: self.text(column).into(),
            expected,
        }
    }
}

/// Whether the text can be one label of a name, whatever its neighbours.
pub(in crate::catalogue) fn is_label(text: &str) -> bool {
    text.len() <= MAX_LABEL
        && !text.contains('.')
        && matches!(format!("{text}.x").parse(), Ok(Host::Name(_)))
}
