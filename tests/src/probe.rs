//! Runs `narrows-probe` to its end.

use std::path::Path;
use std::process::{Command, Output};

use crate::binary;

/// `narrows-probe` in `home`, with nothing of the caller's environment.
pub fn command(home: &Path) -> Command {
    let mut command = Command::new(&*binary::PROBE);
    command.env_clear().env("HOME", home).current_dir(home);
    command
}

/// Its exit code and what it wrote, standard output first.
///
/// # Panics
///
/// When it does not start.
pub fn run(home: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = command(home).args(args).output();
    let Output {
        status,
        stdout,
        stderr,
    } = output.expect("narrows-probe starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code(), text(stdout), text(stderr))
}
