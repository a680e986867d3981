//! The texts of `tls.*`.

use super::{Explanation, NOTHING};
use crate::alert::Alert;
use crate::verdict_id::VerdictId as Id;
use crate::words::Party;

/// What the owner of a firewall must change when it filters by name.
const OPEN: &str = "Ask the firewall team: allow HTTPS to the FQDN {host} on TCP {port} by an application \
                    rule, without TLS inspection. A rule that only opens the port is not enough.";

pub(super) fn explanation(id: Id) -> Explanation {
    match id {
        Id::TlsClosedAfterClientHello | Id::TlsResetAfterClientHello => Explanation {
            party: Party::Firewall,
            meaning: "TCP connects, the ClientHello is sent, and the connection ends without a byte. \
                      Firewalls that judge the name in the ClientHello do exactly this: they complete the \
                      TCP connection themselves, read the name, and cut. A TCP test says open.",
            disproof: "Another name on the same address is cut in the same way: then the server may be \
                       down, or not serve TLS at all.",
            ask: OPEN,
        },
        Id::TlsNoServerHello => Explanation {
            party: Party::Firewall,
            meaning: "TCP connects, the ClientHello is sent, and nothing comes back. Intrusion prevention \
                      drops so, and devices that cannot read a ClientHello.",
            disproof: "Another name on the same address is met with silence too: then the server hangs.",
            ask: OPEN,
        },
        Id::TlsClosedBeforeServerHello | Id::TlsResetBeforeServerHello => Explanation {
            party: Party::Unknown,
            meaning: "The connection ended while the ClientHello was being sent, so it is not known whether \
                      anybody read it.",
            disproof: "It succeeds when tried again.",
            ask: "Try again; if it stays so: allow HTTPS to the FQDN {host} on TCP {port} in the firewall.",
        },
        Id::TlsClosedMidHandshake | Id::TlsResetMidHandshake => Explanation {
            party: Party::Firewall,
            meaning: "The server began to answer and the connection was ended before the handshake was \
                      complete: a device that judges the certificate, or a server that fails.",
            disproof: "The same happens from a network without the device.",
            ask: OPEN,
        },
        Id::TlsStalledMidHandshake => Explanation {
            party: Party::Network,
            meaning: "The server began to answer and then fell silent. Large records that do not arrive \
                      where small ones do point at the path's packet size (MTU).",
            disproof: "The handshake completes with a smaller packet size on this machine's interface: then \
                       it is the MTU; if not, the server hangs.",
            ask: "Ask the network team to clamp the TCP segment size (MSS) on the way to {host}, or to let \
                  ICMP \"fragmentation needed\" through.",
        },
        Id::TlsSniFiltered => Explanation {
            party: Party::Firewall,
            meaning: "On the same address, at the same time, the handshake fails with this name and succeeds \
                      with another or none. Only a device that reads the name can do that.",
            disproof: "The server itself refuses this name, seen from a network without a filter.",
            ask: OPEN,
        },
        Id::TlsLargeHelloIntolerant => Explanation {
            party: Party::Firewall,
            meaning: "A ClientHello in one segment succeeds; the larger one that modern clients send \
                      (post-quantum key exchange) fails. Devices that read only the first segment do that.",
            disproof: "Both sizes fail from time to time.",
            ask: "Ask the firewall team to update the device that reads ClientHellos on the way to {host} \
                  (see tldr.fail), or to exempt {host} on TCP {port}.",
        },
        Id::TlsClientCertRequired => Explanation {
            party: Party::Target,
            meaning: "The path is open and the server answers; it lets in only clients that show a \
                      certificate, and the probe has none.",
            disproof: "It answers without a certificate from elsewhere: then a device on the way asks.",
            ask: "No rule is missing: give the program that uses {target} its client certificate.",
        },
        Id::TlsVersionUnsupported => Explanation {
            party: Party::Target,
            meaning: "The server speaks only TLS versions that are no longer safe (1.1 and older).",
            disproof: "A TLS 1.2 handshake succeeds from elsewhere: then a device on the way lowers it.",
            ask: "Ask the operator of {host} to enable TLS 1.2 or 1.3 on port {port}.",
        },
        Id::TlsNoCommonCipher => Explanation {
            party: Party::Target,
            meaning: "The server answers only cipher suites that modern clients have dropped (CBC, static \
                      RSA, finite-field Diffie-Hellman).",
            disproof: "A modern client succeeds from elsewhere: then a device on the way narrows the list.",
            ask: "Ask the operator of {host} to enable ECDHE suites with AES-GCM or ChaCha20 on port {port}.",
        },
        Id::TlsPlaintextHttp => Explanation {
            party: Party::Unknown,
            meaning: "Plain HTTP answered the ClientHello: a plain port, or a device that writes its page \
                      into the connection.",
            disproof: "The port is meant for plain HTTP.",
            ask: "Check that {target} is the TLS port; if it is, allow HTTPS to the FQDN {host} on TCP \
                  {port} in the firewall.",
        },
        Id::TlsNotTls => Explanation {
            party: Party::Target,
            meaning: "Something that is not TLS answered: most often a wrong port.",
            disproof: "Another client completes TLS with the same address and port.",
            ask: "Check the port of {target}.",
        },
        Id::TlsProtocolError => Explanation {
            party: Party::Target,
            meaning: "What came looks like TLS and breaks its rules: a faulty server, or a device that \
                      changes the bytes.",
            disproof: "Another client completes TLS with the same address.",
            ask: "Report it to the operator of {host}; if it works from elsewhere, to the firewall team.",
        },
        Id::TlsAlert(alert) => alerted(alert),
        _ => NOTHING,
    }
}

/// A TLS stack spoke: the server's, or that of a device in front of it.
fn alerted(alert: Alert) -> Explanation {
    let (meaning, ask) = match alert.0 {
        49 => (
            "A TLS stack answered that access is denied: inspection devices say no with this alert.",
            OPEN,
        ),
        112 => (
            "The server that answers does not know the name: the name or address is wrong, or a device \
             answers in its place.",
            "Check the name {host}, and that its address is the service's.",
        ),
        42..=46 | 48 => (
            "The other side does not accept a certificate of this machine; without one having been sent, a \
             device on the way is refusing the server's.",
            "Ask the firewall team to exempt {host} from TLS inspection.",
        ),
        _ => (
            "A TLS stack answered and ended the handshake with this alert: the server, or a device that \
             ends TLS in front of it.",
            "Report the alert to the operator of {host}; if it does not come from elsewhere, ask the \
             firewall team to exempt {host} on TCP {port} from TLS inspection.",
        ),
    };
    Explanation {
        party: if alert.0 == 49 {
            Party::Firewall
        } else {
            Party::Target
        },
        meaning,
        disproof: "The same ClientHello is not answered by this alert from another network.",
        ask,
    }
}
