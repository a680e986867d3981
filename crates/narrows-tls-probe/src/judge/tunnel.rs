//! What is wrong with a proxy's or gateway's answer to CONNECT.

use std::time::Duration;

use narrows_endpoint::Target;

use super::{Finding, ms, party_of};
use crate::evidence::{HttpAnswer, TunnelEvidence};
use crate::verdict_id::VerdictId as Id;
use crate::words::{Certainty, Ending, HopKind, Party};

pub(super) fn find(
    to: &Target,
    hop: HopKind,
    elapsed: Duration,
    evidence: &TunnelEvidence,
) -> Option<Finding> {
    let finding = match &evidence.answer {
        Some(answer) => answered(answer, hop, evidence),
        None => Some(unanswered(evidence, elapsed)),
    }?;
    let party = match finding.party {
        Party::Proxy => party_of(hop),
        party => party,
    };
    let text = format!("the {hop} {to} {}", finding.text);
    Some(Finding { text, ..finding }.by(party))
}

fn answered(answer: &HttpAnswer, hop: HopKind, evidence: &TunnelEvidence) -> Option<Finding> {
    let said = quote(answer);
    let (id, certainty, text) = match answer.status {
        200..=299 => return None,
        407 => (Id::ProxyAuthRequired, Certainty::Proved, wants(evidence)),
        status if is_refusal(status, answer) => {
            let text = format!("refuses this target: {said}");
            let finding = Finding::new(Id::ProxyDenied, Certainty::Proved, text);
            return Some(finding.by(party_of(hop)));
        }
        status => {
            let (id, certainty, what) = behind(status);
            (id, certainty, format!("{what}: {said}"))
        }
    };
    Some(Finding::new(id, certainty, text))
}

/// Squid says 500 and 503 of its own policy too; its word for the fault is more precise.
fn is_refusal(status: u16, answer: &HttpAnswer) -> bool {
    let word = answer.header("x-squid-error").unwrap_or_default();
    matches!(status, 403 | 451 | 470) || word.contains("ACCESS_DENIED")
}

/// Statuses by which a proxy says that it tried.
const fn behind(status: u16) -> (Id, Certainty, &'static str) {
    let (id, what) = match status {
        500 | 502 => (Id::ProxyBadGateway, "could not reach the target"),
        503 => (Id::ProxyUnavailable, "says that the service is unavailable"),
        504 | 522 | 524 => (Id::ProxyUpstreamTimeout, "got no answer from the target"),
        _ => {
            let what = "answers CONNECT with an unexpected status";
            return (Id::ProxyStatus, Certainty::Proved, what);
        }
    };
    (id, Certainty::Likely, what)
}

/// The 407, and whether what this side can do would help.
fn wants(evidence: &TunnelEvidence) -> String {
    let schemes = evidence.schemes.join(", ");
    let offered = match evidence.schemes.len() {
        0 => "names no scheme".to_owned(),
        _ => format!("offers {schemes}"),
    };
    let speaks = |scheme: &str| evidence.schemes.iter().any(|offered| offered == scheme);
    if evidence.authorized {
        return format!("rejects the credentials (407; it {offered})");
    }
    let doubt = if !evidence.schemes.is_empty() && !speaks("basic") && !speaks("bearer") {
        ", none of which this probe speaks"
    } else {
        ""
    };
    format!("wants credentials (407; it {offered}{doubt})")
}

fn unanswered(evidence: &TunnelEvidence, elapsed: Duration) -> Finding {
    if evidence.looks_like_tls {
        let text = "answers plain text with TLS: it is an https proxy";
        return Finding::new(Id::ProxyExpectsTls, Certainty::Proved, text);
    }
    if let Some(why) = &evidence.malformed {
        return Finding::new(
            Id::ProxyMalformed,
            Certainty::Likely,
            format!("does not speak HTTP: {why}"),
        );
    }
    let took = ms(elapsed);
    let after = match evidence.received {
        0 => "without a byte".to_owned(),
        received => format!("in the middle of its answer, after {received} bytes"),
    };
    match evidence.ending {
        Some(Ending::Closed) => {
            let text = format!("closed the connection after CONNECT, {after}, in {took}");
            Finding::new(Id::ProxyClosed, Certainty::Likely, text)
        }
        Some(Ending::Reset) => {
            let text = format!("reset the connection after CONNECT, {after}, in {took}");
            Finding::new(Id::ProxyReset, Certainty::Likely, text)
        }
        Some(Ending::Silent) | None => {
            let text = match evidence.received {
                0 => format!("did not answer CONNECT in {took}"),
                received => format!(
                    "sent {received} bytes of an answer to CONNECT and fell silent for {took}"
                ),
            };
            Finding::new(Id::ProxyTimeout, Certainty::Guess, text)
        }
    }
}

/// `403 Forbidden from squid/6.6, ERR_ACCESS_DENIED 0 ("Access Denied.")`.
pub(super) fn quote(answer: &HttpAnswer) -> String {
    let mut text = answer.status.to_string();
    if !answer.reason.is_empty() {
        text = format!("{text} {}", answer.reason);
    }
    if let Some(server) = answer.header("server").or_else(|| answer.header("via")) {
        text = format!("{text} from {server}");
    }
    if let Some(fault) = answer
        .header("x-squid-error")
        .or_else(|| answer.header("proxy-status"))
    {
        text = format!("{text}, {fault}");
    }
    if !answer.excerpt.is_empty() {
        text = format!("{text} (\"{}\")", answer.excerpt);
    }
    text
}
