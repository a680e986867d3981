//! Distinguished names as text, and names that a certificate is for.

use std::net::IpAddr;

use narrows_endpoint::Host;
use serde::{Deserialize, Serialize};
use x509_parser::asn1_rs::Tag;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use narrows_connect::printable;

/// A subject or an issuer. The texts are the peer's own, printable, on one line and cut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DistinguishedName {
    /// The whole name, most specific part first: `CN=…, O=…, C=…`.
    pub text: String,
    /// The common name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common_name: Option<String>,
    /// The organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
}

// === impl DistinguishedName ===

impl DistinguishedName {
    pub(super) fn read(name: &X509Name<'_>) -> Self {
        let attributes: Vec<(String, String)> = name
            .iter_attributes()
            .map(|attribute| {
                let kind = attribute.attr_type().to_id_string();
                (
                    short(&kind).map_or_else(|| kind.clone(), str::to_owned),
                    text(attribute),
                )
            })
            .collect();
        let first = |wanted: &str| {
            let mut parts = attributes.iter().rev();
            let found = parts.find(|(kind, _)| kind == wanted);
            found.map(|(_, value)| printable(value))
        };
        let parts = attributes.iter().rev();
        let parts: Vec<String> = parts
            .map(|(kind, value)| format!("{kind}={value}"))
            .collect();
        Self {
            text: printable(&parts.join(", ")),
            common_name: first("CN"),
            organization: first("O"),
        }
    }
}

/// What to call it in a sentence: the common name, or else all of it.
impl std::fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.common_name, &self.organization) {
            (Some(name), Some(organization)) => write!(f, "{name} ({organization})"),
            (Some(name), None) => f.write_str(name),
            _ if self.text.is_empty() => f.write_str("(empty name)"),
            _ => f.write_str(&self.text),
        }
    }
}

/// Whether a certificate for these names is one for `host` (RFC 9525 §6): exactly, or by a `*` that is
/// the whole first label and stands for one label.
///
/// - `*.example.com` is for `a.example.com`, not for `example.com` and not for `a.b.example.com`.
/// - An address is only matched by itself.
pub(super) fn covers(names: &[String], host: &Host) -> bool {
    let host = match host {
        Host::Ip(address) => return names.iter().any(|name| name.parse() == Ok(*address)),
        Host::Name(name) => name.as_str(),
    };
    let parent = host.split_once('.').map(|(_, parent)| parent);
    names.iter().any(|name| {
        let name = name.strip_suffix('.').unwrap_or(name);
        let wildcard = name.strip_prefix("*.").filter(|rest| rest.contains('.'));
        name.eq_ignore_ascii_case(host)
            || wildcard
                .zip(parent)
                .is_some_and(|(rest, parent)| rest.eq_ignore_ascii_case(parent))
    })
}

/// The address in an `iPAddress` name.
pub(super) fn address(octets: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        return Some(octets.into());
    }
    <[u8; 16]>::try_from(octets).ok().map(IpAddr::from)
}

fn text(attribute: &AttributeTypeAndValue<'_>) -> String {
    let octets = attribute.as_slice();
    if attribute.attr_value().tag() == Tag::BmpString {
        let units = octets.chunks_exact(2);
        let units: Vec<u16> = units
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect();
        return String::from_utf16_lossy(&units);
    }
    String::from_utf8_lossy(octets).into_owned()
}

/// RFC 4514 §3, and the serial numbers that some products put into names.
fn short(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "2.5.4.3" => "CN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        _ => return None,
    })
}
