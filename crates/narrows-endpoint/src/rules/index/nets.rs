//! [`Nets`]: networks by prefix length.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::Entry;
use super::chains::{Chains, Link, NONE};

/// Finds the rules for an address: one look-up for each prefix length that a rule has, of which there are
/// at most 33 and 129.
#[derive(Debug, Default)]
pub(super) struct Nets {
    nets: HashMap<IpNet, Link>,
    v4_lengths: Vec<u8>,
    v6_lengths: Vec<u8>,
}

impl Nets {
    pub(super) fn add(&mut self, net: IpNet, entry: Entry, chains: &mut Chains) {
        let chain = chains.push(self.nets.get(&net).copied(), entry);
        self.nets.insert(net, chain);
        let lengths = match net {
            IpNet::V4(_) => &mut self.v4_lengths,
            IpNet::V6(_) => &mut self.v6_lengths,
        };
        if let Err(at) = lengths.binary_search(&net.prefix_len()) {
            lengths.insert(at, net.prefix_len());
        }
    }

    /// The first rule that matches; [`NONE`] if none does.
    pub(super) fn find(&self, ip: IpAddr, port: u16, chains: &Chains) -> u32 {
        let lengths = match ip {
            IpAddr::V4(_) => &self.v4_lengths,
            IpAddr::V6(_) => &self.v6_lengths,
        };
        lengths.iter().rev().fold(NONE, |best, &length| {
            match self.nets.get(&network(ip, length)) {
                Some(chain) => chains.better(*chain, best, port, |_| false),
                None => best,
            }
        })
    }
}

/// The network of that length around the address. Lengths come from networks of the same family.
fn network(ip: IpAddr, length: u8) -> IpNet {
    match ip {
        IpAddr::V4(ip) => IpNet::V4(Ipv4Net::new_assert(ip, length).trunc()),
        IpAddr::V6(ip) => IpNet::V6(Ipv6Net::new_assert(ip, length).trunc()),
    }
}
