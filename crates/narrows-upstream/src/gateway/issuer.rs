//! Who signed a certificate, read out of its DER for people.
//!
//! Nothing is decided by this; the verifier has its own parser.

use narrows_connect::printable;

/// The issuer of a DER certificate as `CN=…, O=…`, or `None` if it has neither or is no certificate.
pub(super) fn issuer(certificate: &[u8]) -> Option<String> {
    let certificate = &mut value_of(&mut { certificate }, SEQUENCE)?;
    let tbs = &mut value_of(certificate, SEQUENCE)?;
    // version [0] EXPLICIT, which version 1 leaves out; serialNumber; signature (RFC 5280 §4.1).
    if tbs.first() == Some(&VERSION) {
        value_of(tbs, VERSION)?;
    }
    value_of(tbs, INTEGER)?;
    value_of(tbs, SEQUENCE)?;
    describe(value_of(tbs, SEQUENCE)?)
}

/// The common name and the organisation of a distinguished name.
fn describe(mut name: &[u8]) -> Option<String> {
    let mut found = [const { None }; 2];
    while !name.is_empty() {
        let set = &mut value_of(&mut name, SET)?;
        let attribute = &mut value_of(set, SEQUENCE)?;
        let kind = value_of(attribute, OID)?;
        if let Some(at) = [COMMON_NAME, ORGANISATION]
            .iter()
            .position(|oid| kind == *oid)
        {
            found[at] = Some(text(attribute)?);
        }
    }
    let [common, organisation] = found;
    let parts = [
        common.map(|cn| format!("CN={cn}")),
        organisation.map(|o| format!("O={o}")),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// A string of any of the kinds that names have.
fn text(value: &mut &[u8]) -> Option<String> {
    let (tag, bytes) = next(value)?;
    let text = if tag == BMP_STRING {
        let units: Vec<_> = bytes
            .chunks_exact(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect();
        String::from_utf16_lossy(&units)
    } else {
        String::from_utf8_lossy(bytes).into_owned()
    };
    Some(printable(&text))
}

/// Takes the next value, which must have this tag.
fn value_of<'a>(der: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    next(der)
        .filter(|(found, _)| *found == tag)
        .map(|(_, value)| value)
}

/// Takes the next tag and its value (X.690 §8.1); tags above 30 and indefinite lengths are not DER names.
fn next<'a>(der: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if octets.is_empty() || octets.len() > 4 {
            return None;
        }
        let length = octets
            .iter()
            .fold(0, |sum, &octet| sum << 8 | usize::from(octet));
        (length, rest)
    };
    let (value, rest) = rest.split_at_checked(length)?;
    *der = rest;
    Some((tag, value))
}

const INTEGER: u8 = 0x02;
const OID: u8 = 0x06;
const BMP_STRING: u8 = 0x1e;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
/// `id-at-commonName`, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
/// `id-at-organizationName`, 2.5.4.10.
const ORGANISATION: &[u8] = &[0x55, 4, 10];

#[cfg(test)]
mod tests;
