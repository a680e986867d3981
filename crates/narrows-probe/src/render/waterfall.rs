//! The steps of a walk, with their times and what was seen.

use std::time::Duration;

use narrows_tls_probe::{Evidence, HttpAnswer, Outcome, Report, StepReport, TlsEvidence};
use serde::Serialize;

use super::chain::chain;
use super::seconds;

/// How many columns the bars have.
const BAR: usize = 24;

/// Every step with a bar where it stands in time, then what was seen at it; the follow-up connections
/// after the walk.
pub fn waterfall(report: &Report) -> String {
    let whole = report.elapsed.max(Duration::from_millis(1));
    let mut text = format!(
        "\n{} by {} in {}\n",
        report.target,
        report.path,
        seconds(report.elapsed)
    );
    for step in &report.steps {
        text.push_str(&line(step, whole, "  "));
    }
    for address in &report.addresses {
        text.push_str(&format!("  {}: {}\n", address.address, address.verdict.id));
    }
    for experiment in &report.experiments {
        let came = match (experiment.answered, experiment.failure) {
            (true, None) => "answered".to_owned(),
            (_, Some(failure)) => failure.to_string(),
            (false, None) => "no answer".to_owned(),
        };
        text.push_str(&format!(
            "  tried {}: {came} in {}\n",
            plain(&experiment.kind),
            seconds(experiment.elapsed)
        ));
    }
    text
}

/// A small enum in the plain words of its JSON form: `other name sni=a.example`.
fn plain(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    let Some(object) = value.as_object() else {
        return value.to_string();
    };
    let kind = object
        .get("kind")
        .and_then(|kind| kind.as_str())
        .unwrap_or_default();
    let others = object
        .iter()
        .filter(|(name, value)| *name != "kind" && !value.is_null());
    let others = others.map(|(name, value)| {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        format!(" {name}={value}")
    });
    kind.replace('_', " ") + &others.collect::<String>()
}

fn line(step: &StepReport, whole: Duration, indent: &str) -> String {
    let at = |time: Duration| {
        let share = time.as_secs_f64() / whole.as_secs_f64() * BAR as f64;
        // Between nothing and the bar, whatever the clock says.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped"
        )]
        let columns = share.clamp(0.0, BAR as f64) as usize;
        columns
    };
    let from = at(step.started).min(BAR - 1);
    let length = at(step.elapsed).clamp(1, BAR - from);
    let bar = format!("{}{}", " ".repeat(from), "=".repeat(length));
    let mark = match step.outcome {
        Outcome::Passed => "ok",
        Outcome::Failed => "FAILED",
        Outcome::Skipped => "skipped",
    };
    let seen = step.evidence.as_ref().map(evidence).unwrap_or_default();
    let mut text = format!(
        "{indent}{:<15} {bar:<BAR$} {:>7} {mark:<7} {}\n",
        step.step.as_str(),
        seconds(step.elapsed),
        seen
    );
    if let Some(Evidence::Certificate(shown)) = &step.evidence {
        text.push_str(&chain(shown, "    "));
    }
    text
}

/// What was seen, in a line.
fn evidence(evidence: &Evidence) -> String {
    let mut parts: Vec<String> = Vec::new();
    match evidence {
        Evidence::Resolve(seen) => {
            parts.extend(seen.addresses.iter().map(ToString::to_string));
            parts.extend(seen.fault.iter().map(plain));
        }
        Evidence::Connect(seen) => {
            parts.push(seen.peer.to_string());
            parts.extend(seen.fault.iter().map(plain));
        }
        Evidence::Tunnel(seen) => {
            parts.extend(seen.answer.iter().map(answer));
            parts.extend(
                seen.ending
                    .iter()
                    .map(|ending| format!("{ending}, {} octets received", seen.received)),
            );
            parts.extend(seen.malformed.clone());
        }
        Evidence::Tls(seen) => parts.extend(handshake(seen)),
        Evidence::Certificate(seen) => {
            parts.push(format!("for {}", seen.expected));
            parts.extend(seen.fault.iter().map(plain));
        }
        Evidence::Http(seen) => {
            parts.extend(seen.answer.iter().map(answer));
            parts.extend(seen.ending.iter().map(ToString::to_string));
            parts.extend(seen.alert.iter().map(|alert| format!("alert {alert}")));
            parts.extend(seen.malformed.clone());
        }
        _ => {}
    }
    parts.join(", ")
}

fn handshake(seen: &TlsEvidence) -> Vec<String> {
    let agreed = [&seen.version, &seen.cipher, &seen.group, &seen.alpn];
    let mut parts: Vec<String> = agreed.into_iter().flatten().cloned().collect();
    parts.extend(seen.alert.iter().map(|alert| format!("alert {alert}")));
    if let Some(ending) = seen.ending {
        let after = seen
            .ending_after
            .map(|time| format!(" after {} ms", time.as_millis()));
        parts.push(format!(
            "{ending}{}, {} octets sent, {} received",
            after.unwrap_or_default(),
            seen.sent,
            seen.received
        ));
    }
    parts.extend(seen.http.iter().map(answer));
    if seen.client_cert_requested {
        parts.push("asked for a client certificate".to_owned());
    }
    parts
}

fn answer(answer: &HttpAnswer) -> String {
    let mut text = format!("{} {}", answer.status, answer.reason);
    for name in ["server", "via", "x-squid-error"] {
        if let Some(value) = answer.header(name) {
            text.push_str(&format!(", {name}: {value}"));
        }
    }
    text
}
