//! Tunnels that are used before the gateway has answered.

use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use narrows_connect::Via;
use narrows_endpoint::Target;
use tokio::time::Instant;

use super::{GatewayConnected, GatewayStream, Shared, Spoken};
use crate::dialer::Dialer;
use crate::error::{DialError, DialErrorKind};
use crate::facts::Stage;

/// What the gateway answers to a CONNECT whose tunnel is in use already; clones are the same verdict.
#[derive(Clone, Debug, Default)]
pub struct Verdict(Arc<OnceLock<DialError>>);

/// Where the answer to one CONNECT is heard.
pub(super) struct Hearing {
    shared: Arc<Shared>,
    start: Instant,
    target: Target,
    verdict: Verdict,
}

// === impl Verdict ===

impl Verdict {
    /// Why there is no tunnel after all, if that is known; it is known before a read or a write fails.
    pub fn refusal(&self) -> Option<&DialError> {
        self.0.get()
    }
}

// === impl Hearing ===

impl Hearing {
    pub(super) const fn target(&self) -> &Target {
        &self.target
    }

    /// The gateway opened the tunnel.
    pub(super) fn opened(&self) {
        let took = self.start.elapsed();
        self.shared.facts.note(Stage::Connect, took, None);
    }

    /// The gateway refused, or did not answer.
    pub(super) fn refused(&self, kind: DialErrorKind) {
        let kind = match kind {
            DialErrorKind::Answered(answer) => self.shared.answered(answer),
            kind => kind,
        };
        let error = self.shared.error(Some(&self.target), self.start, kind);
        let took = self.start.elapsed();
        self.shared.facts.note(Stage::Connect, took, Some(&error));
        // There is one answer, so nothing is there yet.
        let _ = self.verdict.0.set(error);
    }
}

// === impl Shared ===

impl Shared {
    /// Sends a CONNECT over a session that is ready, and gives the tunnel without an answer; `None` if there
    /// is no such session, or the gateway is known to refuse our credentials.
    pub(super) fn ahead(
        self: &Arc<Self>,
        dialer: &Dialer,
        target: &Target,
        via: &Via,
    ) -> Option<GatewayConnected> {
        if self.rejected_before().is_some() {
            return None;
        }
        let slot = self.sessions.reserve()?;
        let peer = slot.peer();
        let verdict = Verdict::default();
        let hearing = Hearing {
            shared: Arc::clone(self),
            start: Instant::now(),
            target: target.clone(),
            verdict: verdict.clone(),
        };
        let patience = dialer.timeouts().request;
        let stream = slot.ahead(hearing, via, self.authorization.as_ref(), patience)?;
        Some(GatewayConnected {
            io: GatewayStream::h2(stream),
            early: Bytes::new(),
            peer,
            spoken: Spoken::H2,
            warm: true,
            verdict: Some(verdict),
        })
    }
}

impl fmt::Debug for Hearing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hearing")
            .field("target", &self.target)
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}
