//! For tickets and wikis.

use narrows_tls_probe::Path;

use super::{path_of, seconds, text, tls_version};
use crate::check::Run;

pub(super) fn write(run: &Run, paths: &[Path]) -> String {
    let mut out = String::from(
        "| Use case | Endpoint | Path | Reachable | TLS | Verdict | Time |\n|---|---|---|---|---|---|---|\n",
    );
    for one in &run.results {
        let report = &one.report;
        let reachable = if report.is_reachable() {
            "yes"
        } else {
            "**no**"
        };
        out.push_str(&format!(
            "| {} | `{}` | {} | {reachable} | {} | `{}` | {} |\n",
            cell(&one.use_case),
            report.target,
            cell(&report.path),
            tls_version(report).unwrap_or("-"),
            report.verdict.id,
            seconds(report.elapsed),
        ));
    }
    let direct = Path::direct();
    for one in run.results.iter().filter(|one| !one.report.is_reachable()) {
        let (report, verdict) = (&one.report, &one.report.verdict);
        let path = path_of(paths, report, &direct);
        out.push_str(&format!(
            "\n**{}** ({})\n\n- What happened: {}\n- Who likely: {} ({})\n- What to ask: {}\n",
            report.target,
            cell(&report.path),
            cell(&verdict.sentence),
            verdict.party,
            verdict.certainty,
            cell(&verdict.id.ask(&report.target, path)),
        ));
    }
    for finding in &run.findings {
        out.push_str(&format!("\n> {}\n", cell(finding)));
    }
    format!("{out}\n{}", text::summary(run))
}

/// Text in which nothing is markup: what a block page says is not trusted.
fn cell(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '!'
        ) {
            plain.push('\\');
        }
        plain.push(if c.is_control() { ' ' } else { c });
    }
    plain
}
