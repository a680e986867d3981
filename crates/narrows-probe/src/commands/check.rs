//! `check`: which endpoints are reachable over which path.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use narrows_endpoint::{Catalogue, Host, Name};
use narrows_service::say::say;
use narrows_service::signals::End;
use narrows_tls_probe::{Deadlines, Options, Path, Prober, Trust};

use super::read_duration;
use crate::check::runner::{CONCURRENCY, Runner};
use crate::check::targets::Targets;
use crate::check::{FailOn, Run, diff};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::output::Output;
use crate::render::{self, Format};
use crate::selection::SelectArgs;
use crate::via::{self, GatewayArgs, Via};

mod watch;

/// What is tested, over which paths, and how it is told.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// What to test; the port is 443 when absent
    #[arg(value_name = "HOST[:PORT]")]
    pub hosts: Vec<String>,

    /// Test the names in this file too: one `HOST[:PORT]` a line, # begins a comment
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it as the help of every flag")]
    pub select: SelectArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it as the help of every flag")]
    pub paths: PathArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it as the help of every flag")]
    pub probe: ProbeArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it as the help of every flag")]
    pub tell: TellArgs,

    /// Repeat, and print only what has changed, until SIGINT or SIGTERM
    #[arg(long, help_heading = "Over time", conflicts_with_all = ["diff", "output", "format"])]
    pub watch: bool,

    /// How long to wait between two rounds
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = read_duration, help_heading = "Over time")]
    pub interval: Duration,

    /// Keep everything in this file, for --diff
    #[arg(long, value_name = "FILE", help_heading = "Over time")]
    pub save: Option<PathBuf>,

    /// Print only what has changed since that run
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "Over time",
        conflicts_with = "format"
    )]
    pub diff: Option<PathBuf>,
}

/// The paths.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Paths")]
pub struct PathArgs {
    /// How targets are reached: direct, local, proxy=URL or gateway=URL (repeatable)
    ///
    /// `local` is narrows-proxy on this machine (`local=http://host:port` if it listens elsewhere).
    /// Several paths are compared side by side.
    #[arg(long, value_name = "PATH", default_value = "direct")]
    pub via: Vec<Via>,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it as the help of every flag")]
    pub gateway: GatewayArgs,
}

/// How each target is tested.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Probing")]
pub struct ProbeArgs {
    /// How long each step may take; a proxy's CONNECT three times as long
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = read_duration)]
    pub timeout: Duration,

    /// Trust the authorities in this PEM file for targets, beside the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// Private addresses are expected, as with private endpoints: no warning
    #[arg(long)]
    pub expect_private: bool,

    /// Do not ask for / over HTTP after TLS
    #[arg(long)]
    pub no_http: bool,

    /// Make no follow-up connections to explain a failure
    #[arg(long)]
    pub no_experiments: bool,

    /// Try a ClientHello of more than one segment on reachable targets too
    #[arg(long)]
    pub large_hello: bool,
}

/// How it is told.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct TellArgs {
    /// How the results are written
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// Write them to this file, as a whole or not at all [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Also every step with its time, and what was seen
    #[arg(long, short)]
    pub verbose: bool,

    /// How many probes are under way at a time
    #[arg(long, value_name = "COUNT", default_value_t = CONCURRENCY)]
    pub concurrency: usize,

    /// What makes the exit code 1
    #[arg(long, value_enum, default_value_t)]
    pub fail_on: FailOn,

    /// Exit with 26 where it would be 1 or 4, as azcmagent check does (AZCM0026)
    #[arg(long)]
    pub azcmagent: bool,
}

