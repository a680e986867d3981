//! [`Exit`]: how the process ends, as a number that scripts can branch on.

use std::process::ExitCode;

/// What `--help` says about exit codes; a test holds it to [`Exit`].
pub const HELP: &str = "\
Exit codes:
  0  clean: explained, reported, or served and drained
  1  could not serve or read a log
  2  wrong usage or configuration
  3  served, and connections were cut at the end";

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything asked for was done: targets explained, logs read, or every tunnel ended by itself.
    Clean = 0,
    /// Serving failed (an address is taken, say) or a log could not be read.
    Failure = 1,
    /// The command line, the environment or the configuration file is wrong; nothing was started.
    Usage = 2,
    /// It served, and connections that were still open at the end were cut.
    Cut = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
