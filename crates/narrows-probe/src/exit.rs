//! [`Exit`]: how the process ends, as a number that scripts can branch on.

use std::process::ExitCode;

/// What `--help` says about exit codes; a test holds it to [`Exit`].
pub const HELP: &str = "\
Exit codes:
  0   clean: everything is reachable, or what was asked for is printed
  1   something is not reachable, or could not be fetched
  2   wrong usage, a bad file, or an output that cannot be written
  3   reachable, with warnings only
  4   nothing could be tested
  26  check --azcmagent: what 1 and 4 are otherwise";

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything is reachable, or what was asked for is printed.
    Clean = 0,
    /// At least one endpoint is not reachable, or something could not be fetched.
    Failure = 1,
    /// The command line or a file is wrong, or the output cannot be written.
    Usage = 2,
    /// Everything is reachable, and something about it is not as it should be.
    Warnings = 3,
    /// Nothing could be tested: the break is on this machine, or in front of every endpoint.
    Nothing = 4,
    /// What `azcmagent check` exits with when an endpoint is not reachable (AZCM0026).
    Azcmagent = 26,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_code() {
        let codes = [
            Exit::Clean,
            Exit::Failure,
            Exit::Usage,
            Exit::Warnings,
            Exit::Nothing,
            Exit::Azcmagent,
        ];
        let named: Vec<u8> = HELP
            .lines()
            .filter_map(|line| line.split_whitespace().next()?.parse().ok())
            .collect();
        assert_eq!(named, codes.map(|code| code as u8));
    }
}
