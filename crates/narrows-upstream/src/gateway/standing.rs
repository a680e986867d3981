//! [`Standing`]: whether the gateway still wants to see our credentials.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::{GatewayCredentials, lock};
use crate::answer::ProxyAnswer;

/// How long a rejected token rests. A token has no account that could be locked, and gateways learn new
/// tokens while they run.
const REST: Duration = Duration::from_secs(60);

/// The gateway's last 407, while it still counts.
#[derive(Debug, Default)]
pub(super) struct Standing(Mutex<Option<(Instant, Box<ProxyAnswer>)>>);

// === impl Standing ===

impl Standing {
    pub(super) fn reject(&self, answer: Box<ProxyAnswer>) {
        *lock(&self.0) = Some((Instant::now(), answer));
    }

    /// The answer that rejected these credentials, if they are not to be sent again now: a password never,
    /// so that no account is locked; a token not within [`REST`].
    pub(super) fn rejected(&self, credentials: &GatewayCredentials) -> Option<Box<ProxyAnswer>> {
        let rejected = lock(&self.0);
        let (since, answer) = rejected.as_ref()?;
        let rests = match credentials {
            GatewayCredentials::Basic(_) => true,
            GatewayCredentials::Bearer(_) => since.elapsed() < REST,
        };
        rests.then(|| answer.clone())
    }
}
