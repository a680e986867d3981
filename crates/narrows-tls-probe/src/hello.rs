//! A ClientHello made by hand, and the start of the answer to it: what servers speak that no longer
//! speak what a current TLS library offers.
//!
//! Nothing here finishes a handshake or could: the hello is sent, the first flight is read, and the
//! connection is dropped. In TLS 1.2 and before that flight holds the certificates in clear.

mod flight;
mod reply;
mod scan;
mod suite;
#[cfg(test)]
mod tests;

use narrows_endpoint::Host;

pub use flight::ServerHello;
pub use reply::{MAX_KEPT, MAX_REPLY, Reply, read_reply};
pub use suite::{Suite, TlsVersion};

/// Which ClientHello is made by hand. None has the extension `supported_versions`, so no server
/// answers any of them with TLS 1.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OldHello {
    /// TLS 1.0 (RFC 2246) with the cipher suites of its time.
    Tls10,
    /// TLS 1.1 (RFC 4346), the same suites.
    Tls11,
    /// TLS 1.2 (RFC 5246) with every suite that servers still have: also CBC, static RSA, finite-field
    /// Diffie-Hellman and SHA-1 signatures, none of which rustls offers.
    Tls12Wide,
}

// === impl OldHello ===

impl OldHello {
    /// All of them, newest first: the order in which to try.
    pub const ALL: [Self; 3] = [Self::Tls12Wide, Self::Tls11, Self::Tls10];

    /// The version that it offers.
    pub const fn version(self) -> TlsVersion {
        match self {
            Self::Tls10 => TlsVersion(0x0301),
            Self::Tls11 => TlsVersion(0x0302),
            Self::Tls12Wide => TlsVersion(0x0303),
        }
    }

    /// The bytes to send: one record with one ClientHello, below 512 octets for every name that DNS
    /// allows, so that it leaves in one segment.
    ///
    /// With `host` the hello names it (RFC 6066 §3); an address is never named. `random` should differ
    /// from hello to hello; nothing secret depends on it.
    pub fn client_hello(self, host: Option<&Host>, random: [u8; 32]) -> Vec<u8> {
        let mut body = self.version().0.to_be_bytes().to_vec();
        body.extend_from_slice(&random);
        // No session to resume.
        body.push(0);
        body.extend(with_length(&octets(self.suites())));
        // The null compression and no other.
        body.extend_from_slice(&[1, 0]);
        body.extend(with_length(&self.extensions(host)));
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
        let mut message = vec![CLIENT_HELLO, length[1], length[2], length[3]];
        message.append(&mut body);
        // The record's own version is 1.0 until one is agreed (RFC 5246 appendix E.1).
        let mut record = vec![HANDSHAKE, 3, 1];
        record.extend(with_length(&message));
        record
    }

    const fn suites(self) -> &'static [u16] {
        match self {
            Self::Tls10 | Self::Tls11 => suite::OLD,
            Self::Tls12Wide => suite::WIDE,
        }
    }

    fn extensions(self, host: Option<&Host>) -> Vec<u8> {
        let mut extensions = Vec::new();
        let mut add = |kind: u16, value: Vec<u8>| {
            extensions.extend_from_slice(&kind.to_be_bytes());
            extensions.extend(with_length(&value));
        };
        if let Some(Host::Name(name)) = host {
            let mut entry = vec![HOST_NAME];
            entry.extend(with_length(name.as_str().as_bytes()));
            add(SERVER_NAME, with_length(&entry));
        }
        add(SUPPORTED_GROUPS, with_length(&octets(GROUPS)));
        add(EC_POINT_FORMATS, vec![1, 0]);
        if self == Self::Tls12Wide {
            add(SIGNATURE_ALGORITHMS, with_length(&octets(SIGNATURES)));
        }
        extensions
    }
}

fn octets(values: &[u16]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect()
}

/// A vector with its length in two octets before it (RFC 5246 §4.3). What is written here is short:
/// the longest part is a name of 253 octets.
fn with_length(value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), value].concat()
}

/// Content type of handshake messages (RFC 5246 §6.2.1).
const HANDSHAKE: u8 = 22;
/// Handshake type (RFC 5246 §7.4).
const CLIENT_HELLO: u8 = 1;
/// The only type of name that SNI has.
const HOST_NAME: u8 = 0;

const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const EC_POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;

/// x25519, then the NIST curves, P-256 first (RFC 8422 §5.1.1).
const GROUPS: &[u16] = &[29, 23, 24, 25];
/// ECDSA, PSS and PKCS #1 with SHA-2, then both with SHA-1, which only old servers need
/// (RFC 5246 §7.4.1.4.1, RFC 8446 §4.2.3).
const SIGNATURES: &[u16] = &[
    0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201,
];
