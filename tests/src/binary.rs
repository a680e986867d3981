//! Finds the binaries that cargo has built, or builds them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::SystemTime;

use crate::workspace;

/// `narrows-gateway`, built once for each test run if cargo has not built it already.
pub(crate) static GATEWAY: LazyLock<PathBuf> = LazyLock::new(|| find_or_build("narrows-gateway"));
/// `narrows-probe`, likewise.
pub(crate) static PROBE: LazyLock<PathBuf> = LazyLock::new(|| find_or_build("narrows-probe"));
/// `narrows-proxy`, likewise.
pub(crate) static PROXY: LazyLock<PathBuf> = LazyLock::new(|| find_or_build("narrows-proxy"));

/// `target/<profile>/<name>`, beside this test's own executable.
fn find_or_build(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("a running test has a file");
    let profile = this
        .ancestors()
        .nth(2)
        .expect("target/<profile>/deps/<test>");
    let binary = profile.join(name);
    if is_fresh(&binary).is_none_or(|fresh| !fresh) {
        let mut cargo = Command::new(env!("CARGO"));
        // With the same packages selected as the test command, cargo unifies the same features and
        // builds nothing twice.
        cargo.args(["build", "--workspace", "--locked", "--bin", name]);
        cargo
            .arg("--target-dir")
            .arg(profile.parent().expect("target/<profile>"));
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        let status = cargo
            .current_dir(workspace::root())
            .status()
            .expect("cargo runs");
        assert!(status.success(), "cargo could not build {name}");
    }
    binary
}

/// Whether the binary is newer than every source it was built from: cargo lists them beside it.
fn is_fresh(binary: &Path) -> Option<bool> {
    let built = modified(binary)?;
    let list = std::fs::read_to_string(binary.with_extension("d")).ok()?;
    let sources = list
        .split_once(": ")?
        .1
        .split_whitespace()
        .map(PathBuf::from);
    let lock = workspace::root().join("Cargo.lock");
    Some(
        sources
            .chain([lock])
            .all(|source| modified(&source).is_some_and(|time| time <= built)),
    )
}

fn modified(file: &Path) -> Option<SystemTime> {
    file.metadata().ok()?.modified().ok()
}
