//! Fields for journald: the line, and what it says.

use std::fmt::{Display, Write as _};

use super::{Item, priority};
use crate::access::Access;
use crate::event::Event;
use crate::format::Format;
use crate::quote::push_escaped;

/// Appends an item as fields; `false` if the format has no such lines.
pub(super) fn write(identifier: &str, item: Item<'_>, format: Format, out: &mut String) -> bool {
    let start = out.len();
    out.push_str("MESSAGE=");
    if !item.write_line(format, out) {
        out.truncate(start);
        return false;
    }
    out.pop(); // the line end, which is not part of the message
    let mut fields = Fields(out);
    fields.add("PRIORITY", priority(item.severity()));
    fields.add("SYSLOG_IDENTIFIER", identifier);
    fields.add("NARROWS_EVENT", item.kind());
    match item {
        Item::Access(access) => fields.access(access),
        Item::Record(record) => fields.event(&record.event),
    }
    out.push('\n');
    true
}

/// Where fields are appended.
struct Fields<'a>(&'a mut String);

impl Fields<'_> {
    fn add(&mut self, name: &str, value: impl Display) {
        self.0.push(SEPARATOR);
        self.0.push_str(name);
        self.0.push('=');
        // Writing to a growing text cannot fail, so the result says nothing.
        let _ = write!(Visible(self.0), "{value}");
    }

    fn maybe(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    fn access(&mut self, access: &Access) {
        self.maybe("NARROWS_ID", access.id);
        self.add("NARROWS_CLIENT", &access.client);
        self.maybe("NARROWS_IDENTITY", access.identity.as_ref());
        self.add("NARROWS_METHOD", &access.method);
        self.add("NARROWS_TARGET", &access.target);
        self.add("NARROWS_STATUS", access.status);
        self.maybe("NARROWS_VIA", access.via);
        self.maybe("NARROWS_PEER", access.peer.as_ref());
        self.maybe("NARROWS_RULE", access.rule.as_ref());
        self.maybe("NARROWS_ELAPSED_MS", access.elapsed_ms);
        self.maybe("NARROWS_SENT", access.sent);
        self.add("NARROWS_RECEIVED", access.received);
        if let Some(fault) = &access.fault {
            self.add("NARROWS_BY", fault.by);
            self.add("NARROWS_STEP", fault.step);
            self.add("NARROWS_REASON", &fault.reason);
        }
        if let Some(fallback) = &access.fallback {
            self.add("NARROWS_WANTED", fallback.wanted);
            self.add("NARROWS_TOOK", fallback.took);
            self.add("NARROWS_FALLBACK", &fallback.reason);
        }
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Done {
                id,
                sent,
                received,
                via,
            } => {
                self.add("NARROWS_ID", id);
                self.add("NARROWS_VIA", via);
                self.add("NARROWS_SENT", sent);
                self.add("NARROWS_RECEIVED", received);
            }
            Event::Dropped { lines } => self.add("NARROWS_LINES", lines),
            Event::Ended { by, id, reason } => {
                self.add("NARROWS_ID", id);
                self.add("NARROWS_BY", by);
                self.add("NARROWS_REASON", reason);
            }
            Event::Fallback {
                id,
                reason,
                target,
                took,
                wanted,
            } => {
                self.add("NARROWS_ID", id);
                self.add("NARROWS_TARGET", target);
                self.add("NARROWS_WANTED", wanted);
                self.add("NARROWS_TOOK", took);
                self.add("NARROWS_FALLBACK", reason);
            }
            Event::Open {
                client, id, target, ..
            } => {
                self.add("NARROWS_ID", id);
                self.add("NARROWS_CLIENT", client);
                self.add("NARROWS_TARGET", target);
            }
            Event::Refused {
                client,
                hop,
                id,
                reason,
                status,
                step,
                target,
            } => {
                self.add("NARROWS_ID", id);
                self.add("NARROWS_CLIENT", client);
                self.add("NARROWS_TARGET", target);
                self.add("NARROWS_STATUS", status);
                self.add("NARROWS_BY", hop);
                self.add("NARROWS_STEP", step);
                self.add("NARROWS_REASON", reason);
            }
            Event::WouldDeny { id, reason, target } => {
                self.add("NARROWS_ID", id);
                self.add("NARROWS_TARGET", target);
                self.add("NARROWS_WOULD_DENY", reason);
            }
            Event::Note(_) | Event::Started { .. } | Event::Stopped { .. } => {}
        }
    }
}

/// Escapes what cannot be seen: the journal keeps anything, but its readers show a value with controls as
/// "blob data".
struct Visible<'a>(&'a mut String);

impl std::fmt::Write for Visible<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        push_escaped(self.0, text);
        Ok(())
    }
}

/// Between two fields: a control, so no value has it.
const SEPARATOR: char = '\u{1f}';
