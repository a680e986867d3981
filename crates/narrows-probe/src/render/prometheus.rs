//! The text format of Prometheus, with the names that people graph for blackbox probes.

use std::fmt::Write as _;

use narrows_tls_probe::{HopKind, Report, Step};

use super::tls_version;
use crate::check::Run;
use crate::check::diff::leaf;

/// A metric: its name, its help, and its value for a report if it has one.
type Metric = (&'static str, &'static str, fn(&Report) -> Option<f64>);

const METRICS: &[Metric] = &[
    (
        "probe_success",
        "Whether the target is reachable",
        |report| Some(f64::from(u8::from(report.is_reachable()))),
    ),
    (
        "probe_duration_seconds",
        "How long the probe took",
        |report| Some(report.elapsed.as_secs_f64()),
    ),
    (
        "probe_dns_lookup_time_seconds",
        "How long the name took",
        |report| step(report, Step::Resolve),
    ),
    (
        "probe_ssl_earliest_cert_expiry",
        "When the server's certificate ends, in seconds since 1970",
        |report| {
            // Exact up to 2^53 seconds.
            #[expect(clippy::cast_precision_loss, reason = "a date")]
            leaf(report).map(|leaf| leaf.not_after.as_second() as f64)
        },
    ),
    ("probe_warnings", "How many warnings there are", |report| {
        u32::try_from(report.warnings.len()).ok().map(f64::from)
    }),
];

pub(super) fn write(run: &Run) -> String {
    let mut out = String::new();
    for (name, help, value) in METRICS {
        head(&mut out, name, help);
        for one in &run.results {
            if let Some(value) = value(&one.report) {
                let _ = writeln!(out, "{name}{{{}}} {value}", labels(&one.report));
            }
        }
    }
    phases(&mut out, run);
    versions(&mut out, run);
    verdicts(&mut out, run);
    out
}

fn phases(out: &mut String, run: &Run) {
    let name = "probe_http_duration_seconds";
    head(out, name, "How long each phase took");
    for report in run.results.iter().map(|one| &one.report) {
        for (phase, step_of) in [
            ("resolve", Step::Resolve),
            ("connect", Step::Connect),
            ("tls", Step::Tls),
            ("processing", Step::Http),
        ] {
            if let Some(value) = step(report, step_of) {
                let labels = labels(report);
                let _ = writeln!(out, "{name}{{{labels},phase=\"{phase}\"}} {value}");
            }
        }
    }
}

fn versions(out: &mut String, run: &Run) {
    let name = "probe_tls_version_info";
    head(out, name, "The TLS version agreed on");
    for report in run.results.iter().map(|one| &one.report) {
        if let Some(version) = tls_version(report) {
            let (labels, version) = (labels(report), escape(version));
            let _ = writeln!(out, "{name}{{{labels},version=\"TLS {version}\"}} 1");
        }
    }
}

fn verdicts(out: &mut String, run: &Run) {
    let name = "probe_verdict_info";
    head(out, name, "What was concluded, and about whom");
    for report in run.results.iter().map(|one| &one.report) {
        let (labels, verdict) = (labels(report), &report.verdict);
        let _ = writeln!(
            out,
            "{name}{{{labels},step=\"{}\",verdict=\"{}\",party=\"{}\",certainty=\"{}\"}} 1",
            verdict.step, verdict.id, verdict.party, verdict.certainty
        );
    }
}

fn head(out: &mut String, name: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}.\n# TYPE {name} gauge");
}

fn labels(report: &Report) -> String {
    let target = escape(&report.target.to_string());
    format!("target=\"{target}\",path=\"{}\"", escape(&report.path))
}

/// How long a step took, all that were taken with hops before left out.
fn step(report: &Report, step: Step) -> Option<f64> {
    let step = report.step(step)?;
    let known = step.hop == HopKind::Target || matches!(step.step, Step::Resolve | Step::Connect);
    known.then_some(step.elapsed.as_secs_f64())
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
