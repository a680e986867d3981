//! [`Exit`]: how the process ends, as a number that scripts can branch on.

use std::process::ExitCode;

/// What `--help` says about exit codes; a test holds it to [`Exit`].
pub const HELP: &str = "\
Exit codes:
  0  clean: done, or served and drained
  1  could not be done, or could not serve
  2  wrong usage, configuration or definitions; nothing was started
  3  served, and connections were cut at the end";

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything asked for was done, or every tunnel ended by itself.
    Clean = 0,
    /// Something failed (a name is taken, an address is).
    Failure = 1,
    /// The command line, the environment, the configuration file or what it names is wrong.
    Usage = 2,
    /// It served, and connections that were still open at the end were cut.
    Cut = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
