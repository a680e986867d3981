//! [`Launch`]: under what circumstances a binary is started.

use std::path::Path;
use std::process::Command;

/// Under what circumstances a binary is started: with this environment, and by these programs.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    by: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Launch {
    /// Started as it is, with an empty environment.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Has a shell run a line, and then become the binary: what the line does to its process holds for the
    /// binary, which keeps the process's number. A line that is added later runs later.
    #[must_use]
    pub fn after(mut self, line: &str) -> Self {
        let line = format!("{line} && exec \"$0\" \"$@\"");
        self.by
            .extend(["/bin/sh".to_owned(), "-c".to_owned(), line]);
        self
    }

    /// Lets it have no more than this many descriptors, and no right to raise the limit.
    #[must_use]
    pub fn descriptors(self, limit: u32) -> Self {
        self.after(&format!("ulimit -n {limit}"))
    }

    /// Gives it mounts of its own, which end with it: a line that is added later may change them. Takes root.
    #[must_use]
    pub fn own_mounts(mut self) -> Self {
        self.by
            .extend(["/usr/bin/unshare", "--mount"].map(str::to_owned));
        self
    }

    /// The command that starts `binary`.
    pub(crate) fn command(&self, binary: &Path) -> Command {
        let mut words = self.by.iter();
        let mut command = match words.next() {
            None => Command::new(binary),
            Some(program) => {
                let mut command = Command::new(program);
                command.args(words).arg(binary);
                command
            }
        };
        command.env_clear().envs(self.environment.clone());
        command
    }
}
