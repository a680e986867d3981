//! [`Subject`]: what only the binary knows about itself.

use crate::status::{Configuration, Descriptors, LogLines, Party, Routes};

/// What an admin listener tells about, beside what its [`Watch`](crate::Watch) has seen.
///
/// It is asked for each answer, on a task of its own; it may take locks that are short.
pub trait Subject: Send + Sync + 'static {
    /// The state of now.
    fn facts(&self) -> Facts;

    /// Which route a target takes, and why, as JSON; `host` is what somebody typed.
    ///
    /// # Errors
    ///
    /// Why the text is no target, in one line.
    fn explain(&self, host: &str) -> Result<serde_json::Value, String>;
}

/// The state of a binary, as it knows it itself.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The program.
    pub program: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Whether it takes new requests.
    pub ready: bool,
    /// Whether rules only report what they would refuse.
    pub report_only: bool,
    /// Addresses that clients connect to.
    pub listen: Vec<String>,
    /// Where its settings come from.
    pub configuration: Configuration,
    /// What decides routes.
    pub routes: Routes,
    /// The parties on the ways out.
    pub parties: Vec<Party>,
    /// What has become of log lines.
    pub log: LogLines,
    /// Descriptors of the process.
    pub descriptors: Descriptors,
}
