//! The command lines of the programs.

use clap::{Command, CommandFactory as _};

/// Every program's, by name.
pub(crate) fn commands() -> [Command; 3] {
    [
        narrows_gateway::cli::Cli::command(),
        narrows_probe::cli::Cli::command(),
        narrows_proxy::cli::Cli::command(),
    ]
}
