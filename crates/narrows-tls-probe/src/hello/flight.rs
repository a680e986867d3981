//! The handshake messages of a server's first flight, joined over the records that carry them.

use super::reply::Reply;
use super::scan::{pair, take, vector};
use super::suite::{Suite, TlsVersion};
use crate::alert::Alert;

/// What a server said before it waited for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerHello {
    /// The version that it chose.
    pub version: TlsVersion,
    /// The cipher suite that it chose.
    pub suite: Suite,
    /// The certificates in DER, its own first, once their message is whole. Unverified: nothing shows
    /// that the server has the key.
    pub certificates: Option<Vec<Vec<u8>>>,
    /// Whether its flight is over (ServerHelloDone), as far as it can be told.
    pub done: bool,
    /// The fatal alert that came after it.
    pub alert: Option<Alert>,
}

impl ServerHello {
    /// Whether all that is read of a first flight has come.
    pub fn is_final(&self) -> bool {
        self.done || self.alert.is_some() || self.certificates.is_some()
    }
}

/// A flight while it is read.
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// Octets of handshake messages that are not whole yet.
    pending: Vec<u8>,
    hello: Option<ServerHello>,
    alert: Option<(Alert, bool)>,
    malformed: bool,
}

// === impl Flight ===

impl Flight {
    /// Takes the fragment of one record; `false` when there is nothing more to read.
    pub(super) fn add(&mut self, fragment: &[u8]) -> bool {
        self.pending.extend_from_slice(fragment);
        let pending = std::mem::take(&mut self.pending);
        let mut rest = pending.as_slice();
        while let Some((kind, body)) = next_message(&mut rest) {
            if !self.message(kind, body) {
                return false;
            }
        }
        self.pending = rest.to_vec();
        // A first message of another kind is known by its first octet.
        let wrong = self.hello.is_none() && rest.first().is_some_and(|&kind| kind != SERVER_HELLO);
        self.malformed |= wrong;
        !wrong
    }

    /// Takes an alert; `false` when nothing more is to be read.
    pub(super) fn alert(&mut self, alert: Alert, fatal: bool) -> bool {
        match &mut self.hello {
            Some(hello) => hello.alert = fatal.then_some(alert),
            None => self.alert = Some((alert, fatal)),
        }
        !fatal
    }

    /// Takes a record that is no part of a first flight.
    pub(super) fn stray(&mut self) -> bool {
        self.malformed |= self.hello.is_none();
        false
    }

    pub(super) fn into_reply(self) -> Reply {
        match (self.hello, self.alert) {
            (Some(hello), _) => Reply::ServerHello(hello),
            (None, Some((alert, fatal))) => Reply::Alert { alert, fatal },
            (None, None) if self.malformed => Reply::Malformed,
            (None, None) => Reply::Partial,
        }
    }

    /// Takes a whole message; `false` when it is the last one to be read.
    fn message(&mut self, kind: u8, body: &[u8]) -> bool {
        match (&mut self.hello, kind) {
            (None, SERVER_HELLO) => {
                self.hello = server_hello(body);
                self.malformed = self.hello.is_none();
                !self.malformed
            }
            (None, _) => {
                self.malformed = true;
                false
            }
            (Some(hello), CERTIFICATE) => {
                hello.certificates = certificates(body);
                false
            }
            (Some(hello), SERVER_HELLO_DONE) => {
                hello.done = true;
                false
            }
            (Some(_), _) => true,
        }
    }
}

/// Takes a handshake message if it is whole (RFC 5246 §7.4).
fn next_message<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let mut ahead = *rest;
    let kind = *take(&mut ahead, 1)?.first()?;
    let body = vector(&mut ahead, 3)?;
    *rest = ahead;
    Some((kind, body))
}

/// RFC 5246 §7.4.1.3: version, random, session, suite, compression, and perhaps extensions.
fn server_hello(mut body: &[u8]) -> Option<ServerHello> {
    let body = &mut body;
    let version = TlsVersion(pair(body).filter(|version| (0x0300..=0x0303).contains(version))?);
    take(body, 32)?;
    let session = vector(body, 1)?;
    let suite = Suite(pair(body)?);
    let compression = take(body, 1)?;
    let whole = body.is_empty() || (vector(body, 2).is_some() && body.is_empty());
    (session.len() <= 32 && compression == [0] && whole).then_some(ServerHello {
        version,
        suite,
        certificates: None,
        done: false,
        alert: None,
    })
}

/// RFC 5246 §7.4.2: a vector of vectors, each with its length in three octets.
fn certificates(mut body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut list = vector(&mut body, 3).filter(|_| body.is_empty())?;
    let mut certificates = Vec::new();
    while !list.is_empty() {
        certificates.push(vector(&mut list, 3)?.to_vec());
    }
    Some(certificates)
}

/// Handshake types (RFC 5246 §7.4).
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_HELLO_DONE: u8 = 14;
