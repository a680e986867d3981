//! What signals ask for.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that ask for the end: SIGTERM and SIGINT.
#[derive(Debug)]
pub struct End {
    interrupt: Signal,
    terminate: Signal,
}

impl End {
    /// Listens from now on; the signals no longer end the process by themselves.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next of them.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a signal that came is not lost.
    pub async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Signals that ask to open the log again: SIGHUP.
///
/// # Errors
///
/// The operating system's.
pub fn reopen() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}
