//! [`Envelope`]: what stands around a line on its way to a sink that is no file.

use std::fmt::Write as _;
use std::str::FromStr;

use crate::access::Access;
use crate::format::Format;
use crate::record::Record;
use crate::timestamp::Timestamp;
use crate::words::Severity;

mod journal;

/// What stands around a line on its way to a sink.
///
/// Whatever it is, what the sink gets is one line, ended by a line feed: the sink makes a datagram or a
/// frame of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Envelope {
    /// Fields for journald, each `NAME=value`, with U+001F between them: `MESSAGE` is the line, the others
    /// are what it says. Controls in values are escaped.
    Journal {
        /// `SYSLOG_IDENTIFIER`, the word before each line in the journal.
        identifier: Box<str>,
    },
    /// Nothing.
    #[default]
    None,
    /// The header of RFC 5424; the line is its MSG. Cut after 8 192 octets, the most that common
    /// receivers take.
    Syslog(SyslogHeader),
}

/// What the header of RFC 5424 says of the sender, section 6.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyslogHeader {
    facility: Facility,
    /// HOSTNAME, APP-NAME and PROCID with a space around each.
    sender: Box<str>,
}

/// A facility of RFC 5424, table 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facility(u8);

/// A word that names no facility.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a facility: write daemon, user, auth, authpriv or local0 to local7")]
pub struct UnknownFacility;

/// Something to write.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item<'a> {
    Access(&'a Access),
    Record(&'a Record),
}

// === impl Envelope ===

impl Envelope {
    /// Appends an item as one line; `false` if the format has no such lines.
    pub(super) fn write(&self, item: Item<'_>, format: Format, out: &mut String) -> bool {
        match self {
            Self::None => item.write_line(format, out),
            Self::Journal { identifier } => journal::write(identifier, item, format, out),
            Self::Syslog(header) => header.write(item, format, out),
        }
    }
}

// === impl SyslogHeader ===

impl SyslogHeader {
    /// A header of this sender. What RFC 5424 does not allow in a name becomes `_`, and names that are too
    /// long are cut; an empty one becomes `-`.
    pub fn new(facility: Facility, hostname: &str, app: &str, process: u32) -> Self {
        let mut sender = String::from(" ");
        push_name(&mut sender, hostname, 255);
        sender.push(' ');
        push_name(&mut sender, app, 48);
        let _ = write!(sender, " {process} ");
        Self {
            facility,
            sender: sender.into(),
        }
    }

    fn write(&self, item: Item<'_>, format: Format, out: &mut String) -> bool {
        let start = out.len();
        let priority = u16::from(self.facility.0) * 8 + u16::from(priority(item.severity()));
        // Writing to a growing text cannot fail, so the result says nothing.
        let _ = write!(out, "<{priority}>1 {}", item.time().text().as_str());
        out.push_str(&self.sender);
        out.push_str(item.kind());
        out.push_str(" - ");
        if !item.write_line(format, out) {
            out.truncate(start);
            return false;
        }
        cut(out, start);
        true
    }
}

/// PRINTUSASCII of RFC 5424.
fn push_name(out: &mut String, name: &str, most: usize) {
    let before = out.len();
    let visible = |c: char| if c.is_ascii_graphic() { c } else { '_' };
    out.extend(name.chars().take(most).map(visible));
    if out.len() == before {
        out.push('-');
    }
}

/// Shortens the line that begins at `start`, so that a receiver need not.
fn cut(out: &mut String, start: usize) {
    if out.len() - start <= MAX_SYSLOG + 1 {
        return;
    }
    let mut end = start + MAX_SYSLOG - '…'.len_utf8();
    while !out.is_char_boundary(end) {
        end -= 1;
    }
    out.truncate(end);
    out.push_str("…\n");
}

// === impl Facility ===

impl Facility {
    /// `daemon`, for what runs in the background.
    pub const DAEMON: Self = Self(3);
}

impl FromStr for Facility {
    type Err = UnknownFacility;

    fn from_str(word: &str) -> Result<Self, UnknownFacility> {
        let known = FACILITIES.iter().find(|(known, _)| *known == word);
        known
            .map(|(_, number)| Self(*number))
            .ok_or(UnknownFacility)
    }
}

// === impl Item ===

impl Item<'_> {
    pub(super) const fn time(self) -> Timestamp {
        match self {
            Self::Access(access) => access.time,
            Self::Record(record) => record.time,
        }
    }

    /// A request that failed may need somebody.
    const fn severity(self) -> Severity {
        match self {
            Self::Access(access) if access.fault.is_some() || access.status >= 400 => {
                Severity::Warn
            }
            Self::Access(_) => Severity::Info,
            Self::Record(record) => record.severity,
        }
    }

    /// What it is, in one word.
    const fn kind(self) -> &'static str {
        use crate::event::Event;
        match self {
            Self::Access(_) => "request",
            Self::Record(record) => match &record.event {
                Event::Done { .. } => "done",
                Event::Dropped { .. } => "dropped",
                Event::Ended { .. } => "ended",
                Event::Fallback { .. } => "fallback",
                Event::Note(_) => "note",
                Event::Open { .. } => "open",
                Event::Refused { .. } => "refused",
                Event::Started { .. } => "started",
                Event::Stopped { .. } => "stopped",
                Event::WouldDeny { .. } => "would-deny",
            },
        }
    }

    /// Appends the line and its line end; `false` if the format has no such lines.
    fn write_line(self, format: Format, out: &mut String) -> bool {
        match (self, format) {
            (Self::Record(record), _) => record.write_line_as(format, out),
            (Self::Access(access), Format::Access(format)) => {
                access.write_line(format, out);
                true
            }
            (Self::Access(_), Format::Arcproxy) => false,
        }
    }
}

/// The numerical severity of RFC 5424, table 2.
const fn priority(severity: Severity) -> u8 {
    match severity {
        Severity::Error => 3,
        Severity::Warn => 4,
        Severity::Info => 6,
        Severity::Debug => 7,
    }
}

/// Octets of the longest message.
const MAX_SYSLOG: usize = 8192;
/// Those that a service may use.
const FACILITIES: [(&str, u8); 12] = [
    ("user", 1),
    ("daemon", 3),
    ("auth", 4),
    ("authpriv", 10),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];

#[cfg(test)]
mod tests;
