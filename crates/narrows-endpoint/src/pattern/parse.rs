//! The pattern grammar.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::host::{Host, Name};

use super::{Hosts, Labels, PatternProblem, Ports};

pub(super) fn pattern(text: &str) -> Result<(Hosts, Ports), PatternProblem> {
    if text.is_empty() {
        return Err(PatternProblem::Empty);
    }
    if let Some((_, rest)) = text.split_once("://") {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        return Err(PatternProblem::Scheme {
            instead: authority.into(),
        });
    }
    if let Some((address, rest)) = text.split_once('/') {
        return network(address, rest);
    }
    let (host, ports) = split_ports(text)?;
    Ok((hosts(host)?, ports))
}

/// Cuts at the last colon outside brackets and reads what stands behind it.
fn split_ports(text: &str) -> Result<(&str, Ports), PatternProblem> {
    match text.rsplit_once(':') {
        // A bare IPv6 address is all host; `Host` says how to write it.
        Some((host, ports)) if !ports.contains(']') && text.parse::<Ipv6Addr>().is_err() => {
            Ok((host, Ports::parse(ports)?))
        }
        _ => Ok((text, Ports::EVERY)),
    }
}

/// Reads `10.0.0.0/8`, `[2001:db8::]/32` or `2001:db8::/32`, with ports after a colon.
fn network(address: &str, rest: &str) -> Result<(Hosts, Ports), PatternProblem> {
    let bare = address
        .strip_prefix('[')
        .and_then(|address| address.strip_suffix(']'));
    let Ok(ip) = bare.unwrap_or(address).parse::<IpAddr>() else {
        return Err(PatternProblem::Path {
            instead: address.into(),
        });
    };
    let (length, ports) = match rest.split_once(':') {
        Some((length, ports)) => (length, Ports::parse(ports)?),
        None => (rest, Ports::EVERY),
    };
    Ok((
        Hosts::Net(canonical_net(ip, prefix_length(length, ip)?)?),
        ports,
    ))
}

fn prefix_length(text: &str, ip: IpAddr) -> Result<u8, PatternProblem> {
    let longest = if ip.is_ipv4() { 32 } else { 128 };
    let plain =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse()
        .ok()
        .filter(|&length| plain && length <= longest)
        .ok_or(PatternProblem::PrefixLength { longest })
}

/// The network, as IPv4 if all of it is IPv4-mapped: targets are canonical, so it could match nothing
/// else.
fn canonical_net(ip: IpAddr, length: u8) -> Result<IpNet, PatternProblem> {
    let net = match ip {
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) if length >= 96 => v4_net(v4, length - 96),
            _ => IpNet::V6(Ipv6Net::new_assert(v6, length)),
        },
        IpAddr::V4(v4) => v4_net(v4, length),
    };
    if net.trunc() != net {
        return Err(PatternProblem::HostBits {
            instead: net.trunc(),
        });
    }
    Ok(net)
}

fn v4_net(ip: Ipv4Addr, length: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(ip, length))
}

fn hosts(text: &str) -> Result<Hosts, PatternProblem> {
    if text.contains('*') {
        return starred(text);
    }
    if let Some(name) = text.strip_prefix('.')
        && name.parse::<Host>().is_ok()
    {
        return Err(PatternProblem::LeadingDot { name: name.into() });
    }
    Ok(match Host::from_unicode(text)? {
        Host::Ip(ip) => Hosts::Net(ip.into()),
        Host::Name(name) => Hosts::Exact(name),
    })
}

fn starred(text: &str) -> Result<Hosts, PatternProblem> {
    if text == "*" {
        return Err(PatternProblem::LoneStar);
    }
    if text.contains("**") {
        return Err(PatternProblem::DoubleStar);
    }
    if let Some(instead) = address_star(text) {
        return Err(PatternProblem::AddressStar { instead });
    }
    match text.strip_prefix("*.") {
        Some("") => Err(PatternProblem::NoSuffix),
        Some(suffix) if suffix.contains('*') => Err(if has_lone_star(suffix) {
            PatternProblem::StarNotFirst
        } else {
            PatternProblem::MixedStars
        }),
        Some(suffix) => Ok(Hosts::Below(literal_suffix(suffix)?)),
        None if has_lone_star(text) => Err(PatternProblem::StarNotFirst),
        None => in_label(text),
    }
}

/// `azgn*.example.com`: stars beside other characters, and a literal suffix.
fn in_label(text: &str) -> Result<Hosts, PatternProblem> {
    if let Some(rest) = text.strip_prefix('*') {
        return Err(PatternProblem::GluedStar {
            instead: unglued(rest),
        });
    }
    let star = text.rfind('*').unwrap_or(0);
    let Some(dot) = text[star..].find('.').map(|dot| star + dot) else {
        return Err(PatternProblem::TopLabelStar);
    };
    let (heads, suffix) = (&text[..dot], &text[dot + 1..]);
    if !heads.is_ascii() {
        return Err(PatternProblem::InternationalStar);
    }
    let suffix = literal_suffix(suffix)?;
    let heads = heads.to_ascii_lowercase();
    // Every star may stand for one character at least as well as for none, so a pattern whose longest
    // labels fit is one that can match; the rest of the rules of a name is `Host`'s to know.
    format!("{}.{suffix}", heads.replace('*', "x")).parse::<Host>()?;
    Labels::new(&heads, suffix.as_str())
        .map(Hosts::Labels)
        .map_err(|_| PatternProblem::DoubleStar)
}

/// The canonical name behind the stars; not an address, and not open to the public.
fn literal_suffix(text: &str) -> Result<Name, PatternProblem> {
    let name = match Host::from_unicode(text)? {
        Host::Name(name) => name,
        Host::Ip(ip) => {
            return Err(PatternProblem::AddressStar {
                instead: ip.to_string().into(),
            });
        }
    };
    if is_public_suffix(name.as_str()) {
        return Err(PatternProblem::PublicSuffix {
            suffix: name.as_str().into(),
        });
    }
    Ok(name)
}

/// Whether anyone may register names directly below: the ICANN section of the public suffix list. Its
/// private section lists what companies offer to their own customers, which rules do name.
fn is_public_suffix(name: &str) -> bool {
    let below = format!("x.{name}");
    psl::suffix(below.as_bytes()).is_some_and(|suffix| {
        suffix.typ() == Some(psl::Type::Icann) && suffix.as_bytes().len() >= name.len()
    })
}

fn has_lone_star(text: &str) -> bool {
    text.split('.').any(|label| label == "*")
}

/// `192.168.1.*` as other programs write `192.168.1.0/24`.
fn address_star(text: &str) -> Option<Box<str>> {
    let mut octets = [0; 4];
    let mut known = 0;
    let mut labels = text.split('.');
    for (slot, label) in octets.iter_mut().zip(labels.by_ref()) {
        if label.starts_with('*') {
            break;
        }
        *slot = label.parse::<u8>().ok()?;
        known += 1;
    }
    let only_stars = labels.all(|label| label == "*");
    (known > 0 && known < 4 && only_stars && text.ends_with('*'))
        .then(|| format!("{}/{}", Ipv4Addr::from(octets), known * 8).into())
}

/// What `*rest` probably means.
fn unglued(rest: &str) -> Box<str> {
    // `*-prod.example.com` cannot be `*.-prod…`: the names below the parent are the nearest thing.
    let name = match rest.split_once('.') {
        Some((label, parent)) if label.starts_with(['-', '_']) || label.contains('*') => parent,
        _ => rest,
    };
    format!("*.{name}").into()
}
