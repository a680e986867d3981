//! [`Reach`]: which addresses are dialled for clients on other machines.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use narrows_endpoint::{AddressClass, Target};
use narrows_upstream::{Denied, Judge};

/// Which addresses are dialled for clients on other machines.
///
/// A client on loopback is this machine, and goes where this machine goes. Any other must not become this
/// machine by way of the proxy: what listens on loopback, or answers this machine alone, trusts whoever
/// comes. Public addresses are always within reach; of the others,
///
/// - by default all but this machine's own: loopback, unspecified, link-local, metadata services,
///   multicast and broadcast. Private networks are what a proxy of an enterprise is there for.
/// - with ranges, what they name, and nothing else.
///
/// It is asked about addresses, after resolution, and what it lets pass is what is dialled. IPv4 inside IPv6
/// is what the IPv4 address is. By the routes `proxy` and `gateway` nothing is resolved here, so it is not
/// asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    ranges: Option<Vec<IpNet>>,
}

impl Reach {
    /// Public addresses and these ranges.
    pub const fn only(ranges: Vec<IpNet>) -> Self {
        Self {
            ranges: Some(ranges),
        }
    }

    /// Whether a client is on another machine, and so held to this.
    pub fn holds(client: SocketAddr) -> bool {
        !client.ip().to_canonical().is_loopback()
    }

    /// Whether an address may be dialled.
    ///
    /// # Errors
    ///
    /// The class of the address, if it may not.
    pub fn check(&self, address: IpAddr) -> Result<(), AddressClass> {
        let class = AddressClass::of(address);
        let within = match &self.ranges {
            None => !is_of_this_machine(class),
            Some(ranges) => class.is_public() || AddressClass::is_opened_by(ranges, address),
        };
        within.then_some(()).ok_or(class)
    }
}

impl Judge for Reach {
    fn judge(&self, _: &Target, address: IpAddr) -> Result<(), Denied> {
        self.check(address).map_err(|class| {
            Denied::new(format!(
                "denied address class {class} for clients on other machines (clients.reach can name its range)"
            ))
        })
    }
}

/// What is within reach, in a few words.
impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ranges.as_deref() {
            None => f.write_str("public and inner networks, not this machine"),
            Some([]) => f.write_str("public addresses"),
            Some(ranges) => {
                f.write_str("public addresses")?;
                ranges.iter().try_for_each(|range| write!(f, ", {range}"))
            }
        }
    }
}

/// What means another place on every machine, or nobody in particular.
const fn is_of_this_machine(class: AddressClass) -> bool {
    matches!(
        class,
        AddressClass::Broadcast
            | AddressClass::LinkLocal
            | AddressClass::Loopback
            | AddressClass::Metadata
            | AddressClass::Multicast
            | AddressClass::Unspecified
    )
}

#[cfg(test)]
mod tests;
