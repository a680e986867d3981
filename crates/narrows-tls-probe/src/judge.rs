//! [`judge`]: from evidence to a verdict, and nothing else.

use narrows_endpoint::Target;

use crate::evidence::{ConnectFault, Evidence, ResolveFault};
use crate::report::{Experiment, StepReport};
use crate::verdict::Verdict;
use crate::verdict_id::VerdictId;
use crate::words::{Certainty, HopKind, Step};

/// Derives the verdict from the steps of one walk, and from the experiments that followed it.
///
/// A pure function: the same evidence, also read back from JSON, gives the same verdict.
pub fn judge(target: &Target, steps: &[StepReport], experiments: &[Experiment]) -> Verdict {
    let _ = experiments;
    let failed = steps.iter().find(|step| !step.passed());
    let last = failed.or_else(|| steps.last());
    let id = failed
        .and_then(|step| step.evidence.as_ref())
        .map_or(VerdictId::Reachable, id);
    Verdict {
        id,
        because: None,
        step: last.map_or(Step::Resolve, |step| step.step),
        hop: last.map_or(HopKind::Target, |step| step.hop),
        party: id.party(),
        certainty: Certainty::Likely,
        sentence: format!("{target}: {}", id.summary()),
    }
}

fn id(evidence: &Evidence) -> VerdictId {
    match evidence {
        Evidence::Resolve(resolve) => match resolve.fault {
            Some(ResolveFault::NotFound) => VerdictId::DnsNxdomain,
            Some(ResolveFault::Timeout) => VerdictId::DnsTimeout,
            Some(ResolveFault::NoAddress) => VerdictId::DnsNoAddress,
            _ => VerdictId::DnsServerError,
        },
        Evidence::Connect(connect) => match connect.fault {
            Some(ConnectFault::Refused) => VerdictId::TcpRefused,
            _ => VerdictId::TcpTimeout,
        },
        _ => VerdictId::TlsProtocolError,
    }
}
