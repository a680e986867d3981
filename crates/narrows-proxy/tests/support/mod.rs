//! Runs the binary in an environment of the test's choice.

use std::process::{Command, Output, Stdio};

/// Runs the binary in an environment that holds nothing but `variables`.
pub(crate) fn narrows(args: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let output = command(args, variables).output().unwrap();
    told(&output)
}

pub(crate) fn command(args: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_narrows-proxy"));
    command
        .args(args)
        .env_clear()
        // The machine's own configuration and runtime directory are no part of a test.
        .env("NARROWS_CONFIG", "")
        .env("RUNTIME_DIRECTORY", env!("CARGO_TARGET_TMPDIR"))
        .env("NARROWS_ADMIN", "off")
        .envs(variables.iter().copied())
        .stdin(Stdio::null());
    command
}

fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}
