//! IPv4 addresses inside IPv6 addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The IPv4 address that an IPv6 address stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Embedded {
    /// One of these: the range does not say where in it the address stands.
    OneOf([Ipv4Addr; 4]),
    /// Packets to it end up at the IPv4 address.
    Routed(Ipv4Addr),
    /// Nothing routes it on the internet, but some system may unwrap it.
    Unrouted(Ipv4Addr),
}

impl Embedded {
    /// Whatever the range of `v6` says; `None` if it is not one that holds IPv4.
    pub(super) fn of(v6: Ipv6Addr) -> Option<Self> {
        let last = last(v6);
        match v6.segments() {
            [0, 0, 0, 0, 0, 0xffff, ..] | [0x0064, 0xff9b, 0, 0, 0, 0, ..] => {
                Some(Self::Routed(last))
            }
            [0x2002, high, low, ..] => Some(Self::Routed(joined(high, low))),
            [0, 0, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => Some(Self::Unrouted(last)),
            [0x0064, 0xff9b, 1, ..] => Some(Self::OneOf(readings(v6))),
            _ => None,
        }
    }
}

/// The address for every length of prefix that fits into `64:ff9b:1::/48` (RFC 6052 §2.2).
///
/// For the short prefixes the bits behind the address must be zero. Where they are not, that reading is
/// impossible, and the last one, which always is possible, stands in its place.
fn readings(v6: Ipv6Addr) -> [Ipv4Addr; 4] {
    let bits = u128::from(v6);
    let last = last(v6);
    // Octet 8 stays free, so the address is cut in two by it: `before` octets stand in front.
    let cut = |before: u32| {
        let after = 4 - before;
        let suffix = 56 - 8 * after;
        let tail = bits & ((1_u128 << suffix) - 1);
        if tail != 0 {
            return last;
        }
        let front = (bits >> 64) & ((1_u128 << (8 * before)) - 1);
        let back = (bits >> suffix) & ((1_u128 << (8 * after)) - 1);
        u32::try_from((front << (8 * after)) | back).map_or(last, Ipv4Addr::from)
    };
    [cut(2), cut(1), cut(0), last]
}

/// The last 32 bits.
fn last(v6: Ipv6Addr) -> Ipv4Addr {
    let [.., high, low] = v6.segments();
    joined(high, low)
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}
