//! The command line: one doc comment per flag makes the short and the long help.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use crate::commands::allowlist::AllowlistArgs;
use crate::commands::check::CheckArgs;
use crate::commands::compare::CompareArgs;
use crate::commands::endpoints::EndpointsArgs;
use crate::commands::explain::ExplainArgs;
use crate::commands::tls::TlsArgs;
use crate::exit;

/// Says which endpoints are really reachable, who broke the others and at which step, and what must be
/// open.
#[derive(Debug, Parser)]
#[command(name = "narrows-probe", version, after_help = exit::HELP)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print what must be open for a selection, in the words of the device that opens it
    ///
    /// Nothing is contacted, unless --expand-servicebus asks for it.
    Allowlist(Box<AllowlistArgs>),
    /// Test which endpoints are reachable, and say who broke the others
    ///
    /// A TCP connection alone is never called reachable: TLS, certificate and HTTP are tried too. Targets
    /// are names, a file, or a selection of the catalogue.
    Check(Box<CheckArgs>),
    /// Test the same targets directly, through a proxy and through a gateway, side by side
    Compare(Box<CompareArgs>),
    /// List and search the catalogue of endpoints
    Endpoints(Box<EndpointsArgs>),
    /// Say what a verdict means, and what to tell the firewall team
    Explain(Box<ExplainArgs>),
    /// Show everything about one TLS handshake
    Tls(Box<TlsArgs>),
}

/// Reads the command line and the environment variables that flags name.
///
/// # Errors
///
/// clap's error for wrong usage, and for `--help` and `--version`; it knows its own exit code.
pub fn parse(
    args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(args)
}
