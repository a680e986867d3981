//! A matcher that is too slow and too simple to be wrong, from the texts of the rules.

use std::cmp::Reverse;
use std::net::IpAddr;

use super::{Host, Level, Target};

/// Which rule decides: its level and canonical text.
pub(super) fn decide(rows: &[(Level, String)], target: &Target) -> Option<(Level, String)> {
    rows.iter()
        .filter(|(_, text)| matches(text, target))
        .map(|(level, text)| (*level, canonical(text)))
        .min_by_key(|(level, text)| (*level, specificity(text), text.clone()))
}

fn canonical(text: &str) -> String {
    let (hosts, ports) = split(text);
    let hosts = match hosts.split_once('/') {
        Some((ip, "32")) if !ip.contains(':') => ip.to_owned(),
        Some((ip, "128")) if ip.contains(':') => format!("[{ip}]"),
        Some((ip, length)) if ip.contains(':') => format!("[{ip}]/{length}"),
        _ => hosts.to_owned(),
    };
    match ports {
        None => hosts,
        Some((low, high)) if low == high => format!("{hosts}:{low}"),
        Some((low, high)) => format!("{hosts}:{low}-{high}"),
    }
}

/// Hosts and ports of a pattern; the texts have one-digit ports, which no IPv6 network ends in.
fn split(text: &str) -> (&str, Option<(u16, u16)>) {
    let Some((hosts, ports)) = text.rsplit_once(':') else {
        return (text, None);
    };
    let is_v6 = text.contains("::");
    let is_ports = !ports.contains(['/', ']']) && (!is_v6 || hosts.contains(['/', ']']));
    if !is_ports {
        return (text, None);
    }
    let (low, high) = ports.split_once('-').unwrap_or((ports, ports));
    (hosts, Some((low.parse().unwrap(), high.parse().unwrap())))
}

fn matches(text: &str, target: &Target) -> bool {
    let (hosts, ports) = split(text);
    let in_ports = ports.is_none_or(|(low, high)| (low..=high).contains(&target.port()));
    in_ports && matches_host(hosts, target.host())
}

fn matches_host(hosts: &str, host: &Host) -> bool {
    let bare = hosts.replace(['[', ']'], "");
    match host {
        Host::Ip(ip) => match bare.split_once('/') {
            Some((net, length)) => same_bits(net.parse().unwrap(), *ip, length.parse().unwrap()),
            None => bare == ip.to_string(),
        },
        Host::Name(name) if hosts.starts_with("*.") => name.as_str().ends_with(&hosts[1..]),
        Host::Name(name) => {
            let (patterns, labels): (Vec<_>, Vec<_>) = (
                hosts.split('.').collect(),
                name.as_str().split('.').collect(),
            );
            let glob =
                |(pattern, label): (&&str, &&str)| glob(pattern.as_bytes(), label.as_bytes());
            patterns.len() == labels.len() && patterns.iter().zip(&labels).all(glob)
        }
    }
}

fn same_bits(a: IpAddr, b: IpAddr, length: usize) -> bool {
    let bits = |ip| match ip {
        IpAddr::V4(ip) => ip.octets().map(|byte| format!("{byte:08b}")).concat(),
        IpAddr::V6(ip) => ip.octets().map(|byte| format!("{byte:08b}")).concat(),
    };
    a.is_ipv4() == b.is_ipv4() && bits(a)[..length] == bits(b)[..length]
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], text) => text.is_empty(),
        ([b'*', rest @ ..], text) => (0..=text.len()).any(|at| glob(rest, &text[at..])),
        ([p, pattern @ ..], [t, text @ ..]) => p == t && glob(pattern, text),
        (_, []) => false,
    }
}

fn specificity(text: &str) -> (u8, Reverse<usize>, u16) {
    let (hosts, ports) = split(text);
    let width = ports.map_or(u16::MAX, |(low, high)| high - low);
    let literal = hosts.len() - hosts.matches('*').count();
    match hosts.split_once('/') {
        _ if hosts.starts_with("*.") => (2, Reverse(literal), width),
        _ if hosts.contains('*') => (1, Reverse(literal), width),
        Some((_, length)) => (0, Reverse(length.parse().unwrap()), width),
        None if hosts.contains("::") => (0, Reverse(128), width),
        None if hosts.parse::<IpAddr>().is_ok() => (0, Reverse(32), width),
        None => (0, Reverse(literal), width),
    }
}
