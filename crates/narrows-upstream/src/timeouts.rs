//! [`Timeouts`]: how long each step may take.

use std::time::Duration;

/// How long each step of reaching a target may take.
///
/// Each step has its own deadline, so the error names the step that was slow. A call may take as long
/// as its steps together, and twice that through a proxy that asks for credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Resolving one name. Default 10 s: two tries of the usual resolver.
    pub resolve: Duration,
    /// Connecting, over all addresses together. Default 15 s: four SYNs on Linux.
    pub connect: Duration,
    /// The head start of one address over the next. Default 250 ms (RFC 8305 §5).
    pub stagger: Duration,
    /// From sending CONNECT to the head of the proxy's final answer, and separately the wait for another
    /// request that is trying the credentials. Default 30 s: the proxy resolves and connects meanwhile.
    pub request: Duration,
}

// === impl Timeouts ===

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(10),
            connect: Duration::from_secs(15),
            stagger: Duration::from_millis(250),
            request: Duration::from_secs(30),
        }
    }
}
