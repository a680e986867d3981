//! [`Host`]: a canonical name or IP address, the only kind of host that Narrows judges or dials.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

/// The longest name in octets, without a trailing dot (RFC 1035 §2.3.4).
pub const MAX_NAME: usize = 253;
/// The longest label in octets (RFC 1035 §2.3.4).
pub const MAX_LABEL: usize = 63;

/// A host in canonical form: a lower-case name without trailing dot, or an IP address.
///
/// Two spellings of one host compare equal, so a rule cannot be dodged by spelling. Nothing here is
/// resolved, and a name is not checked to exist.
///
/// - `EXAMPLE.com.` is `example.com`; `example.com..` is refused (empty label).
/// - `[::ffff:10.0.0.1]` is `10.0.0.1`: an IPv4-mapped address is the IPv4 address.
/// - `127.1`, `0x7f.1`, `2130706433` and `1.2.3.4.` are refused: IPv4 has one spelling here, dotted
///   decimal.
/// - `[fe80::1%eth0]` is refused: zone ids never leave the machine that names them.
/// - Non-ASCII text is refused by [`FromStr`], which reads the wire. [`Host::from_unicode`] turns what
///   people write in rules into punycode.
///
/// # Examples
///
/// ```
/// use narrows_endpoint::Host;
///
/// let host: Host = "JE.his.arc.azure.com.".parse()?;
/// assert_eq!(host.to_string(), "je.his.arc.azure.com");
/// # Ok::<(), narrows_endpoint::HostError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// An address; an IPv4-mapped IPv6 address is held as IPv4. Displayed with brackets if IPv6.
    Ip(IpAddr),
    /// A name of letters, digits, hyphens, underscores and dots.
    Name(Name),
}

/// A canonical DNS name: lower case, ASCII, no trailing dot. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Arc<str>);

/// Why a text is not a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// Square brackets without a plain IPv6 address inside.
    #[error("brackets must hold an IPv6 address without a zone id")]
    BadIpv6,
    /// A character that no host name has.
    #[error("character {0:?} is not allowed in a host name")]
    Character(char),
    /// Nothing at all.
    #[error("the host is empty")]
    Empty,
    /// Two dots in a row, or a dot at the start.
    #[error("the host has an empty label (a doubled or leading dot)")]
    EmptyLabel,
    /// International text that has no punycode form.
    #[error("the name has no valid punycode form")]
    Idna,
    /// A number that some resolvers read as IPv4, in another spelling than dotted decimal.
    #[error("an IPv4 address must be written as four plain decimal numbers")]
    Ipv4Spelling,
    /// A label over 63 octets.
    #[error("a label is longer than {MAX_LABEL} octets")]
    LabelTooLong,
    /// A name over 253 octets.
    #[error("the name is longer than {MAX_NAME} octets")]
    TooLong,
    /// An IPv6 address that stands without brackets.
    #[error("an IPv6 address must stand in square brackets")]
    Unbracketed,
}

// === impl Host ===

impl Host {
    /// Reads a host as people write it: like [`FromStr`], and international names become punycode.
    ///
    /// For rules, configuration and command lines; bytes from the wire go through [`FromStr`], which
    /// refuses what is not ASCII.
    ///
    /// # Errors
    ///
    /// As [`FromStr`], and [`HostError::Idna`] for text without a punycode form.
    pub fn from_unicode(text: &str) -> Result<Self, HostError> {
        if text.is_ascii() {
            return text.parse();
        }
        idna::domain_to_ascii(text)
            .map_err(|_| HostError::Idna)?
            .parse()
    }

    /// The name, unless the host is an address.
    pub const fn name(&self) -> Option<&Name> {
        match self {
            Self::Ip(_) => None,
            Self::Name(name) => Some(name),
        }
    }

    /// The address, unless the host is a name.
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(ip) => Some(*ip),
            Self::Name(_) => None,
        }
    }
}

impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Self {
        Self::Ip(ip.to_canonical())
    }
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(HostError::BadIpv6)?;
            let ip: Ipv6Addr = inner.parse().map_err(|_| HostError::BadIpv6)?;
            return Ok(IpAddr::V6(ip).into());
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Err(HostError::Unbracketed);
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        check_name(name)?;
        if ends_in_number(name) {
            // `1.2.3.4.` is nobody's canonical spelling, so the text counts, not the stripped name.
            let ip: Ipv4Addr = text.parse().map_err(|_| HostError::Ipv4Spelling)?;
            return Ok(Self::Ip(ip.into()));
        }
        Ok(Self::Name(Name::lowered(name)))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V4(ip)) => ip.fmt(f),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Self::Name(name) => f.write_str(name.as_str()),
        }
    }
}

// === impl Name ===

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn lowered(name: &str) -> Self {
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Self(name.to_ascii_lowercase().into())
        } else {
            Self(name.into())
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check_name(name: &str) -> Result<(), HostError> {
    if name.is_empty() {
        return Err(HostError::Empty);
    }
    if let Some(bad) = name.chars().find(|&c| !is_name_char(c)) {
        return Err(HostError::Character(bad));
    }
    if name.len() > MAX_NAME {
        return Err(HostError::TooLong);
    }
    for label in name.split('.') {
        match label.len() {
            0 => return Err(HostError::EmptyLabel),
            1..=MAX_LABEL => {}
            _ => return Err(HostError::LabelTooLong),
        }
    }
    Ok(())
}

/// Letters, digits and hyphens, and the underscore that real names use (`_dmarc`, storage accounts).
const fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// Whether resolvers may take the name for an IPv4 number: the "ends in a number" rule of the WHATWG
/// URL Standard (§3.5), which covers octal, hexadecimal and short forms.
fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    last.bytes().all(|byte| byte.is_ascii_digit())
        || last
            .strip_prefix("0x")
            .or_else(|| last.strip_prefix("0X"))
            .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests;
