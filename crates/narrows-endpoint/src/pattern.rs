//! [`Pattern`]: what a rule matches.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use crate::host::{Host, Name};
use crate::target::Target;

mod error;
mod labels;
mod parse;
mod ports;

pub use error::{PatternError, PatternProblem};
pub(crate) use labels::Labels;
pub(crate) use ports::Ports;

/// What a rule matches: a name, names below a name, names with stars inside labels, an address or a
/// network, each with an optional port or port range.
///
/// The grammar is strict: what could be read in two ways is refused, with what to write instead. A
/// pattern says nothing about routes, and it never resolves a name: an address pattern matches only
/// targets that are written as addresses.
///
/// - `example.com` is that name alone: `EXAMPLE.com.:443` yes, `www.example.com:443` no.
/// - `*.example.com` is every depth below: `a.b.example.com:443` yes, `example.com:443` no.
/// - `azgn*.example.com` has a star inside a label, which stands for any characters (also none) of that
///   label: `azgn1.example.com:443` yes, `azgn1.evil.example.com:443` no.
/// - `192.0.2.1` and `[2001:db8::1]` are addresses: `192.0.2.1:443` yes, `192.0.2.2:443` no. An
///   IPv4-mapped address is the IPv4 address.
/// - `192.0.2.0/24` and `2001:db8::/32` are networks: `192.0.2.9:443` yes, `192.0.3.9:443` no. Each
///   covers its own family: `::/0` is no IPv4 address.
/// - `example.com:8084` is one port: `example.com:8084` yes, `example.com:443` no. Without a port a
///   pattern matches every port.
/// - `example.com:8000-8099` is a range, both ends included: `example.com:8099` yes, `example.com:8100`
///   no.
/// - `*.bücher.example` is `*.xn--bcher-kva.example`: names in rules may be international.
///
/// Refused are `*` alone, `**`, `*.`, `*.*.example.com`, `a.*.example.com`, `*example.com`,
/// `.example.com`, `*.com` and other public suffixes that anyone can register names under, URLs, paths,
/// `192.168.1.*`, networks with host bits, and ports out of range. Suffixes that a company offers for
/// names of its customers, such as `*.blob.core.windows.net`, are accepted.
///
/// # Examples
///
/// ```
/// use narrows_endpoint::{Pattern, Target};
///
/// let pattern: Pattern = "*.His.Arc.Azure.com:443".parse()?;
/// assert_eq!(pattern.to_string(), "*.his.arc.azure.com:443");
/// assert!(pattern.matches(&"je.his.arc.azure.com:443".parse::<Target>()?));
///
/// let refused = "*example.com".parse::<Pattern>().unwrap_err();
/// assert!(refused.to_string().contains("*.example.com"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    hosts: Hosts,
    ports: Ports,
}

/// The hosts that a pattern matches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Hosts {
    /// Every name below this one.
    Below(Name),
    /// This name.
    Exact(Name),
    /// Names with stars inside labels.
    Labels(Labels),
    /// Addresses of one network; a single address is a network of full length.
    Net(IpNet),
}

/// How specific a pattern is: less is more specific. The order of two patterns that can match one
/// target, whatever the order they were read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    /// Exact before in-label star before suffix. Networks match no names, so they stand alone.
    kind: u8,
    /// More literal characters, a longer suffix, or a longer prefix first.
    looseness: u16,
    /// One port before a range, the narrower range first, every port last.
    ports: u16,
}

// === impl Pattern ===

impl Pattern {
    /// Whether the target is one of those that the pattern describes.
    pub fn matches(&self, target: &Target) -> bool {
        self.ports.contains(target.port()) && self.hosts.matches(target.host())
    }

    /// The same pattern for one port, unless it names its ports already.
    #[must_use]
    pub fn or_port(self, port: std::num::NonZeroU16) -> Self {
        Self {
            ports: self.ports.or_one(port),
            ..self
        }
    }

    /// Whether the pattern leaves its ports open.
    pub fn covers_every_port(&self) -> bool {
        self.ports == Ports::EVERY
    }

    pub(crate) const fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    pub(crate) const fn ports(&self) -> Ports {
        self.ports
    }

    pub(crate) fn rank(&self) -> Rank {
        let (kind, literal) = match &self.hosts {
            Hosts::Exact(name) => (0, name.as_str().len()),
            Hosts::Labels(labels) => (1, labels.literal_len()),
            Hosts::Below(name) => (2, name.as_str().len()),
            Hosts::Net(net) => (3, usize::from(net.prefix_len())),
        };
        Rank {
            kind,
            // Names are at most 253 octets and prefixes at most 128 bits.
            looseness: u16::MAX - u16::try_from(literal).unwrap_or(u16::MAX),
            ports: self.ports.width(),
        }
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        parse::pattern(text)
            .map(|(hosts, ports)| Self { hosts, ports })
            .map_err(|problem| PatternError::new(text, problem))
    }
}

impl From<Target> for Pattern {
    /// The pattern that matches this target and no other.
    fn from(target: Target) -> Self {
        let ports = Ports::one(target.port());
        let hosts = match target.into_host() {
            Host::Ip(ip) => Hosts::Net(ip.into()),
            Host::Name(name) => Hosts::Exact(name),
        };
        Self { hosts, ports }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hosts {
            Hosts::Below(name) => write!(f, "*.{name}")?,
            Hosts::Exact(name) => name.fmt(f)?,
            Hosts::Labels(labels) => f.write_str(labels.as_str())?,
            Hosts::Net(net) => {
                Host::Ip(net.addr()).fmt(f)?;
                if net.prefix_len() < net.max_prefix_len() {
                    write!(f, "/{}", net.prefix_len())?;
                }
            }
        }
        self.ports.fmt(f)
    }
}

// === impl Hosts ===

impl Hosts {
    fn matches(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Net(net), Host::Ip(ip)) => net.contains(ip),
            (Self::Exact(exact), Host::Name(name)) => exact == name,
            (Self::Below(suffix), Host::Name(name)) => {
                below(name.as_str(), suffix.as_str()).is_some()
            }
            (Self::Labels(labels), Host::Name(name)) => labels.matches(name.as_str()),
            (Self::Net(_), Host::Name(_)) | (_, Host::Ip(IpAddr::V4(_) | IpAddr::V6(_))) => false,
        }
    }
}

/// The part of `name` in front of `.suffix`, if there is one.
fn below<'a>(name: &'a str, suffix: &str) -> Option<&'a str> {
    name.strip_suffix(suffix)?
        .strip_suffix('.')
        .filter(|head| !head.is_empty())
}

#[cfg(test)]
mod tests;
