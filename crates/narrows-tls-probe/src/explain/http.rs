//! The texts of `http.*`.

use super::{Explanation, NOTHING};
use crate::verdict_id::VerdictId as Id;
use crate::words::Party;

pub(super) fn explanation(id: Id) -> Explanation {
    match id {
        Id::HttpBlockPage => Explanation {
            party: Party::Firewall,
            meaning: "TLS succeeds, but the page inside is a proxy's or firewall's refusal, not the \
                      service's.",
            disproof: "The service itself answers with this page to other networks.",
            ask: "Ask the firewall team: allow HTTPS to the FQDN {host} on TCP {port}, without TLS \
                  inspection.",
        },
        Id::HttpCaptivePortal => Explanation {
            party: Party::Network,
            meaning: "The network wants a login before it lets anything through.",
            disproof: "The redirect leads to the service's own site.",
            ask: "Log in to the network, or exempt this machine from its portal.",
        },
        Id::HttpDeniedByFirewall => Explanation {
            party: Party::Firewall,
            meaning: "The firewall itself answered, and says that no rule lets this request through.",
            disproof: "The service itself answers in these words to other networks.",
            ask: "Ask the firewall team: allow HTTPS to the FQDN {host} on TCP {port} by an application \
                  rule, without TLS inspection.",
        },
        Id::HttpEmptyReply => Explanation {
            party: Party::Target,
            meaning: "TLS succeeds, and the connection is closed instead of an answer. Services that do not \
                      speak HTTP do so; so do devices that judge the request.",
            disproof: "The service answers the same request from another network.",
            ask: "If {target} is meant for HTTP: ask its operator, then the firewall team, who closes.",
        },
        Id::HttpMalformed => Explanation {
            party: Party::Target,
            meaning: "TLS succeeds, and what answers the request is not HTTP: another protocol.",
            disproof: "The service answers with HTTP from another network.",
            ask: "Nothing, if {target} is not meant for HTTP.",
        },
        Id::HttpReset => Explanation {
            party: Party::Unknown,
            meaning: "TLS succeeds, and the connection is reset when the request comes.",
            disproof: "The service answers the same request from another network.",
            ask: "Ask the firewall team whether a device resets requests to {host}; else its operator.",
        },
        Id::HttpTimeout => Explanation {
            party: Party::Target,
            meaning: "TLS succeeds, and no answer comes to the request: a service that hangs, is slow, or \
                      does not speak HTTP.",
            disproof: "It answers with a longer deadline.",
            ask: "If {target} is meant for HTTP: ask its operator why it does not answer.",
        },
        _ => NOTHING,
    }
}
