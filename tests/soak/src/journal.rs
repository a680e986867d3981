//! Reads what the services log, line by line, while they write it.

use serde::Deserialize;

use crate::ledger::{Ledger, Logged, Writer};
use crate::plan::Id;

/// A line of the form `json`.
#[derive(Debug, Deserialize)]
struct Line {
    target: Option<String>,
    #[serde(default)]
    status: u16,
    #[serde(default)]
    sent: u64,
    #[serde(default)]
    received: u64,
    /// What a line says that is no request's.
    msg: Option<String>,
}

/// Enters a line.
pub(crate) fn enter(ledger: &Ledger, writer: Writer, text: &str) {
    let line: Line = match serde_json::from_str(text) {
        Ok(line) => line,
        Err(error) => return ledger.fault(format!("{error}: {text}")),
    };
    let logged = Logged {
        status: line.status,
        sent: line.sent,
        received: line.received,
    };
    match (line.target.as_deref().and_then(id), line.msg) {
        (Some(id), _) => ledger.logged(writer, id, logged),
        (None, Some(msg)) if msg.starts_with("started") || msg.starts_with("stopped") => {}
        // Lost lines, failed reloads, floods: none of it belongs here.
        _ => ledger.fault(format!("an unexpected line: {text}")),
    }
}

/// The number of the target, which plain HTTP writes as a URL.
fn id(target: &str) -> Option<Id> {
    let target = target.strip_prefix("http://").unwrap_or(target);
    let (host, _) = target.split_once(':')?;
    Some(Id::of(host.parse().ok()?))
}
