//! [`Access`]: one request from its arrival to its end, for logs that give it a single line.

use std::fmt;
use std::str::FromStr;

use narrows_endpoint::{Hop, Route, Step};

use crate::text::Text;
use crate::timestamp::Timestamp;
use crate::words::{ConnId, HttpVersion, UnknownWord, Via};

mod clf;
mod escape;
pub(crate) mod json;
mod squid;

/// One request from its arrival to its end.
///
/// What a format has no place for is left out when written and absent when read; [`AccessFormat::Json`]
/// has a place for everything. Whatever is inside, a line stays one line, and what it says is read back.
///
/// # Examples
///
/// ```
/// use narrows_log::{Access, AccessFormat};
///
/// let line = "1795288236.129      5 127.0.0.1 TCP_TUNNEL/200 2046 CONNECT example.com:443 alice \
///             HIER_DIRECT/192.0.2.1 -";
/// let access = Access::parse(AccessFormat::Squid, line)?;
/// assert_eq!((&*access.target, access.status, access.received), ("example.com:443", 200, 2046));
/// assert_eq!(access.identity.as_deref(), Some("alice"));
/// # Ok::<(), narrows_log::AccessError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who asked: an address with or without port, or a name in a foreign log.
    pub client: Text,
    /// From the request to its end, in milliseconds.
    pub elapsed_ms: Option<u64>,
    /// The way that was decided and not taken.
    pub fallback: Option<AccessFallback>,
    /// Why it was refused, or did not end cleanly.
    pub fault: Option<AccessFault>,
    /// The numbers that join it to other lines.
    pub id: Option<ConnId>,
    /// Who the client proved to be.
    pub identity: Option<Text>,
    /// `CONNECT`, or the method of plain HTTP; empty if none was read.
    pub method: Text,
    /// The address that was dialled: the target's or the proxy's.
    pub peer: Option<Text>,
    /// Octets to the client.
    pub received: u64,
    /// A foreign log's own word for what happened, such as `TCP_MISS`.
    pub result: Option<Text>,
    /// What allowed it.
    pub rule: Option<Text>,
    /// Octets from the client.
    pub sent: Option<u64>,
    /// The HTTP status of the answer; 0 if there was none.
    pub status: u16,
    /// What was asked for, in the client's own words; empty if nothing was.
    pub target: Text,
    /// When it ended.
    pub time: Timestamp,
    /// The HTTP version of the request.
    pub version: Option<HttpVersion>,
    /// The way it took, unless it was refused.
    pub via: Option<Via>,
}

/// Why a request was refused, or did not end cleanly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessFault {
    /// The party to blame.
    pub by: Hop,
    /// How, in one line.
    pub reason: Text,
    /// What was being done.
    pub step: Step,
}

/// The way that was decided and not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessFallback {
    /// Why not.
    pub reason: Text,
    /// The route taken.
    pub took: Route,
    /// The route decided.
    pub wanted: Route,
}

/// A form of log line that gives a request a single line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AccessFormat {
    /// The Common Log Format of NCSA httpd: whole seconds, no duration, no route. Its user is the
    /// identity.
    Clf,
    /// One JSON object with everything, its keys as in [`Access`]; what is absent is left out.
    Json,
    /// Squid's native `logformat squid`. Identities, targets and methods are percent-encoded where they
    /// would break the line.
    Squid,
}

/// Why a line is none of its format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// A field that is not there, or not what belongs there.
    #[error("the {0} is missing or damaged")]
    Field(&'static str),
    /// A line that is not JSON, or lacks a key, or has one of another kind.
    #[error("not an access record: {0}")]
    Json(Text),
}

// === impl Access ===

impl Access {
    /// A record that says nothing but when and who; the rest is for the caller to fill in.
    pub fn new(time: Timestamp, client: impl Into<Text>) -> Self {
        Self {
            client: client.into(),
            elapsed_ms: None,
            fallback: None,
            fault: None,
            id: None,
            identity: None,
            method: Text::default(),
            peer: None,
            received: 0,
            result: None,
            rule: None,
            sent: None,
            status: 0,
            target: Text::default(),
            time,
            version: None,
            via: None,
        }
    }

    /// Appends the line and its line end.
    pub fn write_line(&self, format: AccessFormat, out: &mut String) {
        match format {
            AccessFormat::Clf => clf::write(self, out),
            AccessFormat::Json => json::write(self, out),
            AccessFormat::Squid => squid::write(self, out),
        }
        out.push('\n');
    }

    /// Reads a line; one line end after it is allowed.
    ///
    /// # Errors
    ///
    /// The line is damaged or of another format.
    pub fn parse(format: AccessFormat, line: &str) -> Result<Self, AccessError> {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        match format {
            AccessFormat::Clf => clf::parse(line),
            AccessFormat::Json => json::parse(line),
            AccessFormat::Squid => squid::parse(line),
        }
    }
}

// === impl AccessFormat ===

impl AccessFormat {
    /// Every format, for tables and parsers.
    pub const ALL: [Self; 3] = [Self::Clf, Self::Json, Self::Squid];

    /// The word that settings use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clf => "clf",
            Self::Json => "json",
            Self::Squid => "squid",
        }
    }
}

impl fmt::Display for AccessFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AccessFormat {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == word)
            .ok_or(UnknownWord)
    }
}

/// `-` stands for what is not there.
fn present(field: &str) -> Option<&str> {
    (!matches!(field, "-" | "")).then_some(field)
}

#[cfg(test)]
mod tests;
