//! [`Entry`]: a line of a log, whatever its form.

use serde::Deserialize;

use crate::access::{Access, AccessError, AccessFormat};
use crate::event::Event;
use crate::record::{Record, RecordError};

mod brief;

pub(crate) use brief::{Brief, What};

/// A line of a log, whatever its form.
///
/// Each line is judged alone, so a file may mix forms, as one does after its settings have changed.
///
/// # Examples
///
/// ```
/// use narrows_log::Entry;
///
/// let squid = "1795288236.129 5 127.0.0.1 TCP_TUNNEL/200 46 CONNECT example.com:443 - HIER_NONE/- -";
/// assert!(matches!(Entry::parse(squid), Ok(Entry::Access(_))));
/// let ours = "time=2024-07-17T04:14:46.339-07:00 level=INFO msg=\"stopped by SIGTERM\"";
/// assert!(matches!(Entry::parse(ours), Ok(Entry::Record(_))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A request in one line, as Squid, NCSA httpd and our JSON have it.
    Access(Box<Access>),
    /// A line of arcproxy, or a JSON object that says the same.
    Record(Record),
}

/// Why a line is none of its form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// It looks like an access line and is damaged.
    #[error("looks like {form}: {error}")]
    Access {
        /// What is wrong.
        error: AccessError,
        /// The form that its start has.
        form: AccessFormat,
    },
    /// It looks like a line of arcproxy and is damaged.
    #[error("looks like arcproxy: {0}")]
    Record(RecordError),
}

impl Entry {
    /// Reads a line, whose start says its form; one line end after it is allowed.
    ///
    /// # Errors
    ///
    /// The line is damaged, cut, or of no known form.
    pub fn parse(line: &str) -> Result<Self, EntryError> {
        if line.starts_with("time=") {
            return line.parse().map(Self::Record).map_err(EntryError::Record);
        }
        let form = access_form(line);
        let error = match Access::parse(form, line) {
            Ok(access) => return Ok(Self::Access(Box::new(access))),
            Err(error) => error,
        };
        json_record(line)
            .map(Self::Record)
            .ok_or(EntryError::Access { error, form })
    }
}

/// The form of an access line by its start. Squid's has seconds since 1970 there, or a date; an
/// address, which CLF starts with, has more points or colons.
fn access_form(line: &str) -> AccessFormat {
    let first = line.split_ascii_whitespace().next().unwrap_or_default();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = first.strip_prefix('-').unwrap_or(first).split_once('.');
    let squid = seconds.is_some_and(|(whole, ms)| digits(whole) && digits(ms))
        || first.split('/').all(digits);
    match line.as_bytes().first() {
        Some(b'{') => AccessFormat::Json,
        _ if squid => AccessFormat::Squid,
        _ => AccessFormat::Clf,
    }
}

/// `{"time":…,"level":…,"msg":…}`
fn json_record(line: &str) -> Option<Record> {
    #[derive(Deserialize)]
    struct Line {
        time: String,
        level: String,
        msg: String,
    }
    // Not worth a second look unless it could be one.
    if !line.starts_with('{') || !line.contains("\"msg\"") {
        return None;
    }
    let line: Line = serde_json::from_str(line).ok()?;
    Some(Record {
        time: line.time.parse().ok()?,
        severity: line.level.parse().ok()?,
        event: Event::parse(&line.msg),
    })
}

#[cfg(test)]
mod tests;
