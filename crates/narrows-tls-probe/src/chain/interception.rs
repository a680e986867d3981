//! Signs that a device on the way signs in the place of those it reads.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Circumstances;
use super::certificate::Certificate;
use super::signatures::Signatures;
use crate::words::Certainty;

/// Why a chain looks like the work of an inspecting device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Interception {
    /// How sure it is; [`Interception::clues`] says why.
    pub certainty: Certainty,
    /// The product that signs under such a name, if one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Who signed.
    pub issuer: String,
    /// What it is concluded from; never empty.
    pub clues: Vec<Clue>,
}

/// One sign of interception.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "clue", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Clue {
    /// An issuer's name is one under which a known product signs.
    KnownProduct {
        /// The product.
        product: String,
    },
    /// Accepted here by a root that somebody installed; the public roots do not know it.
    LocalRoot,
    /// The host's owner has its certificates from somebody else.
    UnexpectedIssuer {
        /// From whom.
        expected: String,
    },
    /// Made only just now; a certificate that is forged on demand is as old as the first connection.
    YoungLeaf {
        /// Its age in seconds.
        age: i64,
    },
}

impl fmt::Display for Clue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KnownProduct { product } => write!(f, "{product} signs under this issuer's name"),
            Self::LocalRoot => {
                f.write_str("its root is installed on this machine and is no public one")
            }
            Self::UnexpectedIssuer { expected } => {
                write!(f, "certificates for this name come from {expected}")
            }
            Self::YoungLeaf { age } => write!(f, "it is {age} seconds old"),
        }
    }
}

/// Looks for signs. What the public roots accept is not intercepted: no public authority signs for a
/// device. A self-signed leaf is none either: such a device has an authority of its own.
///
/// A root of one's own is no sign by itself, and neither is a young leaf: whoever runs a private
/// authority has both.
pub(super) fn find(
    leaf: &Certificate,
    chain: &[Certificate],
    known: &Circumstances<'_>,
    signatures: &Signatures,
) -> Option<Interception> {
    if known.public == Some(true) || leaf.is_self_issued() {
        return None;
    }
    let mut issuers = chain.iter().map(|certificate| &certificate.issuer);
    let product = issuers.find_map(|issuer| signatures.product(issuer));
    let family = signatures.family(known.host);
    let unexpected = family.filter(|family| !family.includes(&leaf.issuer));
    let mut clues = Vec::new();
    clues.extend(product.map(|product| Clue::KnownProduct {
        product: product.name.clone(),
    }));
    clues.extend(unexpected.map(|family| Clue::UnexpectedIssuer {
        expected: family.name.clone(),
    }));
    let named = !clues.is_empty();
    let local = known.public == Some(false) && known.accepted;
    clues.extend(local.then_some(Clue::LocalRoot));
    let age = known.now.duration_since(leaf.not_before).as_secs();
    let young = (0..YOUNG).contains(&age);
    clues.extend(young.then_some(Clue::YoungLeaf { age }));
    let certainty = match (named, known.public) {
        (true, Some(false)) => Certainty::Proved,
        (true, _) => Certainty::Likely,
        (false, _) if local && young => Certainty::Guess,
        (false, _) => return None,
    };
    Some(Interception {
        certainty,
        product: product.map(|product| product.name.clone()),
        issuer: leaf.issuer.to_string(),
        clues,
    })
}

/// A leaf younger than this, in seconds, may have been made for this connection. Public authorities
/// date theirs back by an hour.
const YOUNG: i64 = 3600;
