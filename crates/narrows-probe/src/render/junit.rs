//! JUnit XML, as CI systems read it.

use narrows_tls_probe::Path;

use super::text;
use crate::check::{Run, Tested};

pub(super) fn write(run: &Run, paths: &[Path]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for label in &run.paths {
        let of_path: Vec<_> = run
            .results
            .iter()
            .filter(|one| one.report.path == *label)
            .collect();
        let failed = of_path
            .iter()
            .filter(|one| !one.report.is_reachable())
            .count();
        let time: f64 = of_path
            .iter()
            .map(|one| one.report.elapsed.as_secs_f64())
            .sum();
        out.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" time=\"{time:.3}\">\n",
            escape(label),
            of_path.len(),
        ));
        out.extend(of_path.into_iter().map(|one| case(one, paths)));
        out.push_str("  </testsuite>\n");
    }
    out + "</testsuites>\n"
}

fn case(one: &Tested, paths: &[Path]) -> String {
    let report = &one.report;
    let mut out = format!(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\">\n",
        escape(&one.use_case),
        escape(&report.target.to_string()),
        report.elapsed.as_secs_f64(),
    );
    if !report.is_reachable() {
        out.push_str(&format!(
            "      <failure type=\"{}\" message=\"{}\">{}</failure>\n",
            report.verdict.id,
            escape(&report.verdict.sentence),
            escape(&text::explain(report, paths)),
        ));
    }
    for warning in &report.warnings {
        out.push_str(&format!(
            "      <system-out>warning: {} [{}]</system-out>\n",
            escape(&warning.sentence),
            warning.id
        ));
    }
    out + "    </testcase>\n"
}

/// Text for content and attributes alike; XML 1.0 has no place for control characters.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
