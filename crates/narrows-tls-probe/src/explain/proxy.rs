//! The texts of `proxy.*`, which are about gateways too: the verdict names the hop.

use super::{Explanation, NOTHING};
use crate::verdict_id::VerdictId as Id;
use crate::words::Party;

pub(super) fn explanation(id: Id) -> Explanation {
    match id {
        Id::ProxyAuthRequired => Explanation {
            party: Party::Proxy,
            meaning: "The proxy answered 407: it wants credentials, or other ones, or a scheme that was not \
                      offered to it.",
            disproof: "The same credentials are accepted by the same proxy for another target.",
            ask: "Give this machine credentials for {hop}, or ask its operator to let {target} through \
                  without.",
        },
        Id::ProxyBadGateway => Explanation {
            party: Party::Network,
            meaning: "The proxy is up and tried, but could not reach the target: the break lies behind it.",
            disproof: "The proxy reaches the target for another client at the same time.",
            ask: "Ask the operator of {hop} why it cannot reach {target}: name resolution there, and the \
                  firewall behind it.",
        },
        Id::ProxyClosed => Explanation {
            party: Party::Proxy,
            meaning: "The connection was closed before the proxy's answer to CONNECT was complete.",
            disproof: "It succeeds when tried again: then the proxy was restarting or overloaded.",
            ask: "Ask the operator of {hop} for its log of CONNECT {target}.",
        },
        Id::ProxyConnectRefused => Explanation {
            party: Party::Proxy,
            meaning: "Nothing listens at the proxy's address: it is down, or the port is wrong. The target \
                      was not tried.",
            disproof: "Another machine connects to the proxy at the same time.",
            ask: "Start {hop}, or correct its address.",
        },
        Id::ProxyConnectTimeout => Explanation {
            party: Party::Network,
            meaning: "The proxy's address does not answer: it is down, or a filter stands between. The \
                      target was not tried.",
            disproof: "Another machine of this network connects to the proxy.",
            ask: "Open TCP from this machine to {hop}, or correct its address.",
        },
        Id::ProxyDenied => Explanation {
            party: Party::Proxy,
            meaning: "The proxy's policy refuses this target; everything up to it works.",
            disproof: "Its log shows another reason for the refusal, such as the client's address.",
            ask: "Ask the operator of {hop} to allow CONNECT {target} (exactly this name and port), without \
                  TLS inspection.",
        },
        Id::ProxyExpectsTls => Explanation {
            party: Party::ThisHost,
            meaning: "The proxy answered a plain CONNECT with TLS: it is an https:// proxy, configured here \
                      as http://.",
            disproof: "It answers plain HTTP in another program.",
            ask: "Write the address of {hop} with https://.",
        },
        Id::ProxyMalformed => Explanation {
            party: Party::Proxy,
            meaning: "What answers at the proxy's address does not speak HTTP.",
            disproof: "Another program uses this address as an HTTP proxy.",
            ask: "Check the address and port of {hop}.",
        },
        Id::ProxyReset => Explanation {
            party: Party::Proxy,
            meaning: "The connection was reset before the proxy's answer to CONNECT was complete.",
            disproof: "It succeeds when tried again: then the proxy was restarting or overloaded.",
            ask: "Ask the operator of {hop} for its log of CONNECT {target}, and whether a firewall stands \
                  between.",
        },
        Id::ProxyResolveFailed => Explanation {
            party: Party::Resolver,
            meaning: "The proxy's own name gives no addresses. The target was not tried.",
            disproof: "The name resolves on another machine of this network.",
            ask: "Correct the name of {hop}, or the name servers of this machine.",
        },
        Id::ProxyStatus => Explanation {
            party: Party::Proxy,
            meaning: "The proxy answered CONNECT with a status that neither opens the tunnel nor is one of \
                      the usual refusals.",
            disproof: "The same request is answered otherwise when sent again.",
            ask: "Ask the operator of {hop} what its answer to CONNECT {target} means.",
        },
        Id::ProxyTimeout => Explanation {
            party: Party::Unknown,
            meaning: "The proxy took the CONNECT and did not answer in time; it may itself be waiting for \
                      the target.",
            disproof: "It answers for other targets at the same time: then it waits for this one.",
            ask: "Ask the operator of {hop} for its log of CONNECT {target}.",
        },
        Id::ProxyTlsFailed => Explanation {
            party: Party::Proxy,
            meaning: "The proxy or gateway was reached, but TLS with it failed; the nested verdict says how. \
                      The target was not tried.",
            disproof: "Another program speaks TLS to the same address.",
            ask: "Allow {hop} through the firewall without TLS inspection, and trust the authority of its \
                  certificate on this machine.",
        },
        Id::ProxyTunnelDropped => Explanation {
            party: Party::Firewall,
            meaning: "The proxy said 200 and then dropped the tunnel after ClientHello, before any byte of \
                      the target came: it judges the name in the ClientHello, or what lies behind it does.",
            disproof: "Another name on the same target is dropped in the same way: then the target does it.",
            ask: "Ask the operator of {hop}, and of the firewall behind it, to allow TLS to {host} on TCP \
                  {port} without inspection.",
        },
        Id::ProxyUnavailable => Explanation {
            party: Party::Network,
            meaning: "The proxy is up and says that the target, or itself, cannot serve now. Squid says so \
                      when it cannot resolve or reach a target.",
            disproof: "The proxy reaches the target for another client at the same time.",
            ask: "Ask the operator of {hop} why it cannot reach {target}.",
        },
        Id::ProxyUnreachable => Explanation {
            party: Party::Network,
            meaning: "There is no way to the proxy's address. The target was not tried.",
            disproof: "Another program of this machine reaches the proxy.",
            ask: "Add a route to {hop}, allow it in this machine's firewall, or correct its address.",
        },
        Id::ProxyUpstreamTimeout => Explanation {
            party: Party::Network,
            meaning: "The proxy is up and tried, but the target did not answer it: the break lies behind it.",
            disproof: "The proxy reaches the target for another client at the same time.",
            ask: "Ask for TCP {port} to {host} to be opened in the firewall behind {hop}.",
        },
        _ => NOTHING,
    }
}
