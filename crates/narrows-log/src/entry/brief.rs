//! The two lines that fill a log, read without allocating.

use std::net::SocketAddr;

use narrows_endpoint::{MAX_LABEL, MAX_NAME};

use crate::quote::number;
use crate::timestamp::Timestamp;
use crate::words::{ConnId, HttpVersion, Via};

/// A request or its end, as arcproxy writes them.
///
/// Whatever is not plainly one of these is left to the general parser. What this one takes, that one
/// reads the same; a property test holds them to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Brief<'a> {
    pub(crate) time: Timestamp,
    pub(crate) id: ConnId,
    pub(crate) what: What<'a>,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What<'a> {
    Done {
        via: Via,
        sent: u64,
        received: u64,
    },
    /// The target in canonical form.
    Open(&'a str),
}

impl<'a> Brief<'a> {
    /// Reads a line without its line end.
    pub(crate) fn parse(line: &'a str) -> Option<Self> {
        let (time, rest) = line.strip_prefix("time=")?.split_once(' ')?;
        let rest = rest.strip_prefix("level=INFO msg=\"")?;
        let (id, message) = rest.strip_suffix('"')?.split_once(' ')?;
        let what = match message.strip_prefix("done via ") {
            Some(done) => done_of(done)?,
            None => open_of(message)?,
        };
        Some(Self {
            time: time.parse().ok()?,
            id: ConnId::parse(id)?,
            what,
        })
    }
}

/// `proxy bytes ->:542, <-:5805`
fn done_of(text: &str) -> Option<What<'_>> {
    let (via, rest) = text.split_once(' ')?;
    let (sent, received) = rest.strip_prefix("bytes ->:")?.split_once(',')?;
    let received = received.strip_prefix(" <-:")?;
    Some(What::Done {
        via: via.parse().ok()?,
        sent: number(sent)?,
        received: number(received)?,
    })
}

/// `127.0.0.1:49802 --> management.azure.com:443 on HTTP-1.1`
fn open_of(text: &str) -> Option<What<'_>> {
    let (client, rest) = text.split_once(' ')?;
    // A character is found faster than a text, and no target has a space.
    let (target, version) = rest.strip_prefix("--> ")?.split_once(' ')?;
    let version = version.strip_prefix("on ")?;
    client.parse::<SocketAddr>().ok()?;
    version.parse::<HttpVersion>().ok()?;
    is_canonical(target).then_some(What::Open(target))
}

/// Whether a text is a target with a name, and in canonical form. Addresses are left to the general
/// parser.
fn is_canonical(target: &str) -> bool {
    let Some((name, port)) = target.rsplit_once(':') else {
        return false;
    };
    let port_fits = !port.starts_with('0') && port.len() <= 5 && {
        number(port).is_some_and(|port| (1..=65535).contains(&port))
    };
    let label_fits = |label: &str| {
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        (1..=MAX_LABEL).contains(&label.len()) && label.bytes().all(plain)
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    port_fits
        && name.len() <= MAX_NAME
        && last.starts_with(|c: char| c.is_ascii_lowercase())
        && name.split('.').all(label_fits)
}
