//! Tables, and figures as they stand in them.

use std::time::Duration;

/// Prints a title and rows below a head, each column as wide as it must be.
#[expect(clippy::print_stdout, reason = "a bench talks to its reader")]
pub fn print(title: &str, head: &[&str], rows: &[Vec<String>]) {
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let all = || std::iter::once(&head).chain(rows);
    let widths: Vec<usize> = (0..head.len())
        .map(|at| all().map(|row| row[at].chars().count()).max().unwrap_or(0))
        .collect();
    println!("\n{title}\n");
    for (line, row) in all().enumerate() {
        let cells = row.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(cell, &width)| format!("{cell:<width$}"))
            .collect();
        println!("| {} |", cells.join(" | "));
        if line == 0 {
            let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width + 2)).collect();
            println!("|{}|", rule.join("|"));
        }
    }
}

/// The value below which so many per cent of all lie; none of none.
#[must_use]
pub fn percentile<T: Copy + PartialOrd>(values: &[T], per_cent: usize) -> Option<T> {
    let mut values = values.to_vec();
    values.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    let at = (values.len() * per_cent / 100).min(values.len().checked_sub(1)?);
    values.get(at).copied()
}

/// A duration in milliseconds, or a dash.
#[must_use]
pub fn ms(value: Option<Duration>) -> String {
    value.map_or_else(
        || "-".to_owned(),
        |value| format!("{:.1} ms", value.as_secs_f64() * 1e3),
    )
}

/// A number with as many places as are worth it, or a dash.
#[must_use]
pub fn number(value: Option<f64>, places: usize) -> String {
    match value {
        Some(value) if value.is_finite() => format!("{value:.places$}"),
        _ => "-".to_owned(),
    }
}
