//! What is wrong with a TLS handshake.

use narrows_endpoint::Target;

use super::{Finding, http, ms};
use crate::alert::Alert;
use crate::evidence::TlsEvidence;
use crate::tls::TOO_OLD;
use crate::verdict_id::VerdictId as Id;
use crate::words::{Certainty, Ending, Party};

pub(super) fn find(to: &Target, evidence: &TlsEvidence) -> Option<Finding> {
    if let Some(alert) = evidence.alert {
        return Some(alerted(alert, evidence));
    }
    if evidence.completed {
        return None;
    }
    if let Some(page) = &evidence.http {
        return Some(http::in_clear(to, page));
    }
    if !evidence.first.is_empty() {
        return Some(not_tls(&evidence.first));
    }
    Some(match (evidence.ending, evidence.error.as_deref()) {
        (Some(ending), _) => ended(ending, evidence),
        (None, Some(TOO_OLD)) => {
            let text = format!("{TOO_OLD}, which is no longer safe");
            Finding::new(Id::TlsVersionUnsupported, Certainty::Proved, text)
        }
        (None, error) => {
            let error = error.unwrap_or("nothing more is known");
            let text = format!("the TLS handshake broke: {error}");
            Finding::new(Id::TlsProtocolError, Certainty::Likely, text)
        }
    })
}

/// A TLS stack spoke. Which one is not known: the server's, or that of a device in front of it.
pub(super) fn alerted(alert: Alert, evidence: &TlsEvidence) -> Finding {
    let late = if evidence.completed {
        "after"
    } else {
        "during"
    };
    let text = format!("ended {late} the TLS handshake by alert {alert}");
    let asked = evidence.client_cert_requested;
    match alert.0 {
        116 => Finding::new(Id::TlsClientCertRequired, Certainty::Proved, text),
        40 | 42 if asked => {
            let text = format!("{text}, having asked for a client certificate");
            Finding::new(Id::TlsClientCertRequired, Certainty::Likely, text)
        }
        70 => Finding::new(Id::TlsVersionUnsupported, Certainty::Likely, text),
        120 => Finding::new(Id::AlpnNoOverlap, Certainty::Likely, text),
        0 => Finding::new(Id::TlsClosedAfterClientHello, Certainty::Guess, text),
        _ => Finding::new(Id::TlsAlert(alert), Certainty::Likely, text),
    }
}

fn not_tls(first: &[u8]) -> Finding {
    const BANNERS: [(&[u8], &str); 5] = [
        (b"SSH-", "an SSH server"),
        (b"220 ", "a mail or FTP server"),
        (b"220-", "a mail or FTP server"),
        (b"+OK", "a POP3 server"),
        (b"* OK", "an IMAP server"),
    ];
    let banner = BANNERS.iter().find(|(lead, _)| first.starts_with(lead));
    let start = first[..first.len().min(40)].escape_ascii();
    let (certainty, text) = match banner {
        Some((_, who)) => (
            Certainty::Proved,
            format!("{who} answers instead of TLS: \"{start}\""),
        ),
        None => (
            Certainty::Likely,
            format!("what answers is not TLS: it begins with \"{start}\""),
        ),
    };
    Finding::new(Id::TlsNotTls, certainty, text)
}

fn ended(ending: Ending, evidence: &TlsEvidence) -> Finding {
    let id = pattern(ending, evidence);
    // Without a control it is not known who did it, only what usually does.
    let finding = Finding::new(id, Certainty::Guess, sentence(ending, id, evidence));
    match id {
        Id::TlsStalledMidHandshake => finding.by(Party::Network),
        _ => finding,
    }
}

fn pattern(ending: Ending, evidence: &TlsEvidence) -> Id {
    let TlsEvidence {
        received,
        sent,
        hello_sent,
        ..
    } = *evidence;
    match (ending, received, sent, hello_sent) {
        (Ending::Silent, 0, ..) => Id::TlsNoServerHello,
        (Ending::Silent, ..) => Id::TlsStalledMidHandshake,
        (Ending::Closed, 0, 0, _) => Id::TcpClosedOnAccept,
        (Ending::Reset, 0, 0, _) => Id::TcpResetOnAccept,
        (Ending::Closed, 0, _, false) => Id::TlsClosedBeforeServerHello,
        (Ending::Reset, 0, _, false) => Id::TlsResetBeforeServerHello,
        (Ending::Closed, 0, ..) => Id::TlsClosedAfterClientHello,
        (Ending::Reset, 0, ..) => Id::TlsResetAfterClientHello,
        (Ending::Closed, ..) => Id::TlsClosedMidHandshake,
        (Ending::Reset, ..) => Id::TlsResetMidHandshake,
    }
}

fn sentence(ending: Ending, id: Id, evidence: &TlsEvidence) -> String {
    let after = evidence.ending_after.map(ms).unwrap_or_default();
    let hello = match &evidence.sni {
        Some(name) => format!("ClientHello for {name}"),
        None => "ClientHello without a name".to_owned(),
    };
    let bytes = match evidence.received {
        1 => "1 byte".to_owned(),
        received => format!("{received} bytes"),
    };
    match id {
        Id::TcpClosedOnAccept | Id::TcpResetOnAccept => {
            format!("{ending} right after the connection stood, before anything was sent")
        }
        Id::TlsClosedBeforeServerHello | Id::TlsResetBeforeServerHello => {
            format!("{ending} while the {hello} was being sent")
        }
        Id::TlsNoServerHello => format!("not a byte in {after} after the {hello}"),
        Id::TlsStalledMidHandshake => {
            format!("silent for {after} in the middle of the TLS handshake, after {bytes}")
        }
        Id::TlsClosedAfterClientHello | Id::TlsResetAfterClientHello => {
            format!("{ending} {after} after the {hello}, without a byte")
        }
        _ => format!("{ending} in the middle of the TLS handshake, after {bytes}"),
    }
}
