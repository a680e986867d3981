//! [`Retired`]: rules that hold no longer, for as long as somebody asks them.

use crate::policy::RulePolicy;

/// Rules that hold no longer, for as long as a request or a connection has them.
///
/// Whoever lets go of them last frees them, and a million rules take their time. That shall be whoever reads
/// files, on a thread for that, and not a request's task, which would hold up the tunnels of its thread.
#[derive(Debug, Default)]
pub(super) struct Retired(Vec<RulePolicy>);

impl Retired {
    /// Keeps these until nobody else does.
    pub(super) fn add(&mut self, policy: RulePolicy) {
        self.0.push(policy);
    }

    /// Frees what nobody else has.
    pub(super) fn sweep(&mut self) {
        self.0.retain(RulePolicy::is_shared);
    }
}
