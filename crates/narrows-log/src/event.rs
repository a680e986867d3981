//! [`Event`]: what a log line says, and the words in which it says it.

use narrows_endpoint::{Hop, Route, Step, Target};

use crate::text::Text;
use crate::words::{Address, ConnId, HttpVersion, Severity, Via};

mod parse;
mod write;

/// What happened.
///
/// [`Open`](Self::Open) and [`Done`](Self::Done) are arcproxy's own forms, byte for byte. The others
/// are Narrows' own: what arcproxy writes for errors, start and stop is not public. The first line of
/// each variant's text is its form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Event {
    /// `P:1:C:2 done via proxy bytes ->:542, <-:5805`: a tunnel has closed.
    Done {
        /// The connection.
        id: ConnId,
        /// Octets from the client to the target.
        sent: u64,
        /// Octets from the target to the client.
        received: u64,
        /// The way it took.
        via: Via,
    },
    /// `dropped 12 lines`: the log could not keep up and left out so many lines before this one.
    Dropped {
        /// How many.
        lines: u64,
    },
    /// `P:1:C:9 ended by target: reset`: an open tunnel did not end cleanly. Stands before its
    /// [`Done`](Self::Done).
    Ended {
        /// Who ended it.
        by: Hop,
        /// The connection.
        id: ConnId,
        /// How.
        reason: Text,
    },
    /// `P:1:C:2 example.com:443 wanted gateway, took direct: no gateway is configured`
    Fallback {
        /// The connection.
        id: ConnId,
        /// Why the decided route was not taken.
        reason: Text,
        /// What was asked for.
        target: Target,
        /// The route taken.
        took: Route,
        /// The route decided.
        wanted: Route,
    },
    /// Any other message. Read from a foreign line, it is that line's message; written, it is the text
    /// itself, or `note: ` and the text if the text alone would be read as another event.
    Note(Text),
    /// `P:1:C:2 127.0.0.1:49802 --> management.azure.com:443 on HTTP-1.1`: a request was accepted.
    Open {
        /// Who asks.
        client: Address,
        /// The connection.
        id: ConnId,
        /// What is asked for.
        target: Target,
        /// How it is asked.
        version: HttpVersion,
    },
    /// `P:1:C:3 127.0.0.1:49802 --> "example.com" refused 400 narrows/head: the port is missing`: a
    /// request was refused, or failed before its tunnel was open. The only line of that request.
    Refused {
        /// Who asked.
        client: Address,
        /// Who refused or failed.
        hop: Hop,
        /// The connection.
        id: ConnId,
        /// Why.
        reason: Text,
        /// The HTTP status of the answer.
        status: u16,
        /// What was being done.
        step: Step,
        /// What was asked for, in the client's own words; quoted.
        target: Text,
    },
    /// `started 127.0.0.1:40343 narrows-proxy 0.1.0`: a listener is open.
    Started {
        /// What has started, with which settings.
        detail: Text,
        /// The address that clients connect to.
        listen: Address,
    },
    /// `stopped 12 tunnels were open`: the process ends.
    Stopped {
        /// Why, or what was left.
        detail: Text,
    },
    /// `P:1:C:2 example.com:443 would deny: refused by policy`: a request was carried only because rules do no
    /// more than report.
    WouldDeny {
        /// The connection.
        id: ConnId,
        /// Why it would be refused.
        reason: Text,
        /// What was asked for.
        target: Target,
    },
}

impl Event {
    /// The severity with which Narrows logs it.
    pub const fn severity(&self) -> Severity {
        match self {
            Self::Dropped { .. } => Severity::Error,
            Self::Ended { .. }
            | Self::Fallback { .. }
            | Self::Refused { .. }
            | Self::WouldDeny { .. } => Severity::Warn,
            _ => Severity::Info,
        }
    }
}
