//! [`Record`]: one line of the log.

use std::fmt;
use std::str::FromStr;

use crate::access::{AccessFormat, json};
use crate::event::Event;
use crate::format::Format;
use crate::quote::{push_value, unquote_prefix};
use crate::timestamp::{Timestamp, TimestampError};
use crate::words::Severity;

/// One line of the log: when, how grave, what.
///
/// Displayed as one line without its line end, in the layout of Go's `slog` TextHandler, which
/// arcproxy uses: `time=… level=… msg="…"`. Whatever is inside, it stays one line and parses back to an
/// equal record.
///
/// # Examples
///
/// ```
/// use narrows_log::{Event, Record, Via};
///
/// let line = "time=2024-07-17T04:28:36.280-07:00 level=INFO \
///             msg=\"P:2:C:14 done via gatewayh1 bytes ->:2290, <-:5576\"";
/// let record: Record = line.parse()?;
/// assert!(matches!(record.event, Event::Done { via: Via::GatewayH1, sent: 2290, .. }));
/// assert_eq!(record.to_string(), line);
/// # Ok::<(), narrows_log::RecordError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// When.
    pub time: Timestamp,
    /// How grave.
    pub severity: Severity,
    /// What.
    pub event: Event,
}

/// Why a line is not a record.
///
/// Messages of unknown form are no error: they are [`Event::Note`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Words that are no message: quotes inside, or no space where the next field should start.
    #[error("the message is not a plain word or a quoted text")]
    Message,
    /// A field is not where it belongs.
    #[error("`{0}=` is missing: a line is `time=… level=… msg=…`")]
    Missing(&'static str),
    /// A level that `slog` does not have.
    #[error("the level is not DEBUG, INFO, WARN or ERROR")]
    Severity,
    /// A time in another form.
    #[error(transparent)]
    Time(#[from] TimestampError),
    /// A quoted message without its closing quote, or with an escape that Go does not write: the line
    /// was cut or overwritten.
    #[error("the quoted message is damaged or cut")]
    Unquote,
}

// === impl Record ===

impl Record {
    /// A record with the severity that Narrows gives to such an event.
    pub const fn new(time: Timestamp, event: Event) -> Self {
        Self {
            time,
            severity: event.severity(),
            event,
        }
    }

    /// Appends the line and its line end.
    pub fn write_line(&self, out: &mut String) {
        self.write(out);
        out.push('\n');
    }

    /// Appends the line of a form and its line end; `false` if the form has no such lines.
    ///
    /// As JSON it is an object with the keys `time`, `level` and `msg`.
    pub fn write_line_as(&self, format: Format, out: &mut String) -> bool {
        match format {
            Format::Arcproxy => self.write_line(out),
            Format::Access(AccessFormat::Json) => {
                let mut message = String::new();
                self.event.write_message(&mut message);
                out.push_str("{\"time\":\"");
                out.push_str(self.time.text().as_str());
                out.push_str("\",\"level\":\"");
                out.push_str(self.severity.as_str());
                out.push_str("\",\"msg\":");
                json::push_string(out, &message);
                out.push_str("}\n");
            }
            Format::Access(_) => return false,
        }
        true
    }

    fn write(&self, out: &mut String) {
        out.push_str("time=");
        out.push_str(self.time.text().as_str());
        out.push_str(" level=");
        out.push_str(self.severity.as_str());
        out.push_str(" msg=");
        if self.event.is_plain() {
            out.push('"');
            self.event.write_message(out);
            out.push('"');
            return;
        }
        let mut message = String::new();
        self.event.write_message(&mut message);
        push_value(out, &message);
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = String::new();
        self.write(&mut line);
        f.write_str(&line)
    }
}

impl FromStr for Record {
    type Err = RecordError;

    /// Reads a line; one line end after it is allowed.
    fn from_str(line: &str) -> Result<Self, RecordError> {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let (time, rest) = field(line, "time")?;
        let (level, rest) = field(rest, "level")?;
        let message = rest
            .strip_prefix("msg=")
            .ok_or(RecordError::Missing("msg"))?;
        Ok(Self {
            time: time.parse()?,
            severity: level.parse().map_err(|_| RecordError::Severity)?,
            event: Event::parse(&parse_message(message)?),
        })
    }
}

/// Reads `name=value` and the space after it.
fn field<'a>(line: &'a str, name: &'static str) -> Result<(&'a str, &'a str), RecordError> {
    line.strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('='))
        .and_then(|rest| rest.split_once(' '))
        .ok_or(RecordError::Missing(name))
}

/// Reads the message, and fields that a foreign line may have after it, as one text.
fn parse_message(rest: &str) -> Result<String, RecordError> {
    let (mut message, fields) = if rest.starts_with('"') {
        unquote_prefix(rest).map_err(|_| RecordError::Unquote)?
    } else {
        let (word, fields) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
        if word.is_empty() || word.contains(['"', '=']) {
            return Err(RecordError::Message);
        }
        (word.to_owned(), fields)
    };
    if !fields.is_empty() && !fields.starts_with(' ') {
        return Err(RecordError::Message);
    }
    message.push_str(fields);
    Ok(message)
}

#[cfg(test)]
mod tests;
