//! The five acts.

use narrows_upstream::Protocol;

/// One way that the network may be set up, and what must come of it.
pub(crate) struct Act {
    pub(crate) title: &'static str,
    /// Whom the enterprise proxy lets pass.
    pub(crate) proxy: Allowed,
    /// Whom the firewall lets pass.
    pub(crate) firewall: Allowed,
    /// Whether this machine's proxy knows the gateway, and what it speaks with it.
    pub(crate) gateway: Option<Protocol>,
    pub(crate) expected: Expected,
}

/// What a list of allowed names has besides the bootstrap names.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Allowed {
    Nothing,
    Everything,
    Gateway,
}

/// What becomes of the names that the gateway would carry.
pub(crate) enum Expected {
    /// The agent fails with these words, and the log has those in one line for each name.
    Fail {
        agent: &'static str,
        log: &'static str,
    },
    /// The agent reaches them all, by this route.
    Reach(&'static str),
}

/// After the first public trial of such a gateway: what fails without one, and how it is put right.
pub(crate) const STORY: [Act; 5] = [
    Act {
        title: "the enterprise proxy refuses eighteen names",
        proxy: Allowed::Nothing,
        firewall: Allowed::Everything,
        gateway: None,
        expected: Expected::Fail {
            agent: "refused CONNECT",
            log: "refused 403 proxy/request",
        },
    },
    Act {
        title: "the proxy lets them pass, and the firewall ends their TLS (\"TcpTestSucceeded : True\")",
        proxy: Allowed::Everything,
        firewall: Allowed::Nothing,
        gateway: None,
        expected: Expected::Fail {
            agent: "target, tls: closed after ClientHello",
            log: ", <-:0\"",
        },
    },
    Act {
        title: "a gateway whose name only the proxy knows, not the firewall",
        proxy: Allowed::Gateway,
        firewall: Allowed::Nothing,
        gateway: Some(Protocol::Auto),
        expected: Expected::Fail {
            agent: "ClientHello",
            log: "gateway/tls",
        },
    },
    Act {
        title: "the gateway's one name is allowed",
        proxy: Allowed::Gateway,
        firewall: Allowed::Gateway,
        gateway: Some(Protocol::Auto),
        expected: Expected::Reach("gatewayh2"),
    },
    Act {
        title: "the same over HTTP/1.1",
        proxy: Allowed::Gateway,
        firewall: Allowed::Gateway,
        gateway: Some(Protocol::H1),
        expected: Expected::Reach("gatewayh1"),
    },
];
