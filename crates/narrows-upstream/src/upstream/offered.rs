//! [`Scheme`]: how credentials go to a proxy, out of what it offers.

use std::sync::Arc;

use super::Authentication;
use crate::challenges::Offer;
use crate::digest::Challenge;

/// How credentials go to a proxy.
#[derive(Clone, Debug)]
pub(super) enum Scheme {
    Basic,
    Bearer,
    Digest(Arc<Challenge>),
}

/// What a proxy asked for, as far as it can be given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offered {
    /// Whether there is a scheme by which the credentials may go.
    pub(crate) usable: bool,
    /// Whether the credentials that were sent were good, and only their nonce too old.
    pub(crate) stale: bool,
}

/// The best scheme by which a token, or else a user and password, may go.
pub(super) fn choose(
    offers: &[Offer],
    token: bool,
    authentication: Authentication,
) -> Option<Scheme> {
    let offered = |scheme: &str| offers.iter().any(|offer| offer.scheme == scheme);
    if token {
        return offered("bearer").then_some(Scheme::Bearer);
    }
    if authentication != Authentication::Basic {
        let digests = offers.iter().filter(|offer| offer.scheme == "digest");
        let digests = digests.filter_map(|offer| Challenge::read(&offer.parameters));
        // Of equals the first, which the proxy prefers.
        let best = digests.reduce(|best, next| {
            if next.strength() > best.strength() {
                next
            } else {
                best
            }
        });
        if let Some(best) = best {
            return Some(Scheme::Digest(Arc::new(best)));
        }
    }
    let basic = authentication != Authentication::Digest && offered("basic");
    basic.then_some(Scheme::Basic)
}
