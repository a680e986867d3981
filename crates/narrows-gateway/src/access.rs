//! [`AccessLog`]: the tunnel log, and who was let through by which rule to which address.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use narrows_endpoint::{Hop, Step};
use narrows_log::{ConnId, Event, Text};
use narrows_server::{Ended, Observe, Opened, Refused, TunnelLog};

use crate::handshake::HandshakeError;

/// The tunnel log, and for each tunnel one more line: `P:1:C:7 allowed token:alice at 192.0.2.1:443 by
/// gateway edge, carried by the gateway: matches *.example.com:443 (edge.json:3)`.
///
/// A refusal stays one line; its reason names the identity.
#[derive(Debug)]
pub struct AccessLog {
    log: Arc<TunnelLog>,
    handshakes: AtomicU64,
}

// === impl AccessLog ===

impl AccessLog {
    /// Writes to `log`.
    pub const fn new(log: Arc<TunnelLog>) -> Self {
        Self {
            log,
            handshakes: AtomicU64::new(0),
        }
    }

    /// Records a connection that came to nothing before there was a request, and tells `other` of it.
    pub fn no_handshake(&self, client: SocketAddr, error: &HandshakeError, other: &impl Observe) {
        let connection = self.handshakes.fetch_add(1, Ordering::Relaxed) + 1;
        let refused = Refused {
            asked: None,
            client,
            hop: Hop::Client,
            id: ConnId {
                listener: NO_REQUEST,
                connection,
            },
            identity: None,
            reason: &error.to_string(),
            status: CLIENT_LEFT,
            step: Step::Tls,
            target: "",
        };
        self.refused(&refused);
        other.refused(&refused);
    }
}

impl Observe for AccessLog {
    fn opened(&self, opened: &Opened<'_>) {
        self.log.opened(opened);
        // The other forms have it in the request's own line.
        let Some(terms) = opened.terms.filter(|_| self.log.is_arcproxy()) else {
            return;
        };
        let line = format!(
            "{} allowed {} at {} by {}",
            opened.asked.id,
            terms.identity.as_deref().unwrap_or("-"),
            opened.peer,
            terms.rule.as_deref().unwrap_or("-"),
        );
        self.log.step(Event::Note(Text::new(line)));
    }

    fn ended(&self, ended: &Ended<'_>) {
        self.log.ended(ended);
    }

    fn refused(&self, refused: &Refused<'_>) {
        let Some(identity) = refused.identity.filter(|_| self.log.is_arcproxy()) else {
            return self.log.refused(refused);
        };
        self.log.refused(&Refused {
            reason: &format!("{} (asked by {identity})", refused.reason),
            ..*refused
        });
    }
}

/// The `P` of connections that never asked for anything; requests have another.
const NO_REQUEST: u64 = 0;
/// The status that stands for a client that got no answer in HTTP.
const CLIENT_LEFT: u16 = 499;
