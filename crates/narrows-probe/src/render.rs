//! A run in the words of whoever reads it.

use clap::ValueEnum;
use narrows_endpoint::AddressClass;
use narrows_tls_probe::{Evidence, HopKind, Path, Report, Step};

use crate::check::Run;

mod chain;
mod junit;
mod markdown;
mod prometheus;
mod text;
mod waterfall;

pub use chain::chain;
pub use text::{explain, side_by_side, summary};
pub use waterfall::waterfall;

/// How a run is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people, and three lines for each name that fails.
    #[default]
    Text,
    /// Everything, evidence included; `--diff` reads it.
    Json,
    /// JUnit XML: one test case for each target and path.
    Junit,
    /// The text format of Prometheus, for a textfile collector.
    Prometheus,
    /// A table for tickets and wikis.
    Markdown,
}

/// Writes a run; the text ends with a newline.
pub fn write(run: &Run, paths: &[Path], format: Format, verbose: bool) -> String {
    match format {
        Format::Text => text::write(run, paths, verbose),
        // Texts, numbers and lists of them always have a form.
        Format::Json => serde_json::to_string_pretty(run).unwrap_or_default() + "\n",
        Format::Junit => junit::write(run, paths),
        Format::Prometheus => prometheus::write(run),
        Format::Markdown => markdown::write(run, paths),
    }
}

/// The path of that label, to say what to ask for; directly if there is none.
fn path_of<'a>(paths: &'a [Path], report: &Report, direct: &'a Path) -> &'a Path {
    let mut paths = paths.iter();
    paths
        .find(|path| path.label() == report.path)
        .unwrap_or(direct)
}

/// The TLS version that was agreed on with the target, such as `1.3`.
fn tls_version(report: &Report) -> Option<&str> {
    let step = report.step(Step::Tls)?;
    match step.evidence.as_ref()? {
        Evidence::Tls(tls) => {
            let version = tls.version.as_deref()?;
            Some(
                version
                    .trim_start_matches("TLSv")
                    .trim_start_matches("TLS "),
            )
        }
        _ => None,
    }
}

/// Whether the target's address is a private one; not known where a proxy looks it up.
fn is_private(report: &Report) -> Option<bool> {
    let addresses = report
        .steps
        .iter()
        .find_map(|step| match step.evidence.as_ref()? {
            Evidence::Connect(connect) if step.hop == HopKind::Target => Some(connect.peer.ip()),
            _ => None,
        })?;
    Some(!AddressClass::of(addresses).is_public())
}

/// Seconds with two digits, for people.
fn seconds(time: std::time::Duration) -> String {
    format!("{:.2}s", time.as_secs_f64())
}

#[cfg(test)]
mod tests;
