//! Tables of text that fit a terminal, and the same as CSV.

use std::fmt;

/// How wide a table may be, in columns.
pub const WIDTH: usize = 100;
/// A first column longer than this has a line of its own.
const LONG: usize = 48;
/// Columns are two spaces apart.
const GAP: usize = 2;

/// Rows of `N` cells under a header, left-aligned, at most [`WIDTH`] columns wide.
///
/// What does not fit goes on in the next line of its column. Names, the first column, are whole, so that
/// they can be copied.
#[derive(Clone, Debug)]
pub struct Table<const N: usize> {
    header: [&'static str; N],
    rows: Vec<[String; N]>,
}

// === impl Table ===

impl<const N: usize> Table<N> {
    /// No rows yet.
    pub const fn new(header: [&'static str; N]) -> Self {
        Self {
            header,
            rows: Vec::new(),
        }
    }

    /// Adds a row. Control characters become spaces: a cell cannot move the cursor.
    pub fn row(&mut self, cells: [String; N]) {
        self.rows
            .push(cells.map(|cell| cell.replace(char::is_control, " ")));
    }

    /// How wide each column is.
    fn widths(&self) -> [usize; N] {
        let mut widths = self.header.map(str::len);
        for row in &self.rows {
            for (at, cell) in row.iter().enumerate() {
                let length = cell.chars().count();
                if at > 0 || length <= LONG {
                    widths[at] = widths[at].max(length);
                }
            }
        }
        loop {
            let total: usize = widths.iter().sum::<usize>() + GAP * (N - 1);
            let widest = widths[1..].iter().copied().max().unwrap_or_default();
            if total <= WIDTH || widest <= MINIMUM {
                return widths;
            }
            if let Some(at) = (1..N).rev().find(|&at| widths[at] == widest) {
                widths[at] -= 1;
            }
        }
    }
}

/// No column but the first is made narrower than this.
const MINIMUM: usize = 8;

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        write_row(f, &self.header.map(str::to_owned), &widths)?;
        for row in &self.rows {
            if row[0].chars().count() > widths[0] {
                writeln!(f, "{}", row[0])?;
                let mut rest = row.clone();
                rest[0].clear();
                write_row(f, &rest, &widths)?;
            } else {
                write_row(f, row, &widths)?;
            }
        }
        Ok(())
    }
}

fn write_row<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    cells: &[String; N],
    widths: &[usize; N],
) -> fmt::Result {
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
            let rest = word.split_off(width.max(1));
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
        let mut table = Table::new(["NAME", "PORT", "PURPOSE"]);
        let long = "a".repeat(60);
        table.row(["x.example".into(), "443".into(), "word ".repeat(40)]);
        table.row([long.clone(), "443".into(), "a\x1b[2Jb".into()]);
        let text = table.to_string();
        assert!(
            text.lines().all(|line| line.chars().count() <= WIDTH),
            "{text}"
        );
        assert!(text.contains(&long), "{text}");
        assert!(!text.contains('\x1b'), "{text}");
        assert_eq!(
            text.matches("word").count(),
            40,
            "nothing is cut off: {text}"
        );
        assert_eq!(wrap("a bb ccc", 4), ["a bb", "ccc"]);
        assert_eq!(wrap("abcdefgh i", 3), ["abc", "def", "gh", "i"]);
        assert_eq!(wrap("", 3), [""]);
    }
}
