//! What a service tells the service manager that started it, in the words of systemd's `sd_notify(3)`.
//!
//! Without a service manager that listens (`NOTIFY_SOCKET`), nothing happens. A manager that cannot be
//! told is a warning on standard error and no reason not to serve.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sd_notify::NotifyState as State;

use crate::say::say;
use crate::watchdog;

/// It serves: `status` for people, and a sign of life from now on if the manager wants one
/// ([`watchdog`]). Call it on the runtime that serves.
///
/// # Panics
///
/// Outside a tokio runtime, if the manager wants signs of life.
pub fn ready(status: &str) {
    tell(&[State::Ready, State::Status(&one_line(status))]);
    if let Some(limit) = sd_notify::watchdog_enabled() {
        tokio::spawn(watchdog::watch(limit, || tell(&[State::Watchdog])));
    }
}

/// It reads its settings again; [`reloaded`] must follow. Not told after [`stopping`].
pub fn reloading() {
    // Type=notify-reload tells one reload from the next by the time at which it began.
    match State::monotonic_usec_now() {
        Ok(now) => unless_stopping(&[State::Reloading, now]),
        Err(_) => unless_stopping(&[State::Reloading]),
    }
}

/// It serves again, by old settings or new ones; `status` says which. Not told after [`stopping`].
pub fn reloaded(status: &str) {
    unless_stopping(&[State::Ready, State::Status(&one_line(status))]);
}

/// It ends, and takes at most `within` for that: a drain that was configured to be long is not killed by
/// the unit's `TimeoutStopSec=`.
pub fn stopping(status: &str, within: Duration) {
    let mut stopping = STOPPING.lock().unwrap_or_else(PoisonError::into_inner);
    *stopping = true;
    tell(&[
        State::Stopping,
        State::Status(&one_line(status)),
        State::Custom(&extension(within)),
    ]);
}

/// The crate's own assignment holds 71 minutes at the most, and a drain may take a week.
fn extension(within: Duration) -> String {
    let within = within.saturating_add(LAST_WORDS).as_micros();
    format!(
        "EXTEND_TIMEOUT_USEC={}",
        u64::try_from(within).unwrap_or(u64::MAX)
    )
}

/// What it does, for people (`systemctl status`).
pub fn status(status: &str) {
    tell(&[State::Status(&one_line(status))]);
}

/// A manager that hears of a reload behind the end would take the service for one that goes on.
fn unless_stopping(states: &[State<'_>]) {
    let stopping = STOPPING.lock().unwrap_or_else(PoisonError::into_inner);
    if !*stopping {
        tell(states);
    }
}

/// Whether the manager was told of the end. Held while it is told something, so that nothing comes between.
static STOPPING: Mutex<bool> = Mutex::new(false);

fn tell(states: &[State<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        say(format_args!(
            "warning: cannot tell the service manager ({}): {error}",
            states[0]
        ));
    }
}

/// A line end would begin another assignment of the protocol.
fn one_line(status: &str) -> String {
    status.replace(char::is_control, " ")
}

/// For the last lines of the log and the last tasks.
const LAST_WORDS: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_drain_is_told_whole() {
        let week = Duration::from_secs(7 * 24 * 3600);
        assert_eq!(extension(week), "EXTEND_TIMEOUT_USEC=604810000000");
        let most = format!("EXTEND_TIMEOUT_USEC={}", u64::MAX);
        assert_eq!(extension(Duration::MAX), most);
    }

    #[test]
    fn a_status_is_no_second_assignment() {
        assert_eq!(one_line("a\nREADY=1\r\n"), "a READY=1  ");
    }
}
