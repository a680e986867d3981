//! What the follow-up connections show about a failure.

use super::Finding;
use super::http::is_denied;
use super::tunnel::quote;
use crate::evidence::Evidence;
use crate::report::{Experiment, ExperimentKind};
use crate::verdict_id::VerdictId as Id;
use crate::words::{Certainty, HelloSize, Party};

/// The finding with what was tried after it: stronger, weaker, or with another name.
pub(super) fn conclude(finding: Finding, experiments: &[Experiment]) -> Finding {
    if experiments.is_empty() {
        return finding;
    }
    let finding = match finding.because.unwrap_or(finding.id) {
        id if is_cut(id) => by_name(finding, experiments),
        Id::TlsVersionUnsupported | Id::TlsAlert(_) => by_age(finding, experiments),
        _ => finding,
    };
    let finding = by_size(finding, experiments);
    in_its_own_words(finding, experiments)
}

/// Whether a handshake was cut or met with silence, as filters do it.
pub(crate) fn is_cut(id: Id) -> bool {
    matches!(
        id,
        Id::TcpClosedOnAccept
            | Id::TcpResetOnAccept
            | Id::TlsClosedAfterClientHello
            | Id::TlsClosedBeforeServerHello
            | Id::TlsClosedMidHandshake
            | Id::TlsNoServerHello
            | Id::TlsResetAfterClientHello
            | Id::TlsResetBeforeServerHello
            | Id::TlsResetMidHandshake
            | Id::TlsStalledMidHandshake
    )
}

/// The same address with another name or none. It counts as proof only if this name failed again
/// afterwards: a disturbance that passes, or a limit on rates, looks the same otherwise.
fn by_name(finding: Finding, experiments: &[Experiment]) -> Finding {
    let tried = |wanted: fn(&ExperimentKind) -> bool| {
        experiments.iter().filter(move |each| wanted(&each.kind))
    };
    let again = tried(|kind| *kind == ExperimentKind::Again).next();
    let other = |kind: &ExperimentKind| matches!(kind, ExperimentKind::OtherName { .. });
    let unnamed = |kind: &ExperimentKind| *kind == ExperimentKind::NoName;
    let control = tried(other)
        .chain(tried(unnamed))
        .find(|each| each.answered);
    let controls = tried(other).chain(tried(unnamed)).count();
    match (control, again) {
        (_, Some(again)) if again.answered => Finding {
            text: format!(
                "{}; the same again succeeded: unsteady, or limited by rate",
                finding.text
            ),
            party: Party::Unknown,
            certainty: Certainty::Guess,
            ..finding
        },
        (Some(control), again) => answered(finding, control, again.is_some()),
        (None, _) if controls > 0 => {
            let other = failed(experiments);
            let text = format!(
                "{}; {other} fails in the same way on this address",
                finding.text
            );
            Finding { text, ..finding }
        }
        (None, _) => finding,
    }
}

/// The control was answered; this name may have failed again after it.
fn answered(finding: Finding, control: &Experiment, again: bool) -> Finding {
    let (text, what) = (&finding.text, called(&control.kind));
    if !again {
        let text = format!("{text}; the same address answered {what}");
        let certainty = Certainty::Likely;
        return Finding {
            text,
            certainty,
            ..finding
        }
        .by(Party::Firewall);
    }
    let text = format!(
        "{text}, and again; the same address completed TLS with {what}: a device between filters by name"
    );
    let because = finding.because.unwrap_or(finding.id);
    Finding::new(Id::TlsSniFiltered, Certainty::Proved, text).because(because)
}

fn called(kind: &ExperimentKind) -> String {
    match kind {
        ExperimentKind::OtherName { sni } => format!("another name ({sni})"),
        _ => "no name at all".to_owned(),
    }
}

/// The controls that failed, in words.
fn failed(experiments: &[Experiment]) -> String {
    let named = experiments.iter().find_map(|each| match &each.kind {
        ExperimentKind::OtherName { sni } => Some(format!("another name ({sni})")),
        _ => None,
    });
    named.unwrap_or_else(|| "a ClientHello without a name".to_owned())
}

/// Whether a server that turned modern hellos away answers old ones.
fn by_age(finding: Finding, experiments: &[Experiment]) -> Finding {
    let answered = experiments.iter().find_map(|each| match &each.kind {
        ExperimentKind::OldHello { chose, .. } => chose.as_deref(),
        _ => None,
    });
    let tried = experiments
        .iter()
        .any(|each| matches!(each.kind, ExperimentKind::OldHello { .. }));
    let text = &finding.text;
    match answered {
        Some(chose) if chose.starts_with("TLS 1.2") => {
            let text = if is_modern(chose) {
                format!(
                    "{text}; offered more, it answers {chose}: a curve or signature is what it lacks"
                )
            } else {
                format!("{text}; to a ClientHello with old cipher suites it answers {chose}")
            };
            Finding::new(Id::TlsNoCommonCipher, Certainty::Proved, text)
        }
        Some(chose) => {
            let text =
                format!("{text}; to an old ClientHello it answers {chose} and nothing newer");
            Finding::new(Id::TlsVersionUnsupported, Certainty::Proved, text)
        }
        None if tried => {
            let text = format!("{text}; old ClientHellos are not answered either");
            Finding {
                text,
                certainty: Certainty::Guess,
                ..finding
            }
        }
        None => finding,
    }
}

/// Whether the suite is one that was offered before: then it was not the suites.
fn is_modern(chose: &str) -> bool {
    chose.contains("ECDHE") && (chose.contains("GCM") || chose.contains("CHACHA20"))
}

/// Whether the size of ClientHello makes the difference.
fn by_size(finding: Finding, experiments: &[Experiment]) -> Finding {
    let large = ExperimentKind::Hello {
        size: HelloSize::Large,
    };
    let answered = experiments
        .iter()
        .any(|each| each.kind == large && each.answered);
    if !answered || finding.id == Id::TlsSniFiltered || finding.certainty == Certainty::Proved {
        return finding;
    }
    let text = format!("{}; a larger ClientHello was answered", finding.text);
    Finding { text, ..finding }
}

/// A firewall that says on port 80 what it does is not guessed at any more.
fn in_its_own_words(finding: Finding, experiments: &[Experiment]) -> Finding {
    let answer = experiments
        .iter()
        .filter(|each| each.kind == ExperimentKind::PlainHttp);
    let answer =
        answer
            .flat_map(|each| &each.steps)
            .find_map(|step| match step.evidence.as_ref()? {
                Evidence::Http(http) => http.answer.as_ref().filter(|answer| is_denied(answer)),
                _ => None,
            });
    let Some(answer) = answer else {
        return finding;
    };
    Finding {
        text: format!(
            "{}; on port 80 the firewall says so itself: {}",
            finding.text,
            quote(answer)
        ),
        party: Party::Firewall,
        certainty: Certainty::Proved,
        ..finding
    }
}
