//! [`AddressClass`]: what kind of place an IP address is.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

mod embedded;

use embedded::Embedded;

/// What kind of place an IP address is, as the IANA special-purpose registries (RFC 6890) and the
/// clouds' own documents say.
///
/// For a server that dials names of others: everything but [`Public`](Self::Public) is somebody's inner
/// network, the machine itself, or nowhere. An address of the IPv6 ranges that hold an IPv4 address is
/// what the IPv4 address is, because that is where its packets end up:
///
/// - `::ffff:127.0.0.1` (mapped) and `64:ff9b::7f00:1` (NAT64, RFC 6052) are loopback.
/// - `2002:7f00:1::` (6to4) is loopback; `2002:808:808::` is public.
/// - `::127.0.0.1` (compatible) and `::ffff:0:127.0.0.1` (translated, RFC 7915) are loopback; with a
///   public address inside they are reserved, because nothing routes them.
/// - `64:ff9b:1::/48` (RFC 8215) does not say where in it the IPv4 address stands: every place that RFC
///   6052 allows is read, and all must be public.
/// - `2001::/32` (Teredo) is reserved as a whole: whom it reaches is for its relay to say.
///
/// # Examples
///
/// ```
/// use narrows_endpoint::AddressClass;
///
/// assert_eq!(AddressClass::of("8.8.8.8".parse()?), AddressClass::Public);
/// assert_eq!(AddressClass::of("64:ff9b::a00:1".parse()?), AddressClass::Private);
/// assert_eq!(AddressClass::of("169.254.169.254".parse()?).to_string(), "cloud metadata");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AddressClass {
    /// `255.255.255.255`.
    Broadcast,
    /// `100.64.0.0/10`, behind a carrier's address translation (RFC 6598).
    CarrierNat,
    /// For examples only: `192.0.2.0/24`, `198.51.100.0/24`, `203.0.113.0/24`, `2001:db8::/32`,
    /// `3fff::/20`.
    Documentation,
    /// One link only: `169.254.0.0/16`, `fe80::/10`.
    LinkLocal,
    /// The machine itself: `127.0.0.0/8`, `::1`.
    Loopback,
    /// A cloud's metadata or host service, which gives credentials to whoever asks from inside.
    Metadata,
    /// `224.0.0.0/4`, `ff00::/8`.
    Multicast,
    /// Somebody's inner network: `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16`, `fc00::/7`, and the
    /// old site-local `fec0::/10`.
    Private,
    /// An address of the internet, as far as the address says.
    Public,
    /// No place on the internet: future use, benchmarks, protocol assignments, discard, Teredo.
    Reserved,
    /// No address: `0.0.0.0/8`, `::`. Dialled, it is the machine itself.
    Unspecified,
}

// === impl AddressClass ===

impl AddressClass {
    /// The class of an address.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::of_v4(v4),
            IpAddr::V6(v6) => Self::of_v6(v6),
        }
    }

    /// Whether the address is one of the internet.
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Public)
    }

    /// Whether one of these networks opens an address that is not public.
    ///
    /// A metadata service is opened by its very address alone: whoever writes `fd00::/8` means machines.
    ///
    /// ```
    /// use narrows_endpoint::AddressClass;
    ///
    /// let networks = ["10.0.0.0/8".parse()?, "169.254.0.0/16".parse()?];
    /// assert!(AddressClass::is_opened_by(&networks, "10.1.2.3".parse()?));
    /// assert!(!AddressClass::is_opened_by(&networks, "169.254.169.254".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_opened_by(networks: &[IpNet], address: IpAddr) -> bool {
        let exactly = Self::of(address) == Self::Metadata;
        networks.iter().any(|network| {
            let whole = network.prefix_len() == network.max_prefix_len();
            network.contains(&address) && (whole || !exactly)
        })
    }

    /// A few words for people, such as `link-local`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Broadcast => "broadcast",
            Self::CarrierNat => "carrier NAT",
            Self::Documentation => "documentation",
            Self::LinkLocal => "link-local",
            Self::Loopback => "loopback",
            Self::Metadata => "cloud metadata",
            Self::Multicast => "multicast",
            Self::Private => "private",
            Self::Public => "public",
            Self::Reserved => "reserved",
            Self::Unspecified => "unspecified",
        }
    }

    fn of_v4(v4: Ipv4Addr) -> Self {
        if METADATA_V4.contains(&v4) {
            return Self::Metadata;
        }
        match v4.octets() {
            [0, ..] => Self::Unspecified,
            [127, ..] => Self::Loopback,
            [255, 255, 255, 255] => Self::Broadcast,
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Self::Private,
            [100, 64..=127, ..] => Self::CarrierNat,
            [169, 254, ..] => Self::LinkLocal,
            [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Self::Documentation,
            // Protocol assignments, the old 6to4 relays, benchmarks, future use.
            [192, 0, 0, _] | [192, 88, 99, _] | [198, 18 | 19, ..] | [240..=255, ..] => {
                Self::Reserved
            }
            [224..=239, ..] => Self::Multicast,
            _ => Self::Public,
        }
    }

    fn of_v6(v6: Ipv6Addr) -> Self {
        if METADATA_V6.contains(&v6) {
            return Self::Metadata;
        }
        if v6 == Ipv6Addr::LOCALHOST {
            return Self::Loopback;
        }
        if v6 == Ipv6Addr::UNSPECIFIED {
            return Self::Unspecified;
        }
        match Embedded::of(v6) {
            Some(Embedded::Routed(v4)) => Self::of_v4(v4),
            Some(Embedded::Unrouted(v4)) => Self::of_v4(v4).or_reserved(),
            Some(Embedded::OneOf(readings)) => Self::worst(readings.map(Self::of_v4)),
            None => Self::of_plain_v6(v6),
        }
    }

    /// Without an IPv4 address inside.
    const fn of_plain_v6(v6: Ipv6Addr) -> Self {
        match v6.segments() {
            [0xfe80..=0xfebf, ..] => Self::LinkLocal,
            [0xfec0..=0xfeff | 0xfc00..=0xfdff, ..] => Self::Private,
            [0xff00..=0xffff, ..] => Self::Multicast,
            [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Self::Documentation,
            // IETF protocol assignments: Teredo, benchmarks, ORCHID and more.
            [0x2001, 0..=0x01ff, ..] => Self::Reserved,
            // All of global unicast; what lies outside is not allocated.
            [0x2000..=0x3fff, ..] => Self::Public,
            _ => Self::Reserved,
        }
    }

    const fn or_reserved(self) -> Self {
        match self {
            Self::Public => Self::Reserved,
            other => other,
        }
    }

    /// The first that is not public.
    fn worst(classes: impl IntoIterator<Item = Self>) -> Self {
        let mut classes = classes.into_iter();
        classes
            .find(|class| !class.is_public())
            .unwrap_or(Self::Public)
    }
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where clouds answer with credentials or settings of the machine that asks.
const METADATA_V4: [Ipv4Addr; 6] = [
    // AWS, Azure, Google, OpenStack and most others.
    Ipv4Addr::new(169, 254, 169, 254),
    // AWS tasks and pods.
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    // Azure's host: DNS, DHCP, health, and the guest agent's goal state.
    Ipv4Addr::new(168, 63, 129, 16),
    // Alibaba Cloud.
    Ipv4Addr::new(100, 100, 100, 200),
    // Oracle Cloud, classic.
    Ipv4Addr::new(192, 0, 0, 192),
];

/// The same over IPv6.
const METADATA_V6: [Ipv6Addr; 3] = [
    // AWS: machines, and pods.
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    // Google.
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

#[cfg(test)]
mod tests;
