//! Messages into events.

use std::net::SocketAddr;

use super::Event;
use crate::quote::{number, unquote_prefix};
use crate::text::Text;
use crate::words::{Address, ConnId};

impl Event {
    /// Reads a message; whatever has none of the known forms is a note.
    pub(crate) fn parse(message: &str) -> Self {
        parse_connection(message)
            .or_else(|| parse_process(message))
            .unwrap_or_else(|| Self::Note(message.into()))
    }
}

/// Lines of a connection, which start with its numbers.
fn parse_connection(message: &str) -> Option<Event> {
    let (id, rest) = message.split_once(' ')?;
    let id = ConnId::parse(id)?;
    if let Some(rest) = rest.strip_prefix("done via ") {
        return parse_done(id, rest);
    }
    if let Some(rest) = rest.strip_prefix("ended by ") {
        let (by, reason) = rest.split_once(": ")?;
        return Some(Event::Ended {
            by: by.parse().ok()?,
            id,
            reason: text(reason)?,
        });
    }
    let (first, rest) = rest.split_once(' ')?;
    match rest.strip_prefix("--> ") {
        Some(rest) if rest.starts_with('"') => parse_refused(id, address(first)?, rest),
        Some(rest) => parse_open(id, address(first)?, rest),
        None => parse_would_deny(id, first, rest).or_else(|| parse_fallback(id, first, rest)),
    }
}

/// `proxy bytes ->:542, <-:5805`
fn parse_done(id: ConnId, rest: &str) -> Option<Event> {
    let (via, rest) = rest.split_once(" bytes ->:")?;
    let (sent, received) = rest.split_once(", <-:")?;
    Some(Event::Done {
        id,
        sent: number(sent)?,
        received: number(received)?,
        via: via.parse().ok()?,
    })
}

/// `example.com:443 on HTTP-1.1`
fn parse_open(id: ConnId, client: Address, rest: &str) -> Option<Event> {
    let (target, version) = rest.split_once(" on ")?;
    Some(Event::Open {
        client,
        id,
        target: target.parse().ok()?,
        version: version.parse().ok()?,
    })
}

/// `"example.com" refused 400 narrows/head: the port is missing`
fn parse_refused(id: ConnId, client: Address, rest: &str) -> Option<Event> {
    let (target, rest) = unquote_prefix(rest).ok()?;
    let (status, rest) = rest.strip_prefix(" refused ")?.split_once(' ')?;
    let (place, reason) = rest.split_once(": ")?;
    let (hop, step) = place.split_once('/')?;
    Some(Event::Refused {
        client,
        hop: hop.parse().ok()?,
        id,
        reason: text(reason)?,
        status: number(status)?.try_into().ok()?,
        step: step.parse().ok()?,
        target: text(&target)?,
    })
}

/// `would deny: refused by policy`, after the target.
fn parse_would_deny(id: ConnId, target: &str, rest: &str) -> Option<Event> {
    Some(Event::WouldDeny {
        id,
        reason: text(rest.strip_prefix("would deny: ")?)?,
        target: target.parse().ok()?,
    })
}

/// `wanted gateway, took direct: no gateway is configured`, after the target.
fn parse_fallback(id: ConnId, target: &str, rest: &str) -> Option<Event> {
    let (wanted, rest) = rest.strip_prefix("wanted ")?.split_once(", took ")?;
    let (took, reason) = rest.split_once(": ")?;
    Some(Event::Fallback {
        id,
        reason: text(reason)?,
        target: target.parse().ok()?,
        took: took.parse().ok()?,
        wanted: wanted.parse().ok()?,
    })
}

/// Lines of the process.
fn parse_process(message: &str) -> Option<Event> {
    let (word, rest) = message.split_once(' ')?;
    match word {
        "dropped" => {
            let (lines, unit) = rest.split_once(' ')?;
            let lines = number(lines)?;
            let expected = if lines == 1 { "line" } else { "lines" };
            (unit == expected).then_some(Event::Dropped { lines })
        }
        "note:" => text(rest).map(Event::Note),
        "started" => {
            let (listen, detail) = rest.split_once(' ')?;
            Some(Event::Started {
                detail: text(detail)?,
                listen: address(listen)?,
            })
        }
        "stopped" => text(rest).map(|detail| Event::Stopped { detail }),
        _ => None,
    }
}

fn address(text: &str) -> Option<Address> {
    text.parse::<SocketAddr>().ok().map(Address::from)
}

/// A text of ours, which is never longer than it may be: a longer one is somebody else's line.
fn text(words: &str) -> Option<Text> {
    let text = Text::from(words);
    (text.as_str() == words).then_some(text)
}
