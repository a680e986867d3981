//! [`Progress`]: how far a run is, for a person at a terminal.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use narrows_tls_probe::Report;

/// A bar on standard error while it is alive; nothing if that is no terminal.
#[derive(Debug)]
pub(super) struct Progress(ProgressBar);

// === impl Progress ===

impl Progress {
    pub(super) fn new(count: usize, wanted: bool) -> Self {
        let target = if wanted && std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(count), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }

    pub(super) fn done(&self, report: &Report) {
        if !report.is_reachable() {
            self.0
                .set_message(format!("{} {}", report.target, report.verdict.id));
        }
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
