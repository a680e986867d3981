//! Runs the binary in an environment of the test's choice, and stands in for what it talks to.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::process::{Command, Output, Stdio};

pub(crate) mod doubles;
pub(crate) mod service;

/// Runs the binary in an environment that holds nothing but `HOME` and a cache of the test's own.
pub(crate) fn probe(args: &[&str]) -> (Option<i32>, String, String) {
    let home = tempfile::tempdir().unwrap();
    told(&command(args).env("HOME", home.path()).output().unwrap())
}

pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_narrows-probe"));
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

pub(crate) fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}
