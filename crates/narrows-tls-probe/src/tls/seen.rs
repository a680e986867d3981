//! What was seen of a handshake, as evidence.

use std::io;

use narrows_connect::printable;
use rustls::crypto::SupportedKxGroup;
use rustls::{NamedGroup, PeerIncompatible};
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

use super::{Hello, TOO_OLD, inner};
use crate::alert::Alert;
use crate::evidence::TlsEvidence;
use crate::hello::TlsVersion;
use crate::wire::{Notes, ending};

pub(super) fn blank(hello: &Hello<'_>) -> TlsEvidence {
    let name = hello.host.name().filter(|_| hello.named);
    TlsEvidence {
        sni: name.map(ToString::to_string),
        hello: hello.size,
        ..TlsEvidence::default()
    }
}

pub(super) fn agreed<S>(evidence: &mut TlsEvidence, stream: &TlsStream<S>) {
    let (_, session) = stream.get_ref();
    let text = |text: Option<&str>| text.map(str::to_owned);
    evidence.completed = true;
    let version = session
        .protocol_version()
        .map(|version| TlsVersion(version.into()));
    evidence.version = version.map(|version| version.to_string());
    let suite = session.negotiated_cipher_suite();
    evidence.cipher = text(suite.and_then(|suite| suite.suite().as_str()));
    let group = session.negotiated_key_exchange_group();
    evidence.group = text(
        group
            .map(SupportedKxGroup::name)
            .as_ref()
            .and_then(NamedGroup::as_str),
    );
    let alpn = session.alpn_protocol().map(String::from_utf8_lossy);
    evidence.alpn = alpn.map(|name| printable(&name));
}

pub(super) fn failed(evidence: &mut TlsEvidence, error: &io::Error) {
    use rustls::Error;
    match inner(error) {
        Some(Error::AlertReceived(alert)) => evidence.alert = Some(Alert(u8::from(*alert))),
        Some(Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        )) => evidence.error = Some(TOO_OLD.to_owned()),
        Some(error) => evidence.error = Some(printable(&error.to_string())),
        None => {}
    }
}

/// How it ended. An error of TLS itself is no ending: the other side was still there.
pub(super) fn note(evidence: &mut TlsEvidence, notes: &Notes, error: &io::Error) {
    if !is_tls(&notes.first) {
        evidence.first.clone_from(&notes.first);
    }
    // rustls takes this one for an end of the stream.
    if let [0x15, 0x03, _, 0, 2, _, 0] = notes.first[..] {
        evidence.alert = Some(Alert(0));
    }
    if evidence.alert.is_some() || evidence.error.is_some() {
        return;
    }
    let now = Instant::now();
    let (how, at) = notes.ended.unwrap_or_else(|| (ending(error), now));
    evidence.ending = Some(how);
    evidence.hello_sent = !notes.cut && notes.sent > 0;
    let since = notes.last.or(notes.asked);
    evidence.ending_after = since.map(|since| at.saturating_duration_since(since));
}

pub(super) fn count(evidence: &mut TlsEvidence, notes: &Notes) {
    evidence.sent = notes.sent;
    evidence.received = notes.received;
    evidence.hello_sent |= notes.received > 0 && notes.sent > 0;
    let heard = notes.heard.zip(notes.asked);
    evidence.first_byte = heard.map(|(heard, asked)| heard.saturating_duration_since(asked));
}

/// Whether octets may begin a TLS record: a content type, and the major version that all records bear.
fn is_tls(first: &[u8]) -> bool {
    matches!(first, [] | [0x14..=0x17] | [0x14..=0x17, 0x03, ..])
}
