//! What is wrong with a certificate.

use jiff::Timestamp;
use narrows_endpoint::Target;

use super::Finding;
use crate::chain::{self, Certificate, ChainFault, Circumstances, Interception, Judgement};
use crate::evidence::{CertificateEvidence, TrustFault};
use crate::verdict_id::VerdictId as Id;
use crate::words::{Certainty, Party};

pub(super) fn find(to: &Target, evidence: &CertificateEvidence) -> Option<Finding> {
    let fault = evidence.fault.as_ref()?;
    let judgement = read(to, evidence, std::time::Duration::ZERO);
    let finding = match judgement.faults.first() {
        Some(found) if !matches!(fault, TrustFault::Revoked) => chain_fault(found),
        _ => trust_fault(to, fault),
    };
    Some(match judgement.interception {
        // A device signs for every name and for now: what else is wrong is then its doing too.
        Some(found) => intercepted(&found).because(finding.id),
        None => finding,
    })
}

/// What the certificates themselves say, also of a chain that was accepted.
pub(crate) fn read(
    to: &Target,
    evidence: &CertificateEvidence,
    expiring_within: std::time::Duration,
) -> Judgement {
    let chain: Result<Vec<_>, _> = evidence
        .chain
        .iter()
        .map(|der| Certificate::from_der(&der.0))
        .collect();
    let at = i64::try_from(evidence.at)
        .ok()
        .and_then(|at| Timestamp::from_second(at).ok());
    let (Ok(chain), Some(now)) = (chain, at) else {
        return Judgement::default();
    };
    let known = Circumstances {
        host: to.host(),
        now,
        accepted: evidence.fault.is_none(),
        anchored: anchored(evidence.fault.as_ref()),
        public: evidence.public,
        expiring_within,
    };
    chain::judge(&chain, &known)
}

/// The text of an interception, for verdicts and for warnings.
pub(crate) fn describe(found: &Interception) -> String {
    let clues: Vec<_> = found.clues.iter().map(ToString::to_string).collect();
    format!(
        "the certificate was signed by {}: {}",
        found.issuer,
        clues.join(", and ")
    )
}

fn intercepted(found: &Interception) -> Finding {
    Finding::new(Id::CertIntercepted, found.certainty, describe(found)).by(Party::Firewall)
}

/// Whether the verifier found a path to a root: it looks at names only afterwards, at times before.
fn anchored(fault: Option<&TrustFault>) -> Option<bool> {
    match fault {
        None | Some(TrustFault::Revoked | TrustFault::WrongName) => Some(true),
        Some(TrustFault::UnknownIssuer) => Some(false),
        Some(TrustFault::Expired | TrustFault::NotYetValid | TrustFault::Other { .. }) => None,
    }
}

/// What is wrong can be read; who is to blame cannot: a device may answer, or the clock be wrong.
fn chain_fault(fault: &ChainFault) -> Finding {
    let certainty = fault.certainty().min(Certainty::Likely);
    Finding::new(fault.id(), certainty, fault.to_string())
}

/// What the verifier said, where the certificates themselves do not show it.
fn trust_fault(to: &Target, fault: &TrustFault) -> Finding {
    let host = to.host();
    let (id, text) = match fault {
        TrustFault::Expired => (Id::CertExpired, "the certificate has expired".to_owned()),
        TrustFault::NotYetValid => (
            Id::CertNotYetValid,
            "the certificate is not valid yet".to_owned(),
        ),
        TrustFault::Revoked => (Id::CertRevoked, "the certificate was revoked".to_owned()),
        TrustFault::WrongName => (
            Id::CertNameMismatch,
            format!("the certificate is not for {host}"),
        ),
        TrustFault::UnknownIssuer => (
            Id::CertUnknownIssuer,
            "nobody trusted signed the certificate".to_owned(),
        ),
        TrustFault::Other { text } => (
            Id::CertInvalid,
            format!("the certificate cannot be used: {text}"),
        ),
    };
    Finding::new(id, Certainty::Likely, text)
}
