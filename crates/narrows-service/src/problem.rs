//! [`Problem`]: something wrong with the settings, where it stands, and what to write instead.

use std::fmt;

use narrows_endpoint::Source;

/// Something wrong with the settings. Nothing is started while there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands: a line of a file, a flag, a variable.
    pub source: Source,
    /// What is wrong, with the offending text unless it may be secret; one line, no trailing period.
    pub message: String,
    /// What to write instead, if there is something better to say than the message.
    pub hint: Option<String>,
}

/// Every problem that was found, in the order of the places where they stand. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems(Vec<Problem>);

// === impl Problem ===

impl Problem {
    /// A problem without a hint.
    pub fn new(source: Source, message: impl fmt::Display) -> Self {
        let message = message.to_string();
        Self {
            source,
            message,
            hint: None,
        }
    }

    /// Says what to write instead.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }
}

/// `error: place: message`, then a `hint:` line if there is one. No newline at the end.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}: {}", self.source, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

// === impl Problems ===

impl Problems {
    /// `Ok` if `problems` is empty.
    ///
    /// # Errors
    ///
    /// The problems, sorted by line where they stand in a file.
    pub fn check(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() {
            return Ok(());
        }
        Err(Self::sorted(problems))
    }

    /// Problems by the line where they stand in a file, what stands elsewhere first.
    pub fn sorted(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| match &problem.source {
            Source::File { line, .. } => *line,
            _ => 0,
        });
        Self(problems)
    }

    /// The problems, at least one.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}
