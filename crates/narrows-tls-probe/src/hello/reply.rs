//! [`read_reply`]: the first bytes of an answer become a [`Reply`].

use super::flight::{Flight, ServerHello};
use super::scan::{number, pair, take};
use crate::alert::Alert;

/// How much of an answer is looked at, in octets. A first flight with its certificates is a third of it.
pub const MAX_REPLY: usize = 16 * 1024;

/// How much of an answer that is no TLS is kept, in octets: enough for a status line, the first
/// headers and a banner.
pub const MAX_KEPT: usize = 512;

/// What an answer to a ClientHello is, as far as it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// A TLS stack spoke, and refused or warned.
    Alert {
        /// Which one.
        alert: Alert,
        /// Whether it ends the handshake. After a warning, such as the one about an unknown name
        /// (RFC 6066 §3), a ServerHello may still come.
        fatal: bool,
    },
    /// The records are TLS and what is in them is not the start of a handshake.
    Malformed,
    /// No TLS: the first bytes, at most [`MAX_KEPT`].
    NotTls(Vec<u8>),
    /// Nothing that can be told yet: less than one message, and so far it may be TLS.
    Partial,
    /// A server agreed to a version and a suite.
    ServerHello(ServerHello),
}

impl Reply {
    /// Whether no further byte would change this in a way that matters: the caller may stop reading.
    ///
    /// A [`Reply::NotTls`] is final before all that is kept of it has come; read on for a moment if the
    /// text matters.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Alert { fatal, .. } => *fatal,
            Self::Malformed | Self::NotTls(_) => true,
            Self::Partial => false,
            Self::ServerHello(hello) => hello.is_final(),
        }
    }
}

/// Reads what has come in answer to an [`OldHello`](super::OldHello): `bytes` from the first on. Looks
/// at no more than [`MAX_REPLY`] octets, does not wait, and gives [`Reply::Partial`] for an empty slice.
///
/// Strict: a length that does not fit, a record type or a version that TLS does not have, or another
/// message where a ServerHello must be makes the answer [`Reply::NotTls`] or [`Reply::Malformed`]. What
/// follows a ServerHello never takes it back.
///
/// # Examples
///
/// ```
/// use narrows_tls_probe::hello::{Reply, read_reply};
///
/// let Reply::Alert { alert, fatal: true } = read_reply(&[21, 3, 1, 0, 2, 2, 70]) else {
///     unreachable!("a whole alert record");
/// };
/// assert_eq!(alert.name(), "protocol_version");
/// assert!(matches!(read_reply(b"HTTP/1.1 470"), Reply::NotTls(_)));
/// ```
pub fn read_reply(bytes: &[u8]) -> Reply {
    let bytes = &bytes[..bytes.len().min(MAX_REPLY)];
    if !looks_like_tls(bytes) {
        return Reply::NotTls(bytes[..bytes.len().min(MAX_KEPT)].to_vec());
    }
    let mut flight = Flight::default();
    let mut rest = bytes;
    while let Some(record) = next_record(&mut rest) {
        let went_on = match record {
            Ok((HANDSHAKE, fragment)) => flight.add(fragment),
            Ok((ALERT, fragment)) => match alert(fragment) {
                Some((alert, fatal)) => flight.alert(alert, fatal),
                None => flight.stray(),
            },
            Ok(_) | Err(NotARecord) => flight.stray(),
        };
        if !went_on {
            break;
        }
    }
    flight.into_reply()
}

/// Whether the bytes can be the start of an alert or handshake record of SSL 3.0 or later.
fn looks_like_tls(bytes: &[u8]) -> bool {
    let header = [
        |octet| matches!(octet, ALERT | HANDSHAKE),
        |octet| octet == 3,
        |octet| octet <= 4,
    ];
    bytes.iter().zip(header).all(|(&octet, fits)| fits(octet))
}

/// Takes the next record, or as much of a handshake record as there is: its messages may be whole
/// before it is. `None` when there is nothing to look at.
fn next_record<'a>(rest: &mut &'a [u8]) -> Option<Result<(u8, &'a [u8]), NotARecord>> {
    let kind = number(rest, 1)?;
    let version = pair(rest)?;
    let length = number(rest, 2)?;
    let kind = u8::try_from(kind).unwrap_or(u8::MAX);
    if !(0x0300..=0x0304).contains(&version) || !KINDS.contains(&kind) || length > MAX_FRAGMENT {
        return Some(Err(NotARecord));
    }
    if length > rest.len() && kind != HANDSHAKE {
        return None;
    }
    let fragment = take(rest, length.min(rest.len()))?;
    Some(Ok((kind, fragment)))
}

/// The alert in a record, and whether it is fatal; `None` if it is not exactly one. An encrypted one,
/// which is longer, comes only after what is read here.
fn alert(fragment: &[u8]) -> Option<(Alert, bool)> {
    match *fragment {
        [level, number] => {
            let alert = Alert(number);
            Some((alert, level != WARNING || alert == Alert(CLOSE_NOTIFY)))
        }
        _ => None,
    }
}

#[derive(Debug)]
struct NotARecord;

/// Content types (RFC 5246 §6.2.1): change_cipher_spec to application data.
const KINDS: std::ops::RangeInclusive<u8> = 20..=23;
const ALERT: u8 = 21;
const WARNING: u8 = 1;
/// A warning by its level, and the end all the same.
const CLOSE_NOTIFY: u8 = 0;
const HANDSHAKE: u8 = 22;
/// The longest fragment of a record in clear (RFC 5246 §6.2.1).
const MAX_FRAGMENT: usize = 1 << 14;
