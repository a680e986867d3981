//! The figures of everybody, and the table of them.

use narrows_benches::table::{number, percentile, print};

/// One column for each that was measured, one row for each thing measured.
#[derive(Debug)]
pub(crate) struct Report {
    columns: Vec<String>,
    rows: Vec<Row>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Row {
    title: String,
    /// Places behind the point.
    places: usize,
    figures: Vec<Vec<f64>>,
    words: Vec<Option<String>>,
}

impl Report {
    pub(crate) fn new(columns: Vec<String>) -> Self {
        Self {
            columns,
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds the figure of one round.
    pub(crate) fn figure(&mut self, column: usize, title: &str, places: usize, figure: f64) {
        let row = self.row(title);
        row.places = places;
        row.figures[column].push(figure);
    }

    /// Says something that is no figure; the first thing that is not "ok" stays.
    pub(crate) fn word(&mut self, column: usize, title: &str, word: &str) {
        let said = &mut self.row(title).words[column];
        if said.as_deref().is_none_or(|said| said == "ok") {
            *said = Some(word.to_owned());
        }
    }

    /// Says below the table what the table cannot say; once.
    pub(crate) fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Prints the table, each figure the median of the rounds.
    pub(crate) fn print(&self, title: &str) {
        let mut head = vec!["what"];
        head.extend(self.columns.iter().map(String::as_str));
        let rows: Vec<Vec<String>> = self.rows.iter().map(Row::cells).collect();
        print(title, &head, &rows);
        println!();
        for note in &self.notes {
            println!("- {note}");
        }
    }

    fn row(&mut self, title: &str) -> &mut Row {
        let at = self.rows.iter().position(|row| row.title == title);
        let at = at.unwrap_or_else(|| {
            self.rows.push(Row {
                title: title.to_owned(),
                places: 0,
                figures: vec![Vec::new(); self.columns.len()],
                words: vec![None; self.columns.len()],
            });
            self.rows.len() - 1
        });
        &mut self.rows[at]
    }
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let cell = |(figures, word): (&Vec<f64>, &Option<String>)| {
            word.clone()
                .unwrap_or_else(|| number(percentile(figures, 50), self.places))
        };
        let cells = self.figures.iter().zip(&self.words).map(cell);
        std::iter::once(self.title.clone()).chain(cells).collect()
    }
}
