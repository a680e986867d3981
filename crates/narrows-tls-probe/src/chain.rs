//! What the certificates say that a server presented: read out as evidence, judged when they were
//! refused, and searched for signs of a device that signs in the server's place.
//!
//! Nothing here verifies a signature or decides whether a chain is trusted. That is the verifier's, and
//! its outcome is an argument; this says *why* in words a verifier does not have.

mod algorithm;
mod certificate;
mod fault;
mod interception;
mod name;
mod path;
mod signatures;
#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;
use narrows_endpoint::Host;

pub use algorithm::Key;
pub use certificate::{Certificate, CertificateError};
pub use fault::ChainFault;
pub use interception::{Clue, Interception};
pub use name::DistinguishedName;
pub use signatures::{Date, IssuerFamily, Product, Signatures, SignaturesError};

/// What is known beside the certificates themselves.
#[derive(Clone, Debug)]
pub struct Circumstances<'a> {
    /// The host whose certificate it should be.
    pub host: &'a Host,
    /// This machine's time when the certificates came.
    pub now: Timestamp,
    /// Whether the verifier that counts accepted the chain for `host` at `now`.
    pub accepted: bool,
    /// Whether that verifier found a path to a root of its own, also when it then refused something
    /// else, such as the name. `None` when it stopped before it looked.
    pub anchored: Option<bool>,
    /// Whether the public roots alone accept the chain. `None` when nobody asked them.
    ///
    /// A chain that the machine accepts and the public roots do not hangs on a root that somebody
    /// installed here.
    pub public: Option<bool>,
    /// Less than this before its end a certificate is [`ChainFault::Expiring`].
    pub expiring_within: Duration,
}

/// What [`judge`] found.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Judgement {
    /// What is wrong, the one that matters most first. Empty for a chain that was accepted and lasts;
    /// empty also when it was refused for something that certificates do not show, such as revocation
    /// or a signature that does not fit.
    pub faults: Vec<ChainFault>,
    /// Signs that somebody else than the host's owner signed.
    pub interception: Option<Interception>,
}

/// Judges the certificates that a server presented, its own first, as they came.
///
/// An accepted chain has no faults but [`ChainFault::Expiring`], and may be intercepted all the same.
/// An empty chain has no faults: no certificate was seen, so nothing can be said about one.
pub fn judge(chain: &[Certificate], known: &Circumstances<'_>) -> Judgement {
    let Some(leaf) = chain.first() else {
        return Judgement::default();
    };
    Judgement {
        faults: if known.accepted {
            fault::expiring(leaf, known).into_iter().collect()
        } else {
            fault::all(leaf, chain, known)
        },
        interception: interception::find(leaf, chain, known, Signatures::built_in()),
    }
}