/// Tests what is asked for.
///
/// # Errors
///
/// Flags or files that are wrong, and an output that cannot be written; nothing is tested then.
///
/// # Cancel safety
///
/// Dropping the future ends every probe; a signal ends the run and prints what is known.
pub async fn run(args: CheckArgs) -> Result<Exit, Fault> {
    let targets = targets(&args)?;
    let output = Output::new(args.tell.output.as_deref());
    output.check()?;
    let save = args.save.as_deref().map(|path| Output::new(Some(path)));
    save.as_ref().map_or(Ok(()), Output::check)?;
    let before = args.diff.as_deref().map(read_run).transpose()?;
    let runner = runner(&args.paths, &args.probe, &args.tell)?;
    let mut end = End::listen()
        .map_err(|error| Fault::failure(format_args!("cannot wait for signals: {error}")))?;
    if args.watch {
        return watch::run(&runner, &targets, &args, &mut end).await;
    }
    let run = runner.run(&targets, end.asked()).await;
    if let Some(save) = save {
        save.write(&render::write(&run, runner.paths(), Format::Json, false))?;
    }
    let text = match before {
        Some(before) => changes(&before, &run),
        None => render::write(&run, runner.paths(), args.tell.format, args.tell.verbose),
    };
    output.write(&text)?;
    Ok(args.tell.exit(&run))
}

fn targets(args: &CheckArgs) -> Result<Targets, Fault> {
    let mut targets = Targets::default();
    targets.add_named(&args.hosts)?;
    if let Some(file) = &args.file {
        targets.add_file(file)?;
    }
    // The flags are judged also where they select nothing.
    let selection = args.select.resolve()?;
    // A region in the environment does not add its whole catalogue to a name.
    let named = !targets.wanted.is_empty() && args.select.features.is_empty();
    if !args.select.is_empty() && !named {
        targets.add_selected(&selection);
    }
    if targets.wanted.is_empty() && targets.not_tested.is_empty() {
        let fault = Fault::usage("nothing to test");
        return Err(fault.hint("give names, --file, or --region and --features"));
    }
    Ok(targets)
}

/// A runner for these flags; reads the files that they name.
pub(super) fn runner(
    paths: &PathArgs,
    probe: &ProbeArgs,
    tell: &TellArgs,
) -> Result<Runner, Fault> {
    let walk = |via: &Via| via.walk(&paths.gateway);
    let paths: Vec<Path> = paths.via.iter().map(walk).collect::<Result<_, _>>()?;
    let prober = Prober::new(probe.options()?).map_err(Fault::failure)?;
    Ok(Runner::new(prober, paths, tell.concurrency).with_progress(true))
}

fn read_run(path: &std::path::Path) -> Result<Run, Fault> {
    serde_json::from_slice(&via::read(path)?).map_err(|error| {
        let fault = Fault::usage(format_args!("{}: not a saved run: {error}", path.display()));
        fault.hint("--save writes one")
    })
}

fn changes(before: &Run, after: &Run) -> String {
    let changes = diff::changes(before, after);
    if changes.is_empty() {
        return format!("nothing has changed\n{}", render::summary(after));
    }
    let lines: String = changes.iter().map(|line| format!("{line}\n")).collect();
    lines + &render::summary(after)
}

// === impl ProbeArgs ===

impl ProbeArgs {
    /// The prober's options. Controls use names that must be open everywhere anyway.
    fn options(&self) -> Result<Options, Fault> {
        let mut options = Options::default();
        let tunnel = self.timeout.saturating_mul(3);
        options.deadlines = Deadlines::uniform(self.timeout).with_tunnel(tunnel);
        if let Some(path) = &self.ca_file {
            options.trust = Trust::Platform(via::authorities(path)?);
        }
        options.http = !self.no_http;
        options.experiments = !self.no_experiments;
        options.large_hello = self.large_hello;
        options.expect_private = self.expect_private;
        options.neutral = neutral();
        Ok(options)
    }
}

/// Exact names that Microsoft's pages want open in every case.
fn neutral() -> Vec<Name> {
    let rows = Catalogue::built_in().never_gateway().iter();
    let hosts = rows.filter_map(|row| row.pattern.to_string().parse::<Host>().ok());
    hosts.filter_map(|host| host.name().cloned()).collect()
}

// === impl TellArgs ===

impl TellArgs {
    /// How the process ends after this run.
    pub(super) fn exit(&self, run: &Run) -> Exit {
        match run.exit(self.fail_on) {
            Exit::Failure | Exit::Nothing if self.azcmagent => {
                say(format_args!(
                    "AZCM0026: network error, see the endpoints above"
                ));
                Exit::Azcmagent
            }
            exit => exit,
        }
    }
}
