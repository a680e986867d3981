//! [`GatewayHealth`]: what was last learnt about a gateway, for people who ask.

use super::Spoken;
use crate::facts::Fact;

/// What was last learnt about a gateway, step by step, and what is held open to it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct GatewayHealth {
    /// Reaching it by TCP, through the upstream proxy if there is one.
    pub tcp: Option<Fact>,
    /// The TLS handshake.
    pub tls: Option<Fact>,
    /// The nested CONNECT. A refused target is good news here: the gateway works.
    pub connect: Option<Fact>,
    /// Which protocol it spoke last.
    pub spoken: Option<Spoken>,
    /// Sessions that are ready and carry nothing yet (HTTP/1.1).
    pub ready: usize,
    /// Shared sessions (HTTP/2).
    pub sessions: usize,
    /// Tunnels on shared sessions.
    pub tunnels: usize,
}
