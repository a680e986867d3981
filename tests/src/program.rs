//! Programs of the system that tests drive: found, or skipped out loud.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Directories beside `PATH` where systems keep servers.
const SERVER_DIRECTORIES: &[&str] = &["/usr/sbin", "/usr/local/sbin", "/sbin"];

/// Finds every program, or says loudly that the test is skipped and gives `false`.
///
/// # Panics
///
/// When one is missing and the environment says `NARROWS_E2E=required`: where the programs are meant
/// to be there, a test that is skipped has failed.
pub fn installed(programs: &[&str]) -> bool {
    programs
        .iter()
        .all(|program| find(program).is_some() || skip(&format!("{program} is not installed")))
}

/// Says that a test is skipped and why; always `false`.
///
/// # Panics
///
/// Instead, when the environment says `NARROWS_E2E=required`.
pub fn skip(reason: &str) -> bool {
    let required = std::env::var_os("NARROWS_E2E").is_some_and(|value| value == "required");
    assert!(!required, "NARROWS_E2E=required, and {reason}");
    unable(reason);
    false
}

/// Says that a test is skipped because a program, though installed, cannot do what it takes.
///
/// # Panics
///
/// Never, as long as standard error is open: what a system does not package cannot be required of it.
pub fn unable(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Not `eprintln!`, which the test harness swallows when a test passes.
    writeln!(std::io::stderr(), "SKIPPED: {test}: {reason}").expect("stderr is open");
}

/// The path of a program, from `PATH` and the directories of servers.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let servers = SERVER_DIRECTORIES.iter().map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(servers)
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
}

/// A command in `home`, with nothing of the caller's environment but `PATH`: no proxies, no
/// configuration files, no language.
///
/// # Panics
///
/// When the program is missing; ask [`installed`] first.
pub fn command(program: &str, home: &Path) -> Command {
    let mut command = Command::new(find(program).unwrap_or_else(|| panic!("{program} is missing")));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("LC_ALL", "C.UTF-8")
        .current_dir(home);
    command
}

/// Runs a command to its end and gives its standard output.
///
/// # Panics
///
/// When it does not start or does not succeed; the message has all that it wrote.
pub fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        describe(&output)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Exit status and everything written, for messages.
pub fn describe(output: &Output) -> String {
    format!(
        "{}\n--- stdout\n{}\n--- stderr\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
