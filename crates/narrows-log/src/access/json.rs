//! JSON lines: everything, one object a line.

use std::borrow::Cow;
use std::io;

use serde::{Deserialize, Serialize};
use serde_json::ser::Formatter;

use super::{Access, AccessError, AccessFallback, AccessFault};
use crate::quote::is_printable;
use crate::text::Text;
use crate::words::ConnId;

/// The line as serde sees it; the order of the fields is that of the keys.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    client: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<Cow<'a, str>>,
    method: Cow<'a, str>,
    target: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Cow<'a, str>>,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    via: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elapsed_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<u64>,
    received: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<Fault<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback: Option<Fallback<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Fault<'a> {
    by: Cow<'a, str>,
    step: Cow<'a, str>,
    reason: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct Fallback<'a> {
    wanted: Cow<'a, str>,
    took: Cow<'a, str>,
    reason: Cow<'a, str>,
}

pub(super) fn write(access: &Access, out: &mut String) {
    let text = |text: &Option<Text>| text.as_ref().map(|text| text.to_string().into());
    let line = Line {
        time: access.time.to_string(),
        id: access.id.map(|id| id.to_string()),
        client: Cow::Borrowed(&access.client),
        identity: text(&access.identity),
        method: Cow::Borrowed(&access.method),
        target: Cow::Borrowed(&access.target),
        version: access.version.map(|version| version.as_str().into()),
        status: access.status,
        result: text(&access.result),
        via: access.via.map(|via| via.as_str().into()),
        peer: text(&access.peer),
        rule: text(&access.rule),
        elapsed_ms: access.elapsed_ms,
        sent: access.sent,
        received: access.received,
        fault: access.fault.as_ref().map(|fault| Fault {
            by: fault.by.as_str().into(),
            step: fault.step.as_str().into(),
            reason: Cow::Borrowed(&fault.reason),
        }),
        fallback: access.fallback.as_ref().map(|fallback| Fallback {
            wanted: fallback.wanted.as_str().into(),
            took: fallback.took.as_str().into(),
            reason: Cow::Borrowed(&fallback.reason),
        }),
    };
    push(out, &line);
}

/// Appends a text with its quotes.
pub(crate) fn push_string(out: &mut String, text: &str) {
    push(out, text);
}

fn push(out: &mut String, value: &(impl Serialize + ?Sized)) {
    let mut bytes = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Visible);
    // Texts and numbers into memory: neither can fail.
    let _ = value.serialize(&mut serializer);
    out.push_str(&String::from_utf8_lossy(&bytes));
}

pub(super) fn parse(line: &str) -> Result<Access, AccessError> {
    let line: Line<'_> = serde_json::from_str(line)
        .map_err(|error| AccessError::Json(Text::new(error.to_string())))?;
    let text = |text: Option<Cow<'_, str>>| text.map(|text| Text::new(text.into_owned()));
    Ok(Access {
        client: Text::new(line.client),
        elapsed_ms: line.elapsed_ms,
        fallback: line.fallback.map(Fallback::read).transpose()?,
        fault: line.fault.map(Fault::read).transpose()?,
        id: line
            .id
            .map(|id| ConnId::parse(&id).ok_or(AccessError::Field("id")))
            .transpose()?,
        identity: text(line.identity),
        method: Text::new(line.method),
        peer: text(line.peer),
        received: line.received,
        result: text(line.result),
        rule: text(line.rule),
        sent: line.sent,
        status: line.status,
        target: Text::new(line.target),
        time: line.time.parse().map_err(|_| AccessError::Field("time"))?,
        version: line
            .version
            .map(|version| version.parse().map_err(|_| AccessError::Field("version")))
            .transpose()?,
        via: line
            .via
            .map(|via| via.parse().map_err(|_| AccessError::Field("via")))
            .transpose()?,
    })
}

impl Fault<'_> {
    fn read(self) -> Result<AccessFault, AccessError> {
        Ok(AccessFault {
            by: self.by.parse().map_err(|_| AccessError::Field("by"))?,
            reason: Text::new(self.reason),
            step: self.step.parse().map_err(|_| AccessError::Field("step"))?,
        })
    }
}

impl Fallback<'_> {
    fn read(self) -> Result<AccessFallback, AccessError> {
        let route = |word: &str, name| word.parse().map_err(|_| AccessError::Field(name));
        Ok(AccessFallback {
            took: route(&self.took, "took")?,
            wanted: route(&self.wanted, "wanted")?,
            reason: Text::new(self.reason),
        })
    }
}

/// Compact JSON in which what cannot be seen is escaped too: separators of Unicode would break the line
/// for some readers, and controls of direction turn it around.
struct Visible;

impl Formatter for Visible {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|&(_, c)| !is_printable(c)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}
