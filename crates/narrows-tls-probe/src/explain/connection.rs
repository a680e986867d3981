//! The texts of `dns.*` and `tcp.*`.

use super::{Explanation, NOTHING};
use crate::verdict_id::VerdictId as Id;
use crate::words::Party;

pub(super) fn explanation(id: Id) -> Explanation {
    match id {
        Id::DnsBogon => Explanation {
            party: Party::Resolver,
            meaning: "The address is link-local, multicast, for documentation or reserved: no public \
                      service has one. Somebody answers in place of the real name server.",
            disproof: "The name belongs to a laboratory that uses such addresses on purpose.",
            ask: "Ask who runs the name servers to forward {host} to public DNS unchanged.",
        },
        Id::DnsNoAddress => Explanation {
            party: Party::Resolver,
            meaning: "The name server knows the name but gives it no address of a family that this machine \
                      uses: a broken alias, a private zone without this record, or a name with IPv6 only.",
            disproof: "Another resolver gives addresses for the name.",
            ask: "Ask who runs the name servers for an A record of {host}; if a private DNS zone shadows \
                  its domain, the record is missing there.",
        },
        Id::DnsNxdomain => Explanation {
            party: Party::Resolver,
            meaning: "The resolver says that the name does not exist: it is mistyped, a private zone that \
                      holds it is not linked to this network, or a DNS filter hides it.",
            disproof: "The same resolver finds the name when asked from another machine of this network.",
            ask: "Check the spelling of {host}; then ask who runs the name servers to resolve it from this \
                  network.",
        },
        Id::DnsPrivateAddress => Explanation {
            party: Party::Resolver,
            meaning: "A public name resolves to a private address. That is right with a private endpoint, \
                      and wrong if nobody set one up.",
            disproof: "There is a private endpoint for the service; say so with expect-private.",
            ask: "If there should be no private endpoint: ask who runs the private DNS zone to remove the \
                  record of {host}. If there should: open {target} at that address.",
        },
        Id::DnsServerError => Explanation {
            party: Party::Resolver,
            meaning: "The resolver answered that it could not find out, or refused to: its own forwarder is \
                      unreachable, or recursion is not allowed from here.",
            disproof: "The same question is answered a minute later.",
            ask: "Ask who runs the name servers why they cannot resolve {host}: look at the conditional \
                  forwarders.",
        },
        Id::DnsSinkhole => Explanation {
            party: Party::Resolver,
            meaning: "The name resolves to 0.0.0.0, :: or this machine itself. DNS filters and hosts files \
                      do that to names they block.",
            disproof: "A service on this very machine is meant to answer for the name.",
            ask: "Remove {host} from this machine's hosts file, or from the block list of the DNS filter.",
        },
        Id::DnsTimeout => Explanation {
            party: Party::Resolver,
            meaning: "Nothing came back from the resolver: its address is wrong, it is down, or UDP and TCP \
                      port 53 to it are blocked.",
            disproof: "Other names resolve quickly at the same time.",
            ask: "Open UDP and TCP 53 from this machine to its name servers, or correct their addresses.",
        },
        Id::TcpClosedOnAccept => Explanation {
            party: Party::Unknown,
            meaning: "The connection stood and was closed before this side had said anything: an overloaded \
                      server, or a device that accepts in its place.",
            disproof: "It succeeds when tried again.",
            ask: "Ask whether a rule closes connections to {host} on TCP {port}; if not, the service is \
                  overloaded.",
        },
        Id::TcpLocalDenied => Explanation {
            party: Party::ThisHost,
            meaning: "This machine's own firewall or security software forbids the connection; no packet \
                      left it.",
            disproof: "Another program of the same user connects to the same address.",
            ask: "Allow outbound TCP {port} to {host} in this machine's own firewall.",
        },
        Id::TcpLocalResources => Explanation {
            party: Party::ThisHost,
            meaning: "This machine has no file descriptors, source ports or memory left, so nothing was \
                      tried.",
            disproof: "It fails in the same way with a single connection.",
            ask: "Raise the limit of open files (ulimit -n), or probe fewer targets at once.",
        },
        Id::TcpRefused => Explanation {
            party: Party::Target,
            meaning: "Something answered the attempt with a refusal: the service is not running on this \
                      port, or a firewall rejects instead of dropping.",
            disproof: "The refusal comes much faster than the address is far away: then it was a device \
                       nearby.",
            ask: "Check that {host} serves port {port}; then open outbound TCP {port} to {host}.",
        },
        Id::TcpResetOnAccept => Explanation {
            party: Party::Unknown,
            meaning: "The connection stood and was reset before this side had said anything: an overloaded \
                      server, or a device that accepts in its place.",
            disproof: "It succeeds when tried again.",
            ask: "Ask whether a rule resets connections to {host} on TCP {port}; if not, the service is \
                  overloaded.",
        },
        Id::TcpTimeout => Explanation {
            party: Party::Network,
            meaning: "No answer came to the connection attempt: a filter drops it by address and port, or \
                      there is no way back.",
            disproof: "The same address answers on another port, or from another machine of this network.",
            ask: "Open outbound TCP {port} to {host} (all of its addresses) in the firewall; a rule by name \
                  (FQDN) is better, since addresses change.",
        },
        Id::TcpUnreachable => Explanation {
            party: Party::Network,
            meaning: "This machine or a router knows no way to the address: no route, a VPN that is down, or \
                      no IPv6.",
            disproof: "Other addresses of the same network are reached.",
            ask: "Add a route to {host}, or bring up the VPN that leads there.",
        },
        _ => NOTHING,
    }
}
