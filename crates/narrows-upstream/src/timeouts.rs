//! [`Timeouts`]: how long each step may take.

use std::time::Duration;

/// How long each step of reaching a target may take.
///
/// Each step has its own deadline, so the error names the step that was slow. A call may take as long
/// as its steps together, and twice that through a proxy that asks for credentials;
/// waiting for others that try them first adds up to 20 s, see [`Upstream`](crate::Upstream).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Resolving one name. Default 10 s: two tries of the usual resolver.
    pub resolve: Duration,
    /// Connecting, over all addresses together. Default 15 s: four SYNs on Linux.
    pub connect: Duration,
    /// The head start of one address over the next. Default 250 ms (RFC 8305 §5).
    pub stagger: Duration,
    /// From sending CONNECT to the head of the proxy's or gateway's final answer, and separately the
    /// wait for room on a gateway's sessions.
    /// Default 30 s: the other side resolves and connects meanwhile.
    pub request: Duration,
    /// The TLS handshake with a gateway. Default 10 s: two round trips, and a loss in each.
    pub tls: Duration,
    /// How often a shared session with a gateway is pinged. Default 20 s: below the idle limits of
    /// firewalls and load balancers, which begin at 30 s.
    pub keep_alive: Duration,
    /// How long nothing may arrive after a ping before the session is given up. Default 10 s.
    pub pong: Duration,
}

// === impl Timeouts ===

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(10),
            connect: Duration::from_secs(15),
            stagger: Duration::from_millis(250),
            request: Duration::from_secs(30),
            tls: Duration::from_secs(10),
            keep_alive: Duration::from_secs(20),
            pong: Duration::from_secs(10),
        }
    }
}
