//! [`Verdict`]: what was concluded, who most likely did it, and how sure that is.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::verdict_id::VerdictId;
use crate::words::{Certainty, HopKind, Party, Step};

/// A conclusion: the step where it broke, the party that most likely broke it, and how sure that is.
///
/// `Display` is its sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verdict {
    /// The pattern.
    pub id: VerdictId,
    /// The more precise pattern inside: what was wrong with TLS for [`VerdictId::ProxyTlsFailed`], how the
    /// handshake looked for [`VerdictId::ProxyTunnelDropped`] and [`VerdictId::TlsSniFiltered`].
    pub because: Option<VerdictId>,
    /// The step where it broke, or the last one of a target that is reachable.
    pub step: Step,
    /// With which kind of hop.
    pub hop: HopKind,
    /// Who most likely broke it.
    pub party: Party,
    /// How sure it is that it was they. What was seen is never in doubt.
    pub certainty: Certainty,
    /// One sentence with the evidence, lower case, without a trailing period.
    pub sentence: String,
}

/// Something about a target that deserves attention, although it may be reachable.
///
/// `Display` is its sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Warning {
    /// The pattern.
    pub id: VerdictId,
    /// Who most likely brings it about.
    pub party: Party,
    /// How sure that is.
    pub certainty: Certainty,
    /// One sentence with the evidence, lower case, without a trailing period.
    pub sentence: String,
}

impl Verdict {
    /// Whether the target can be used.
    pub fn is_reachable(&self) -> bool {
        self.id == VerdictId::Reachable
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}
