//! What is wrong with an HTTP answer, and which answers are a firewall's and not the service's.

use std::time::Duration;

use narrows_endpoint::Target;

use super::tunnel::quote;
use super::{Finding, ms};
use crate::evidence::{HttpAnswer, HttpEvidence};
use crate::verdict_id::VerdictId as Id;
use crate::words::{Certainty, Ending, Party};

/// Marks of products that answer in the place of services: a header, a text in its value, and the
/// product. An empty text means that the header alone says it.
const MARKS: &[(&str, &str, &str)] = &[
    ("server", "zscaler", "Zscaler"),
    ("server", "bluecoat", "Blue Coat"),
    ("server", "mcafee web gateway", "Skyhigh Secure Web Gateway"),
    ("server", "fortigate", "FortiGate"),
    ("server", "squid", "Squid"),
    ("x-squid-error", "", "Squid"),
    ("x-umbrella-error", "", "Cisco Umbrella"),
    ("x-bluecoat-via", "", "Blue Coat"),
    ("x-ironport-category", "", "Cisco Secure Web Appliance"),
];
/// Sentences of block pages, in lower case.
const SENTENCES: &[(&str, &str)] = &[
    ("fortiguard", "FortiGate"),
    ("fortigate", "FortiGate"),
    ("web page blocked", "a web filter"),
    ("this page has been blocked", "a web filter"),
    ("access to this site is blocked", "a web filter"),
    ("zscaler", "Zscaler"),
    ("your organization's policy", "a web filter"),
    (
        "the requested url was rejected. please consult with your administrator",
        "a web application firewall",
    ),
];

pub(super) fn find(to: &Target, elapsed: Duration, evidence: &HttpEvidence) -> Option<Finding> {
    if let Some(alert) = evidence.alert {
        let tls = crate::evidence::TlsEvidence {
            completed: true,
            client_cert_requested: true,
            ..Default::default()
        };
        return Some(super::tls::alerted(alert, &tls));
    }
    if let Some(answer) = &evidence.answer {
        return page(to, answer);
    }
    if let Some(why) = &evidence.malformed {
        let text = format!("TLS is good, and what answers the request is not HTTP: {why}");
        return Some(Finding::new(Id::HttpMalformed, Certainty::Likely, text));
    }
    let (request, took) = (&evidence.request, ms(elapsed));
    let (id, text) = match evidence.ending {
        Some(Ending::Closed) => (Id::HttpEmptyReply, "closed"),
        Some(Ending::Reset) => (Id::HttpReset, "reset"),
        Some(Ending::Silent) | None => (Id::HttpTimeout, "not answered"),
    };
    let text = format!(
        "TLS is good, and {request} was {text} after {took}, {} bytes",
        evidence.received
    );
    Some(Finding::new(id, Certainty::Guess, text))
}

/// What an answer is if it is not the service's.
pub(super) fn page(to: &Target, answer: &HttpAnswer) -> Option<Finding> {
    if is_denied(answer) {
        let text = format!("the firewall itself answers: {}", quote(answer));
        return Some(Finding::new(
            Id::HttpDeniedByFirewall,
            Certainty::Proved,
            text,
        ));
    }
    let product = product(answer)?;
    let text = format!(
        "a page of {product} answers instead of {}: {}",
        to.host(),
        quote(answer)
    );
    Some(Finding::new(Id::HttpBlockPage, Certainty::Likely, text))
}

/// Plain HTTP where TLS was expected.
pub(super) fn in_clear(to: &Target, answer: &HttpAnswer) -> Finding {
    if is_denied(answer) {
        let text = format!(
            "the firewall itself answers, in plain text: {}",
            quote(answer)
        );
        return Finding::new(Id::HttpDeniedByFirewall, Certainty::Proved, text);
    }
    let text = format!("plain HTTP answers ClientHello: {}", quote(answer));
    let finding = Finding::new(Id::TlsPlaintextHttp, Certainty::Proved, text);
    if product(answer).is_some() {
        return finding.because(Id::HttpBlockPage).by(Party::Firewall);
    }
    if let (300..=399, Some(location)) = (answer.status, answer.header("location"))
        && leads_away(location, to)
    {
        return finding.because(Id::HttpCaptivePortal).by(Party::Network);
    }
    finding.by(Party::Target)
}

/// Azure Firewall's own words, whatever the status: it uses 470.
pub(crate) fn is_denied(answer: &HttpAnswer) -> bool {
    answer.status == 470 || answer.excerpt.contains("Action: Deny")
}

/// Who answered, if that was not the service: a refusal with a mark of such a product.
fn product(answer: &HttpAnswer) -> Option<&'static str> {
    let refusal = matches!(answer.status, 302 | 303 | 307 | 400..=599);
    let mark = MARKS.iter().find(|(name, text, _)| {
        let value = answer.header(name);
        value.is_some_and(|value| value.to_ascii_lowercase().contains(text))
    });
    let excerpt = answer.excerpt.to_lowercase();
    let sentence = SENTENCES.iter().find(|(text, _)| excerpt.contains(text));
    let marked = mark.map(|(.., product)| *product).filter(|_| refusal);
    marked.or_else(|| sentence.map(|(_, product)| *product))
}

/// Whether a redirect leads to another site than the target's.
pub(crate) fn leads_away(location: &str, to: &Target) -> bool {
    let Some((_, rest)) = location.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let own = to.host().to_string();
    // Two labels are enough to tell a service's own site from a portal's.
    let site = |host: &str| {
        let labels: Vec<_> = host
            .rsplit('.')
            .take(2)
            .map(str::to_ascii_lowercase)
            .collect();
        labels.join(".")
    };
    site(host) != site(&own)
}
