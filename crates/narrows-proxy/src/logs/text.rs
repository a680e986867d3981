//! A report for a terminal: tables of at most 100 columns.

use std::fmt::Write as _;

use narrows_log::{NameRow, ReasonRow, Report, RouteRow, Way};

/// Writes a report; tables of names and reasons have at most `top` rows.
pub(super) fn write(report: &Report, top: usize) -> String {
    let mut out = String::new();
    head(&mut out, report);
    if !report.routes.is_empty() {
        routes(&mut out, &report.routes);
    }
    for way in Way::ALL {
        names(&mut out, report, way, top);
    }
    reasons(&mut out, "FAILURES", &report.failures, top);
    reasons(&mut out, "FALLBACKS", &report.fallbacks, top);
    timeline(&mut out, report);
    damage(&mut out, report);
    out
}

fn head(out: &mut String, report: &Report) {
    let names = report.names.len();
    line(
        out,
        format_args!(
            "{} lines, {} requests, {names} names",
            report.lines, report.requests
        ),
    );
    if let (Some(first), Some(last)) = (&report.first, &report.last) {
        line(out, format_args!("{first} to {last}"));
    }
    let others = report.others.as_ref().map_or(0, |others| others.requests);
    for (count, what) in [
        (
            report.damaged,
            "lines are damaged; the first of them stand at the end",
        ),
        (report.dropped, "lines were left out by the log itself"),
        (report.without_end, "requests have no end in the log"),
        (
            report.ends_without_request,
            "ends have no request in the log",
        ),
        (others, "requests went to names too rare to have a row"),
    ] {
        if count > 0 {
            line(out, format_args!("{count} {what}"));
        }
    }
}

fn routes(out: &mut String, rows: &[RouteRow]) {
    out.push_str("\nROUTE    REQUESTS   FAILED      SENT  RECEIVED       P50       P90       P99       MAX\n");
    for row in rows {
        let times = row.durations.map(|ms| [ms.p50, ms.p90, ms.p99, ms.max]);
        let times = times.map_or_else(|| [const { String::new() }; 4], |ms| ms.map(duration));
        line(
            out,
            format_args!(
                "{:<8} {:>8} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
                row.route.as_str(),
                row.requests,
                row.failures,
                bytes(row.sent),
                bytes(row.received),
                times[0],
                times[1],
                times[2],
                times[3],
            ),
        );
    }
}

/// The names that went one way. Port 443 is left out.
fn names(out: &mut String, report: &Report, way: Way, top: usize) {
    let by_way = |name: &NameRow| name.routes.iter().find(|row| row.route == way).copied();
    let rows = report
        .names
        .iter()
        .filter_map(|name| Some((name, by_way(name)?)));
    let mut rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return;
    }
    rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.requests));
    let _ = write!(
        out,
        "\n{}: {} names\n",
        way.as_str().to_uppercase(),
        rows.len()
    );
    out.push_str("  REQUESTS FAILED    BYTES      P50  NAME\n");
    for (name, row) in rows.iter().take(top) {
        let target = name.target.strip_suffix(":443").unwrap_or(&name.target);
        line(
            out,
            format_args!(
                "  {:>8} {:>6} {:>8} {:>8}  {target}",
                row.requests,
                row.failures,
                bytes(row.sent.saturating_add(row.received)),
                row.durations
                    .map_or_else(String::new, |ms| duration(ms.p50)),
            ),
        );
    }
    more(out, rows.len(), top);
}

fn reasons(out: &mut String, title: &str, rows: &[ReasonRow], top: usize) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{title}");
    for row in rows.iter().take(top) {
        line(out, format_args!("  {:>8} {}", row.count, row.reason));
    }
    more(out, rows.len(), top);
}

/// One row of bars for requests over time.
fn timeline(out: &mut String, report: &Report) {
    let (Some(first), Some(last)) = (report.timeline.first(), report.timeline.last()) else {
        return;
    };
    let width_ms = report.moment_seconds.max(1) * 1000;
    let moment = |ms: i64| (ms - first.start_ms).unsigned_abs() / width_ms;
    let together = (moment(last.start_ms) + 1).div_ceil(BARS).max(1);
    let mut counts = vec![0; usize::try_from(moment(last.start_ms) / together).unwrap_or(0) + 1];
    for one in &report.timeline {
        if let Ok(at) = usize::try_from(moment(one.start_ms) / together) {
            counts[at] += one.requests;
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let bars = counts.iter().map(|&count| bar(count, most));
    let each = duration(width_ms * together);
    let _ = write!(
        out,
        "\nTIMELINE: requests, {each} a bar, {most} at most\n  "
    );
    out.extend(bars);
    out.push('\n');
}

fn bar(count: u64, most: u64) -> char {
    let eighths = (u128::from(count) * 8).div_ceil(u128::from(most));
    let at = usize::try_from(eighths).unwrap_or(8);
    [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'][at.min(8)]
}

fn damage(out: &mut String, report: &Report) {
    if !report.damage.is_empty() {
        out.push_str("\nDAMAGED LINES\n");
    }
    for one in &report.damage {
        line(
            out,
            format_args!("  {}:{}: {}", one.file, one.line, one.error),
        );
    }
    more(
        out,
        usize::try_from(report.damaged).unwrap_or(usize::MAX),
        report.damage.len(),
    );
}

fn more(out: &mut String, all: usize, shown: usize) {
    if all > shown {
        let _ = writeln!(out, "  and {} more", all - shown);
    }
}

/// Appends a line, cut where the columns end.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let text = text.to_string();
    match text.char_indices().nth(COLUMNS) {
        Some(_) => {
            out.extend(text.chars().take(COLUMNS - 1));
            out.push('…');
        }
        None => out.push_str(text.trim_end()),
    }
    out.push('\n');
}

/// `1.5 MB`: decimal units, three digits at most.
pub(super) fn bytes(count: u64) -> String {
    scaled(
        count,
        &[
            (1_000_000_000_000, "TB"),
            (1_000_000_000, "GB"),
            (1_000_000, "MB"),
            (1000, "kB"),
        ],
    )
    .unwrap_or_else(|| format!("{count} B"))
}

/// `1.5 s`: the largest unit that the time fills.
pub(super) fn duration(ms: u64) -> String {
    scaled(
        ms,
        &[
            (86_400_000, "d"),
            (3_600_000, "h"),
            (60_000, "min"),
            (1000, "s"),
        ],
    )
    .unwrap_or_else(|| format!("{ms} ms"))
}

fn scaled(value: u64, units: &[(u64, &str)]) -> Option<String> {
    let (unit, name) = units.iter().find(|(unit, _)| value >= *unit)?;
    let tenths = value / (unit / 10) % 10;
    Some(match value / unit {
        whole if whole < 100 && tenths > 0 => format!("{whole}.{tenths} {name}"),
        whole => format!("{whole} {name}"),
    })
}

const COLUMNS: usize = 100;
/// The most bars of the timeline.
const BARS: u64 = 96;

#[cfg(test)]
mod tests;
