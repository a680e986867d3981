//! [`judge`]: from evidence to a verdict, and nothing else.

use std::net::IpAddr;
use std::time::Duration;

use narrows_endpoint::{AddressClass, Target};

use crate::evidence::Evidence;
use crate::report::{Experiment, StepReport};
use crate::verdict::Verdict;
use crate::verdict_id::VerdictId;
use crate::words::{Certainty, HopKind, Party, Step};

pub(crate) mod certificate;
mod connection;
mod differential;
mod http;
mod tls;
mod tunnel;

pub(crate) use differential::is_cut;

/// Derives the verdict from the steps of one walk, and from the experiments that followed it.
///
/// A pure function: the same evidence, also read back from JSON, gives the same verdict. The first step
/// that went wrong counts; no steps at all are judged as reachable by nobody, with certainty `guess`.
pub fn judge(steps: &[StepReport], experiments: &[Experiment]) -> Verdict {
    let failed = steps.iter().enumerate().find_map(|(at, step)| {
        let evidence = step.evidence.as_ref()?;
        Some((at, step, find(&step.to, step.hop, step.elapsed, evidence)?))
    });
    let Some((at, step, finding)) = failed else {
        return passed(steps);
    };
    let finding = through_hops(finding, &steps[..at], step);
    let finding = unidentified(finding, &steps[..at]);
    let finding = with_later(finding, step, &steps[at + 1..]);
    let finding = differential::conclude(finding, experiments);
    Verdict {
        id: finding.id,
        because: finding.because,
        step: step.step,
        hop: step.hop,
        party: finding.party,
        certainty: finding.certainty,
        sentence: finding.text,
    }
}

/// Whether a step went well.
pub(crate) fn passes(to: &Target, hop: HopKind, evidence: &Evidence) -> bool {
    find(to, hop, Duration::ZERO, evidence).is_none()
}

/// Whether an address can be a service's at all, and is dialled.
pub(crate) fn usable(address: IpAddr) -> bool {
    use AddressClass as Class;
    !matches!(
        AddressClass::of(address),
        Class::Broadcast | Class::Documentation | Class::Multicast | Class::Unspecified
    )
}

/// What is wrong with one step.
#[derive(Clone, Debug)]
struct Finding {
    id: VerdictId,
    because: Option<VerdictId>,
    party: Party,
    certainty: Certainty,
    text: String,
}

impl Finding {
    fn new(id: VerdictId, certainty: Certainty, text: impl Into<String>) -> Self {
        Self {
            id,
            because: None,
            party: id.party(),
            certainty,
            text: text.into(),
        }
    }

    fn because(mut self, id: VerdictId) -> Self {
        self.because = Some(id);
        self
    }

    fn by(mut self, party: Party) -> Self {
        self.party = party;
        self
    }
}

fn find(to: &Target, hop: HopKind, elapsed: Duration, evidence: &Evidence) -> Option<Finding> {
    let finding = match evidence {
        Evidence::Resolve(resolve) => connection::resolve(to, elapsed, resolve),
        Evidence::Connect(connect) => connection::connect(elapsed, connect),
        Evidence::Tunnel(tunnel) => return tunnel::find(to, hop, elapsed, tunnel),
        Evidence::Tls(tls) => tls::find(to, tls),
        Evidence::Certificate(certificate) => certificate::find(to, certificate),
        Evidence::Http(http) => http::find(to, elapsed, http),
    }?;
    Some(match hop {
        HopKind::Target => finding,
        _ => at_hop(to, hop, finding),
    })
}

/// The same fault, of a hop instead of the target.
fn at_hop(to: &Target, hop: HopKind, finding: Finding) -> Finding {
    use VerdictId as Id;
    let id = match finding.id {
        Id::TcpLocalDenied | Id::TcpLocalResources => return finding,
        Id::TcpRefused => Id::ProxyConnectRefused,
        Id::TcpTimeout => Id::ProxyConnectTimeout,
        id if id.family() == "tcp" => Id::ProxyUnreachable,
        id if id.family() == "dns" => Id::ProxyResolveFailed,
        _ => Id::ProxyTlsFailed,
    };
    let party = match finding.party {
        Party::Target => party_of(hop),
        party => party,
    };
    Finding {
        id,
        because: Some(finding.id),
        party,
        certainty: finding.certainty,
        text: format!("the {hop} {to}: {}", finding.text),
    }
}

