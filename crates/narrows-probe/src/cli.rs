//! The command line: one doc comment per flag makes the short and the long help.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use crate::commands::allowlist::AllowlistArgs;
use crate::commands::endpoints::EndpointsArgs;
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
    /// List and search the catalogue of endpoints
    Endpoints(Box<EndpointsArgs>),
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
