//! `tls`: everything about one handshake.

use clap::Args;
use narrows_tls_probe::Path;

use super::check::{PathArgs, ProbeArgs, TellArgs, runner};
use crate::check::targets::Targets;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::output::Output;
use crate::render::{self, Format};

/// Whose handshake.
#[derive(Clone, Debug, Args)]
pub struct TlsArgs {
    /// Whose handshake; the port is 443 when absent
    #[arg(value_name = "HOST[:PORT]")]
    pub host: String,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it as the help of every flag")]
    pub paths: PathArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it as the help of every flag")]
    pub probe: ProbeArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it as the help of every flag")]
    pub tell: TellArgs,
}

/// Shows the handshake: every step, what was agreed on, the certificates, and what is odd about them.
///
/// # Errors
///
/// Flags that are wrong, and an output that cannot be written.
///
/// # Cancel safety
///
/// Dropping the future closes what it had opened.
pub async fn run(args: TlsArgs) -> Result<Exit, Fault> {
    let mut targets = Targets::default();
    targets.add_named(std::slice::from_ref(&args.host))?;
    let output = Output::new(args.tell.output.as_deref());
    output.check()?;
    let mut probe = args.probe;
    // One more connection to one target: the size of the hello is a part of its TLS.
    probe.large_hello = true;
    let runner = runner(&args.paths, &probe, &args.tell)?;
    let run = runner.run(&targets, std::future::pending()).await;
    let text = match args.tell.format {
        Format::Text => run
            .results
            .iter()
            .map(|one| describe(&one.report, runner.paths()))
            .collect(),
        format => render::write(&run, runner.paths(), format, true),
    };
    output.write(&text)?;
    Ok(args.tell.exit(&run))
}

fn describe(report: &narrows_tls_probe::Report, paths: &[Path]) -> String {
    let mut text = render::waterfall(report).trim_start().to_owned();
    for warning in &report.warnings {
        text.push_str(&format!("\nwarning: {warning} [{}]\n", warning.id));
    }
    if report.is_reachable() {
        text.push_str(&format!("\nreachable: {}\n", report.verdict));
    } else {
        text.push('\n');
        text.push_str(&render::explain(report, paths));
    }
    text
}