/// A tunnel that is dropped without a byte of the target: the hop's doing, or that of what is behind it.
fn through_hops(finding: Finding, before: &[StepReport], step: &StepReport) -> Finding {
    use VerdictId as Id;
    let tunnel = before
        .iter()
        .rfind(|step| matches!(step.evidence, Some(Evidence::Tunnel(_))));
    let dropped = matches!(
        finding.id,
        Id::TcpClosedOnAccept
            | Id::TcpResetOnAccept
            | Id::TlsClosedAfterClientHello
            | Id::TlsClosedBeforeServerHello
            | Id::TlsResetAfterClientHello
            | Id::TlsResetBeforeServerHello
    );
    match tunnel {
        Some(hop) if dropped && step.hop == HopKind::Target => Finding {
            text: format!(
                "the {} {} opened the tunnel, then: {}",
                hop.hop, hop.to, finding.text
            ),
            because: Some(finding.id),
            id: Id::ProxyTunnelDropped,
            ..finding
        },
        _ => finding,
    }
}

/// A server that asked for a client certificate, got none and hung up: TLS 1.3 says why only in an alert
/// that the reset may overtake.
fn unidentified(finding: Finding, before: &[StepReport]) -> Finding {
    let cut = matches!(finding.id, VerdictId::HttpEmptyReply | VerdictId::HttpReset);
    let asked = before.iter().any(|step| match &step.evidence {
        Some(Evidence::Tls(tls)) => step.hop == HopKind::Target && tls.client_cert_requested,
        _ => false,
    });
    if !(cut && asked) {
        return finding;
    }
    let text = format!(
        "{}; the server had asked for a client certificate",
        finding.text
    );
    Finding::new(VerdictId::TlsClientCertRequired, Certainty::Likely, text).because(finding.id)
}

/// A block page behind a certificate that is not good says whose certificate it is.
fn with_later(finding: Finding, step: &StepReport, later: &[StepReport]) -> Finding {
    if step.step != Step::Certificate {
        return finding;
    }
    let page = later.iter().find_map(|step| match step.evidence.as_ref()? {
        Evidence::Http(http) => http::page(&step.to, http.answer.as_ref()?),
        _ => None,
    });
    match page {
        None => finding,
        Some(page) => Finding {
            text: format!("{}; inside, {}", finding.text, page.text),
            because: Some(page.id),
            party: Party::Firewall,
            certainty: finding.certainty.max(Certainty::Likely),
            ..finding
        },
    }
}

/// Nothing went wrong. Without a TLS handshake nothing was shown either.
fn passed(steps: &[StepReport]) -> Verdict {
    let last = steps.last();
    let shaken = steps
        .iter()
        .rev()
        .find_map(|step| match step.evidence.as_ref()? {
            Evidence::Tls(tls) => Some(&**tls),
            _ => None,
        });
    let status = steps
        .iter()
        .rev()
        .find_map(|step| match step.evidence.as_ref()? {
            Evidence::Http(http) => http.answer.as_ref().map(|answer| answer.status),
            _ => None,
        });
    let took: Duration = steps.iter().map(|step| step.elapsed).sum();
    let version = shaken
        .and_then(|tls| tls.version.as_deref())
        .unwrap_or("TLS");
    let sentence = match status {
        Some(status) => format!("answers HTTP {status} over {version} in {}", ms(took)),
        None => format!("completes {version} in {}", ms(took)),
    };
    let certainty = if shaken.is_some() {
        Certainty::Proved
    } else {
        Certainty::Guess
    };
    Verdict {
        id: VerdictId::Reachable,
        because: None,
        step: last.map_or(Step::Resolve, |step| step.step),
        hop: last.map_or(HopKind::Target, |step| step.hop),
        party: Party::Nobody,
        certainty,
        sentence,
    }
}

const fn party_of(hop: HopKind) -> Party {
    match hop {
        HopKind::Gateway => Party::Gateway,
        HopKind::Proxy => Party::Proxy,
        HopKind::Target => Party::Target,
    }
}

/// A time for people: `under 1 ms`, `12 ms`, `3.4 s`.
pub(crate) fn ms(time: Duration) -> String {
    match time.as_millis() {
        0 => "under 1 ms".to_owned(),
        millis @ 1..=999 => format!("{millis} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests;
