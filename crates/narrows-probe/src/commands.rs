//! What the commands do: arguments in, exit code out.

use std::time::Duration;

use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::fault::Fault;

pub mod allowlist;
pub mod check;
pub mod compare;
pub mod endpoints;
pub mod explain;
pub mod tls;

/// Does what the command line says.
///
/// # Errors
///
/// [`Fault`]: why it was not done; nothing else was printed about it.
///
/// # Cancel safety
///
/// Dropping the future ends what is under way; files that are written are whole or as they were.
pub async fn run(cli: Cli) -> Result<Exit, Fault> {
    match cli.command {
        Command::Allowlist(args) => allowlist::run(*args).await,
        Command::Check(args) => check::run(*args).await,
        Command::Compare(args) => compare::run(*args).await,
        Command::Endpoints(args) => endpoints::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Tls(args) => tls::run(*args).await,
    }
}

/// Reads a duration: a whole number with `ms`, `s` (also when nothing stands there), `m` or `h`.
///
/// # Errors
///
/// What a duration looks like.
pub fn read_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration; write, for example, 500ms, 30s, 5m or 1h");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u32 = digits.parse().map_err(|_| wrong())?;
    let one = match &text[digits.len()..] {
        "ms" => Duration::from_millis(1),
        "" | "s" => Duration::from_secs(1),
        "m" => Duration::from_secs(60),
        "h" => Duration::from_secs(3600),
        _ => return Err(wrong()),
    };
    one.checked_mul(number).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(read_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(read_duration("7"), Ok(Duration::from_secs(7)));
        assert_eq!(read_duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(read_duration("1h"), Ok(Duration::from_secs(3600)));
        for wrong in ["", "s", "-1s", "1.5s", "1d", "1 s", "99999999999s", "1sm"] {
            assert!(read_duration(wrong).is_err(), "{wrong}");
        }
    }
}
