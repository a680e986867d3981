//! [`Fault`]: why a command ends without doing what it was asked, for people.

use std::fmt;

use crate::exit::Exit;

/// Why a command ends without doing what it was asked: what, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Fault {
    exit: Exit,
    message: String,
    hint: Option<String>,
}

// === impl Fault ===

impl Fault {
    /// Something the caller wrote is wrong: exit code 2.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Something could not be done: exit code 1.
    pub fn failure(message: impl fmt::Display) -> Self {
        Self::new(Exit::Failure, message)
    }

    fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self {
            exit,
            message: message.to_string(),
            hint: None,
        }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// How the process ends.
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// The message alone, without the hint.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// `error: message`, then a `hint:` line if there is one. No newline at the end.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}
