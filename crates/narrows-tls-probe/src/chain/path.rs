//! How far the certificates that were sent lead, by names and key identifiers.

use super::certificate::Certificate;

/// The last certificate that a path from the leaf reaches among those that were sent.
pub(super) fn top<'c>(leaf: &'c Certificate, chain: &'c [Certificate]) -> &'c Certificate {
    let mut top = leaf;
    // No path is longer than the chain, in whatever circle its names point.
    for _ in chain {
        let mut others = chain
            .iter()
            .filter(|other| other.fingerprint != top.fingerprint);
        match others.find(|other| !top.is_self_issued() && other.may_have_signed(top)) {
            Some(issuer) => top = issuer,
            None => break,
        }
    }
    top
}
