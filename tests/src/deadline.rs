//! Waiting for what another process does, with a limit.

use std::time::{Duration, Instant};

/// How long a test waits for something that should happen at once. Long, because a loaded machine
/// may be slow; a test that fails takes this long, a test that passes does not.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Asks until there is an answer, and gives it back.
///
/// # Panics
///
/// When there is none within [`PATIENCE`]; `what` says what was waited for.
pub fn until<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, ask)
}

/// The same with another patience, for what is much work.
///
/// # Panics
///
/// When there is no answer within it.
pub fn within<T>(patience: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        // Other processes offer nothing to wait on; this gives them the processor meanwhile.
        std::thread::sleep(Duration::from_millis(5));
    }
}
