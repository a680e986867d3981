//! What a service tells the service manager that started it, in the words of systemd's `sd_notify(3)`.
//!
//! Without a service manager that listens (`NOTIFY_SOCKET`), nothing happens. A manager that cannot be
//! told is a warning on standard error and no reason not to serve.

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

/// It reads its settings again; [`reloaded`] must follow.
pub fn reloading() {
    // Type=notify-reload tells one reload from the next by the time at which it began.
    match State::monotonic_usec_now() {
        Ok(now) => tell(&[State::Reloading, now]),
        Err(_) => tell(&[State::Reloading]),
    }
}

/// It serves again, by old settings or new ones; `status` says which.
pub fn reloaded(status: &str) {
    tell(&[State::Ready, State::Status(&one_line(status))]);
}

/// It ends, and takes at most `within` for that: a drain that was configured to be long is not killed by
/// the unit's `TimeoutStopSec=`.
pub fn stopping(status: &str, within: Duration) {
    let within = u32::try_from((within + LAST_WORDS).as_micros()).unwrap_or(u32::MAX);
    tell(&[
        State::Stopping,
        State::Status(&one_line(status)),
        State::ExtendTimeoutUsec(within),
    ]);
}

/// What it does, for people (`systemctl status`).
pub fn status(status: &str) {
    tell(&[State::Status(&one_line(status))]);
}

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
    fn a_status_is_no_second_assignment() {
        assert_eq!(one_line("a\nREADY=1\r\n"), "a READY=1  ");
    }
}
