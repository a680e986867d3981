//! The texts of `cert.*` and `alpn.*`.

use super::{Explanation, NOTHING};
use crate::verdict_id::VerdictId as Id;
use crate::words::Party;

pub(super) fn explanation(id: Id) -> Explanation {
    match id {
        Id::AlpnDowngraded => Explanation {
            party: Party::Firewall,
            meaning: "The service is known to speak HTTP/2, and here it agreed to less: devices that open \
                      TLS often cannot do better.",
            disproof: "The service agrees to the same from a network without a device.",
            ask: "Ask the firewall team whether {host} is inspected, and to exempt it.",
        },
        Id::AlpnNoOverlap => Explanation {
            party: Party::Target,
            meaning: "The server speaks none of the application protocols that were offered (h2, http/1.1): \
                      it is up, and serves something else than HTTP.",
            disproof: "It agrees to HTTP from elsewhere.",
            ask: "No rule is missing if {target} is not for HTTP; else report it to its operator.",
        },
        Id::CertClockSkew => Explanation {
            party: Party::ThisHost,
            meaning: "Certificates of many services are outside of their time: this machine's clock is \
                      wrong.",
            disproof: "The clock agrees with other machines.",
            ask: "Set this machine's clock (chronyc makestep; w32tm /resync).",
        },
        Id::CertExpired => Explanation {
            party: Party::Target,
            meaning: "The certificate's time is over. If other services look expired too, this machine's \
                      clock is ahead.",
            disproof: "A machine with the right clock finds it valid.",
            ask: "Ask the operator of {host} to renew its certificate; check this machine's clock first.",
        },
        Id::CertExpiring => Explanation {
            party: Party::Target,
            meaning: "The certificate is good now and will not be soon.",
            disproof: "It has been renewed meanwhile.",
            ask: "Ask the operator of {host} to renew its certificate.",
        },
        Id::CertIncompleteChain => Explanation {
            party: Party::Target,
            meaning: "The server sends its certificate without the intermediate one that connects it to a \
                      trusted authority. Browsers that fetch it themselves do not notice.",
            disproof: "The chain is complete when seen from elsewhere.",
            ask: "Ask the operator of {host} to send the intermediate certificate too.",
        },
        Id::CertIntercepted => Explanation {
            party: Party::Firewall,
            meaning: "A device on the way opens the TLS connection and shows a certificate of its own \
                      authority. Agents that pin or do not trust that authority fail.",
            disproof: "The service shows the same certificate to a network without the device.",
            ask: "Ask the firewall team to exempt the FQDN {host} on TCP {port} from TLS inspection.",
        },
        Id::CertInvalid => Explanation {
            party: Party::Target,
            meaning: "The certificate is damaged, or made in a way that is not accepted any more.",
            disproof: "Another verifier with current rules accepts it.",
            ask: "Report it to the operator of {host}.",
        },
        Id::CertNameMismatch => Explanation {
            party: Party::Target,
            meaning: "The certificate is for other names: the name resolves to another service, or a device \
                      answers in its place.",
            disproof: "The service shows this certificate to other networks as well.",
            ask: "Check that {host} resolves to its own service; if it does, ask the firewall team who \
                  answers on TCP {port}.",
        },
        Id::CertNotYetValid => Explanation {
            party: Party::ThisHost,
            meaning: "The certificate's time has not come: most often this machine's clock is behind.",
            disproof: "A machine with the right clock finds the same.",
            ask: "Check this machine's clock; if it is right, report it to the operator of {host}.",
        },
        Id::CertRevoked => Explanation {
            party: Party::Target,
            meaning: "The authority has taken the certificate back.",
            disproof: "Other machines find it good with fresh revocation lists.",
            ask: "Ask the operator of {host} for a new certificate.",
        },
        Id::CertSelfSigned => Explanation {
            party: Party::Target,
            meaning: "The certificate was signed by its own key: an appliance's default certificate, a test \
                      service, or a device's block page.",
            disproof: "The service shows a certificate of an authority to other networks.",
            ask: "Check what answers at {target}; if it should be this, trust its certificate on this \
                  machine.",
        },
        Id::CertUnknownIssuer => Explanation {
            party: Party::Unknown,
            meaning: "Nobody whom this machine trusts signed the certificate: a private authority, an \
                      inspecting device, or a trust store that is out of date.",
            disproof: "The same chain verifies on another machine of this network.",
            ask: "If the issuer is an inspecting device: exempt {host} on TCP {port} from inspection. If it \
                  is your own authority: add it to this machine's trust store.",
        },
        _ => NOTHING,
    }
}
