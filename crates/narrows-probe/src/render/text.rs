//! For people: readable without colour, at most 100 columns for the table.

use narrows_tls_probe::{Party, Path, Report};

use super::{is_private, path_of, seconds, tls_version, waterfall};
use crate::check::{Run, Tested, reading};
use crate::table::Table;

pub(super) fn write(run: &Run, paths: &[Path], verbose: bool) -> String {
    let mut text = if run.paths.len() > 1 {
        side_by_side(run)
    } else {
        one_path(run)
    };
    for one in &run.results {
        let report = &one.report;
        if !report.is_reachable() {
            text.push('\n');
            text.push_str(&explain(report, paths));
        }
        for warning in &report.warnings {
            text.push_str(&format!(
                "\n{}: warning: {warning} [{}]\n  who likely: {} ({})\n",
                name(report),
                warning.id,
                party(warning.party),
                warning.certainty
            ));
        }
        if verbose {
            text.push_str(&waterfall(report));
        }
    }
    if verbose && !run.not_tested.is_empty() {
        text.push_str("\nnot tested:\n");
        for one in &run.not_tested {
            text.push_str(&format!("  {}: {}\n", one.name, one.reason));
        }
    }
    if !run.findings.is_empty() {
        text.push_str("\ntogether:\n");
        for finding in &run.findings {
            text.push_str(&format!("  {finding}\n"));
        }
    }
    text + "\n" + &summary(run)
}

/// What happened, who likely did it, and what to ask for: three lines about a target that fails.
pub fn explain(report: &Report, paths: &[Path]) -> String {
    let verdict = &report.verdict;
    let direct = Path::direct();
    let path = path_of(paths, report, &direct);
    format!(
        "{}: {verdict} [{}]\n  who likely: {} ({})\n  what to ask: {}\n",
        name(report),
        verdict.id,
        party(verdict.party),
        verdict.certainty,
        verdict.id.ask(&report.target, path),
    )
}

/// How many of what, in one line.
pub fn summary(run: &Run) -> String {
    let counts = run.counts();
    let mut parts = vec![format!("{} reachable", counts.ok + counts.warned)];
    if counts.warned > 0 {
        parts.push(format!("{} of them with warnings", counts.warned));
    }
    parts.push(format!("{} not reachable", counts.failed));
    if counts.not_tested > 0 {
        parts.push(format!("{} not tested", counts.not_tested));
    }
    let time = seconds(std::time::Duration::from_millis(run.elapsed_ms));
    format!("{} ({time})\n", parts.join(", "))
}

/// One row for each target, in the spirit of `azcmagent check`.
fn one_path(run: &Run) -> String {
    let header = [
        "USE CASE", "ENDPOINT", "REACH", "PRIV", "TLS", "PROXY", "TIME", "VERDICT",
    ];
    let mut table = Table::new(header).with_names_at(1);
    for one in &run.results {
        let report = &one.report;
        table.row([
            one.use_case.clone(),
            short(report),
            yes_no(Some(report.is_reachable())),
            yes_no(is_private(report)),
            tls_version(report).unwrap_or("-").to_owned(),
            if report.path == "direct" {
                "none"
            } else {
                "set"
            }
            .to_owned(),
            seconds(report.elapsed),
            verdict(report),
        ]);
    }
    table.to_string()
}

/// One row for each target, one column for each path, and what the difference means.
pub fn side_by_side(run: &Run) -> String {
    let header = ["ENDPOINT"].into_iter().map(str::to_owned);
    let mut table = Table::new(header.chain(run.paths.iter().cloned()));
    let mut readings = String::new();
    for of_target in run.by_target() {
        let Some(first) = of_target.first() else {
            continue;
        };
        let cell = |path: &String| {
            let found: Option<&&Tested> = of_target.iter().find(|one| one.report.path == *path);
            found.map_or_else(
                || "not tested".to_owned(),
                |one| format!("{} {}", verdict(&one.report), seconds(one.report.elapsed)),
            )
        };
        let cells = run.paths.iter().map(cell);
        table.row(std::iter::once(short(&first.report)).chain(cells));
        if let Some(reading) = reading::read(&of_target) {
            readings.push_str(&format!("{}: {reading}\n", first.report.target));
        }
    }
    if readings.is_empty() {
        return table.to_string();
    }
    format!("{table}\n{readings}")
}

/// The verdict's id, with a sign that there are warnings.
fn verdict(report: &Report) -> String {
    let id = report.verdict.id.as_str();
    match report.warnings.first() {
        Some(warning) if report.is_reachable() => format!("{id}, warning: {}", warning.id),
        _ => id.to_owned(),
    }
}

fn yes_no(value: Option<bool>) -> String {
    match value {
        None => "?",
        Some(true) => "yes",
        Some(false) => "no",
    }
    .to_owned()
}

/// The target; the port of HTTPS goes without saying.
fn short(report: &Report) -> String {
    match report.target.port() {
        443 => report.target.host().to_string(),
        _ => report.target.to_string(),
    }
}

/// The target, and the path if it is not the direct one.
fn name(report: &Report) -> String {
    match &*report.path {
        "direct" => report.target.to_string(),
        path => format!("{} by {path}", report.target),
    }
}

/// The party with its article.
fn party(party: Party) -> String {
    match party {
        Party::Firewall => "a firewall or another device on the way".to_owned(),
        Party::Network => "the network on the way".to_owned(),
        Party::ThisHost | Party::Nobody => party.to_string(),
        Party::Unknown => "the evidence does not say".to_owned(),
        party => format!("the {party}"),
    }
}
