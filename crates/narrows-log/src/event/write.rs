//! Events into messages.

use std::fmt::{self, Write};
use std::net::SocketAddr;

use super::Event;
use crate::quote::{decimal, push_quoted};
use crate::words::{Address, ConnId};

impl Event {
    /// Whether the message has no character that needs quoting in a line, spaces apart.
    pub(crate) const fn is_plain(&self) -> bool {
        matches!(
            self,
            Self::Done { .. } | Self::Dropped { .. } | Self::Open { .. }
        )
    }

    /// Writes the message, unquoted.
    pub(crate) fn write_message(&self, out: &mut String) {
        match self {
            Self::Done {
                id,
                sent,
                received,
                via,
            } => {
                push_id(out, *id);
                push_all(out, &[" done via ", via.as_str(), " bytes ->:"]);
                decimal(out, *sent);
                out.push_str(", <-:");
                decimal(out, *received);
            }
            Self::Open {
                client,
                id,
                target,
                version,
            } => {
                push_id(out, *id);
                out.push(' ');
                push_address(out, *client);
                push_fmt(out, format_args!(" --> {target} on {}", version.as_str()));
            }
            other => other.write_own(out),
        }
    }

    /// The forms that are Narrows' own.
    fn write_own(&self, out: &mut String) {
        match self {
            Self::Dropped { lines: 1 } => out.push_str("dropped 1 line"),
            Self::Dropped { lines } => push_fmt(out, format_args!("dropped {lines} lines")),
            Self::Ended { by, id, reason } => {
                push_fmt(out, format_args!("{id} ended by {by}: {reason}"));
            }
            Self::Fallback {
                id,
                reason,
                target,
                took,
                wanted,
            } => push_fmt(
                out,
                format_args!("{id} {target} wanted {wanted}, took {took}: {reason}"),
            ),
            Self::Refused {
                client,
                hop,
                id,
                reason,
                status,
                step,
                target,
            } => {
                push_fmt(out, format_args!("{id} {client} --> "));
                push_quoted(out, target);
                push_fmt(
                    out,
                    format_args!(" refused {status} {hop}/{step}: {reason}"),
                );
            }
            Self::Started { detail, listen } => {
                push_fmt(out, format_args!("started {listen} {detail}"));
            }
            Self::Stopped { detail } => push_all(out, &["stopped ", detail]),
            Self::WouldDeny { id, reason, target } => {
                push_fmt(out, format_args!("{id} {target} would deny: {reason}"));
            }
            Self::Note(text) => {
                if Self::parse(text) != Self::Note(text.clone()) {
                    out.push_str("note: ");
                }
                out.push_str(text);
            }
            Self::Done { .. } | Self::Open { .. } => {}
        }
    }
}

fn push_id(out: &mut String, id: ConnId) {
    out.push_str("P:");
    decimal(out, id.listener);
    out.push_str(":C:");
    decimal(out, id.connection);
}

/// IPv4 by hand: nearly every client is 127.0.0.1, and the standard form costs as much as the rest of
/// the line.
fn push_address(out: &mut String, address: Address) {
    match address.get() {
        SocketAddr::V4(v4) => {
            let mut separator = "";
            for octet in v4.ip().octets() {
                out.push_str(separator);
                decimal(out, octet.into());
                separator = ".";
            }
            out.push(':');
            decimal(out, v4.port().into());
        }
        SocketAddr::V6(v6) => push_fmt(out, format_args!("{v6}")),
    }
}

fn push_all(out: &mut String, parts: &[&str]) {
    for part in parts {
        out.push_str(part);
    }
}

fn push_fmt(out: &mut String, arguments: fmt::Arguments<'_>) {
    // Writing to a growing buffer cannot fail, so the result says nothing.
    let _ = out.write_fmt(arguments);
}
