//! The signals that end a command: SIGINT and SIGTERM.

use crate::fault::Fault;

/// Waits for the signals that end a command.
#[derive(Debug)]
pub struct End {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 2],
}

// === impl End ===

#[cfg(unix)]
impl End {
    /// From now on the signals do not end the process by themselves.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn new() -> Result<Self, Fault> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Fault::failure(format_args!("cannot wait for signals: {error}")))
        };
        Ok(Self {
            signals: [
                listen(SignalKind::interrupt())?,
                listen(SignalKind::terminate())?,
            ],
        })
    }

    /// Waits for one of them.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a signal that came meanwhile is seen by the next call.
    pub async fn asked(&mut self) {
        let [interrupt, terminate] = &mut self.signals;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl End {
    /// From now on Ctrl-C does not end the process by itself.
    ///
    /// # Errors
    ///
    /// None here.
    pub fn new() -> Result<Self, Fault> {
        Ok(Self {})
    }

    /// Waits for Ctrl-C.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn asked(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
