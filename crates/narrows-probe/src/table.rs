//! Tables of text that fit a terminal, and the same as CSV.

use std::fmt;

/// How wide a table may be, in columns.
pub const WIDTH: usize = 100;
/// A first column longer than this has a line of its own.
const LONG: usize = 48;
/// Columns are two spaces apart.
const GAP: usize = 2;

/// Rows of cells under a header, left-aligned, at most [`WIDTH`] columns wide.
///
/// What does not fit goes on in the next line of its column. Names, which stand in one column, are whole,
/// so that they can be copied; a long one has the line to itself, up to its column.
#[derive(Clone, Debug)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    names: usize,
}

// === impl Table ===

impl Table {
    /// No rows yet; names stand in the first column.
    pub fn new<T: Into<String>>(header: impl IntoIterator<Item = T>) -> Self {
        Self {
            header: header.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
            names: 0,
        }
    }

    /// Names stand in the column at this index.
    #[must_use]
    pub const fn with_names_at(mut self, names: usize) -> Self {
        self.names = names;
        self
    }

    /// Adds a row of as many cells as the header has. Control characters become spaces: a cell cannot
    /// move the cursor.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let plain = |cell: String| cell.replace(char::is_control, " ");
        self.rows.push(cells.into_iter().map(plain).collect());
    }

    /// How wide each column is.
    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<_> = self
            .header
            .iter()
            .map(|cell| cell.chars().count())
            .collect();
        for row in &self.rows {
            for (at, (cell, width)) in row.iter().zip(&mut widths).enumerate() {
                let length = cell.chars().count();
                if at != self.names || length <= LONG {
                    *width = length.max(*width);
                }
            }
        }
        loop {
            let total: usize = widths.iter().map(|width| width + GAP).sum();
            let others = widths
                .iter_mut()
                .enumerate()
                .filter(|(at, _)| *at != self.names);
            match others.map(|(_, width)| width).max() {
                Some(widest) if total > WIDTH + GAP && *widest > MINIMUM => *widest -= 1,
                _ => return widths,
            }
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        write_row(f, &self.header, &widths)?;
        for row in &self.rows {
            let name = row.get(self.names).map_or("", String::as_str);
            if widths
                .get(self.names)
                .is_some_and(|width| name.chars().count() > *width)
            {
                // In front of a long name stands what stands in front of it anyway.
                let mut rest = row.clone();
                let mut front = String::new();
                for (cell, &width) in rest.iter_mut().zip(&widths).take(self.names) {
                    let cell = std::mem::take(cell);
                    front.push_str(&format!("{cell:width$}  "));
                }
                writeln!(f, "{front}{name}")?;
                rest[self.names].clear();
                write_row(f, &rest, &widths)?;
            } else {
                write_row(f, row, &widths)?;
            }
        }
        Ok(())
    }
}

/// No column but that of the names is made narrower than this.
const MINIMUM: usize = 8;

fn write_row(f: &mut fmt::Formatter<'_>, cells: &[String], widths: &[usize]) -> fmt::Result {
    let mut columns: Vec<_> = cells
        .iter()
        .zip(widths)
        .map(|(cell, &width)| wrap(cell, width).into_iter())
        .collect();
    let height = columns.iter().map(ExactSizeIterator::len).max();
    for _ in 0..height.unwrap_or_default() {
        let mut line = String::new();
        for (column, &width) in columns.iter_mut().zip(widths) {
            let piece = column.next().unwrap_or_default();
            let padding = width.saturating_sub(piece.chars().count()) + GAP;
            line.push_str(&piece);
            line.extend(std::iter::repeat_n(' ', padding));
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The cell as lines of at most this many columns, broken between words where that is possible; at
/// least one line.
fn wrap(cell: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in cell.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        if used > 0 && used + 1 + word.len() <= width {
            used += 1;
            if let Some(line) = lines.last_mut() {
                line.push(' ');
            }
        } else if used > 0 {
            lines.push(String::new());
            used = 0;
        }
        while used + word.len() > width.max(1) {
            // Ids have joints.
            let width = width.max(1);
            let fits = &word[..width];
            let joint = fits
                .iter()
                .rposition(|c| matches!(c, '_' | '.' | '=' | ','));
            let rest = word.split_off(joint.map_or(width, |at| at + 1));
            if let Some(line) = lines.last_mut() {
                line.extend(word);
            }
            lines.push(String::new());
            word = rest;
        }
        used += word.len();
        if let Some(line) = lines.last_mut() {
            line.extend(word);
        }
    }
    lines
}

/// The same as CSV (RFC 4180, lines end with LF).
pub fn csv<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing into memory does not fail, and rows have as many fields as the header.
    let _ = writer.write_record(header);
    for row in rows {
        let _ = writer.write_record(&row);
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_and_keeps_its_names() {
        let mut table = Table::new(["USE", "NAME", "PURPOSE"]).with_names_at(1);
        let long = "a".repeat(60);
        table.row(["servers".into(), "x.example".into(), "word ".repeat(40)]);
        table.row(["ama".into(), long.clone(), "a\x1b[2Jb".into()]);
        let text = table.to_string();
        assert!(
            text.lines().all(|line| line.chars().count() <= WIDTH),
            "{text}"
        );
        assert!(text.contains(&format!("\nama      {long}\n")), "{text}");
        assert!(!text.contains('\x1b'), "{text}");
        assert_eq!(
            text.matches("word").count(),
            40,
            "nothing is cut off: {text}"
        );
        assert_eq!(wrap("a bb ccc", 4), ["a bb", "ccc"]);
        assert_eq!(wrap("abcdefgh i", 3), ["abc", "def", "gh", "i"]);
        assert_eq!(
            wrap("tls.reset_after_client_hello", 12),
            ["tls.reset_", "after_", "client_hello"]
        );
        assert_eq!(wrap("", 3), [""]);
    }
}
