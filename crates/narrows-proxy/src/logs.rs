//! `logs`: what logs say, of this proxy and of others.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use narrows_endpoint::RuleError;
use narrows_log::{Format as LogFormat, Summary};

use crate::rules;
use crate::settings::Settings;

mod convert;
mod follow;
mod html;
mod input;
mod learn;
mod text;

pub use convert::{Converted, convert};
pub use follow::{PAUSE, follow};
pub use input::InputError;

use input::{Piece, each_line};

/// What to do with logs.
#[derive(Debug, Subcommand)]
pub enum LogsCommand {
    /// Sum logs up: names by route, bytes, durations, failures, a timeline
    ///
    /// Requests and their ends are joined, damaged lines are counted and shown. Gigabytes are read in a
    /// stream; the memory taken does not grow with them. Durations are within 6.25 %.
    Report(ReportArgs),
    /// Learn the smallest rule set that allows what logs saw
    ///
    /// Prints a file for --config: rules with the evidence for each, `default = "deny"`, and as comments
    /// the difference to the current rules. Names that were never reached get no rule, and no star covers
    /// them.
    Learn(LearnArgs),
    /// Write the lines of logs in another form, to standard output
    ///
    /// Requests in several lines become one and the other way round. What the form has no place for is said
    /// once on standard error; damaged lines are counted and left out.
    Convert(ConvertArgs),
    /// Show requests as they end, one line each, until Ctrl-C
    ///
    /// Goes on when the file is rotated, cut short or not there yet. Each line has the end, the route, the
    /// duration, octets sent and received, the name, and what failed.
    Follow(FollowArgs),
}

/// The arguments of `logs convert`.
#[derive(Debug, Args)]
pub struct ConvertArgs {
    /// The form to write: arcproxy, clf, json or squid
    #[arg(long, value_name = "FORM")]
    pub to: LogFormat,

    /// Logs, oldest first; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// The arguments of `logs follow`.
#[derive(Debug, Args)]
pub struct FollowArgs {
    /// Only requests that failed
    #[arg(long)]
    pub failed: bool,

    /// How many of the requests that have ended already are shown first
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub last: usize,

    /// Only names with this text in them (repeatable)
    #[arg(long, value_name = "TEXT")]
    pub name: Vec<String>,

    /// Only this route (repeatable)
    #[arg(long, value_enum)]
    pub route: Vec<FollowRoute>,

    /// Logs
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// A route that `logs follow` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FollowRoute {
    /// Straight to the target.
    Direct,
    /// Through the gateway.
    Gateway,
    /// Through the enterprise proxy.
    Proxy,
    /// Nowhere.
    Refused,
}

impl FollowRoute {
    /// The word that reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Gateway => "gateway",
            Self::Proxy => "proxy",
            Self::Refused => "refused",
        }
    }
}

/// The arguments of `logs learn`.
#[derive(Debug, Args)]
pub struct LearnArgs {
    /// Let a star cover suffixes at which clouds give names to anyone
    ///
    /// Such as *.blob.core.windows.net or *.servicebus.windows.net: whoever can get a name there can be
    /// reached. A registry's suffix (*.com, *.co.uk) is never covered.
    #[arg(long)]
    pub allow_shared: bool,

    /// How many names below a suffix become one rule, at least 2
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    pub fold: usize,

    /// Logs, oldest first; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// The arguments of `logs report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Text for a terminal, JSON for programs, or an HTML page
    #[arg(long, value_enum, default_value_t)]
    pub format: ReportFormat,

    /// How many names and reasons text and page show for each table
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    pub top: usize,

    /// Logs, oldest first; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// How `logs report` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Tables of at most 100 columns.
    #[default]
    Text,
    /// One page that opens offline, with plots; without scripts.
    Html,
    /// One JSON object with everything.
    Json,
}

/// What a command has to say: data, and what could not be read.
#[derive(Debug)]
pub struct Output {
    /// For standard output.
    pub text: String,
    /// Files that could not be read to their end. What was read of them is in the text.
    pub problems: Vec<InputError>,
}

/// Sums logs up. Blocks while it reads.
pub fn report(args: &ReportArgs) -> Output {
    let (summary, problems) = summarize(&args.files);
    let report = summary.report();
    let text = match args.format {
        ReportFormat::Text => text::write(&report, args.top),
        ReportFormat::Html => html::write(&report, args.top),
        ReportFormat::Json => json(&report),
    };
    Output { text, problems }
}

/// Learns rules from logs and compares them with the current ones. Blocks while it reads.
///
/// # Errors
///
/// The settings hold more rules than can be counted.
pub fn learn(args: &LearnArgs, settings: &Settings) -> Result<Output, RuleError> {
    let current = rules::rule_set(settings)?;
    let (summary, problems) = summarize(&args.files);
    let report = summary.report();
    let limits = learn::Limits {
        allow_shared: args.allow_shared,
        fold: args.fold,
    };
    let lesson = learn::learn(&report, &current, limits);
    let text = learn::write(&lesson, &report, &current, &settings.rules);
    Ok(Output { text, problems })
}

fn summarize(files: &[PathBuf]) -> (Summary, Vec<InputError>) {
    let mut summary = Summary::default();
    let problems = each_line(files, |piece| match piece {
        Piece::File(name) => summary.begin_file(name),
        Piece::Line(line) => summary.add_line(line),
        Piece::Overlong => summary.add_overlong(),
    });
    (summary, problems)
}

fn json(report: &narrows_log::Report) -> String {
    #[expect(
        clippy::expect_used,
        reason = "texts and numbers, and a string takes them"
    )]
    let json = serde_json::to_string_pretty(report).expect("texts and numbers are JSON");
    json + "\n"
}
