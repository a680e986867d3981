//! [`Own`]: addresses and ports that are this server itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Addresses and ports that are this server itself: a tunnel to them would be a loop, or reach what only
/// its operator may reach.
#[derive(Clone, Debug, Default)]
pub struct Own {
    /// Addresses under which others reach this machine, for instance a load balancer's. None of their
    /// ports is dialled.
    pub addresses: Vec<IpAddr>,
    /// What the gateway listens on.
    pub listeners: Vec<SocketAddr>,
    /// Other ports of this machine that are not dialled, for instance of an admin page.
    pub ports: Vec<u16>,
}

// === impl Own ===

impl Own {
    /// Whether this server itself would be reached there.
    ///
    /// May ask the system for a route; nothing is sent.
    pub fn is_at(&self, address: IpAddr, port: u16) -> bool {
        let address = address.to_canonical();
        if self.addresses.contains(&address) {
            return true;
        }
        let listens = |listener: &SocketAddr| listener.port() == port;
        if !self.ports.contains(&port) && !self.listeners.iter().any(listens) {
            return false;
        }
        let exactly = |listener: &SocketAddr| listener.ip().to_canonical() == address;
        self.listeners
            .iter()
            .filter(|one| listens(one))
            .any(exactly)
            || is_local(address)
    }
}

/// Whether packets to an address would come from that very address: only the machine's own are so.
///
/// Where the system gives no answer, the address is nobody's, and nothing listens there.
fn is_local(address: IpAddr) -> bool {
    if address.is_loopback() || address.is_unspecified() {
        return true;
    }
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // Connecting a UDP socket looks up the route and sends nothing.
    let source = || {
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect((address, DISCARD))?;
        socket.local_addr()
    };
    source().is_ok_and(|source| source.ip() == address)
}

/// Any port does.
const DISCARD: u16 = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_ports_are_own_on_every_address_of_the_machine() {
        let own = Own {
            addresses: vec!["203.0.113.7".parse().unwrap()],
            listeners: vec!["0.0.0.0:8443".parse().unwrap()],
            ports: vec![9090],
        };
        for (address, port, want) in [
            ("127.0.0.1", 8443, true),
            ("127.9.9.9", 8443, true),
            ("::1", 8443, true),
            ("::ffff:127.0.0.1", 9090, true),
            ("0.0.0.0", 8443, true),
            ("127.0.0.1", 443, false),
            ("192.0.2.1", 8443, false),
            ("203.0.113.7", 22, true),
        ] {
            assert_eq!(
                own.is_at(address.parse().unwrap(), port),
                want,
                "{address}:{port}"
            );
        }
    }
}
