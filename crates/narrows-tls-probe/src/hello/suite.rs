//! Versions and cipher suites of TLS 1.2 and before, by number and by name.

use std::fmt;

/// A version of TLS as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TlsVersion(
    /// `0x0303` is TLS 1.2.
    pub u16,
);

/// A cipher suite as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Suite(
    /// The number in the registry of TLS cipher suites.
    pub u16,
);

// === impl TlsVersion ===

/// `TLS 1.0`, or the number if there is no such version.
impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0x0300 => f.write_str("SSL 3.0"),
            0x0301 => f.write_str("TLS 1.0"),
            0x0302 => f.write_str("TLS 1.1"),
            0x0303 => f.write_str("TLS 1.2"),
            0x0304 => f.write_str("TLS 1.3"),
            other => write!(f, "version {other:#06x}"),
        }
    }
}

// === impl Suite ===

impl Suite {
    /// The name in the registry without `TLS_`; `None` for a suite that no hello here offers.
    pub const fn name(self) -> Option<&'static str> {
        suite_name(self.0)
    }
}

/// The name, or the number if no hello here offers it.
impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "suite {:#06x}", self.0),
        }
    }
}

/// What TLS 1.0 and 1.1 have: CBC and 3DES. The last one says that renegotiation is safe here
/// (RFC 5746 §3.3); some servers hang up on who does not say so.
pub(super) const OLD: &[u16] = &[
    0xc013, 0xc014, 0xc009, 0xc00a, 0x0033, 0x0039, 0x002f, 0x0035, 0x000a, 0x00ff,
];

/// What TLS 1.2 has beside it: GCM and CBC with SHA-2.
pub(super) const WIDE: &[u16] = &[
    0xc02b, 0xc02f, 0xc02c, 0xc030, 0x009e, 0x009f, 0x009c, 0x009d, 0xc023, 0xc027, 0x003c, 0x003d,
    0xc013, 0xc014, 0xc009, 0xc00a, 0x0033, 0x0039, 0x002f, 0x0035, 0x000a, 0x00ff,
];

const fn suite_name(number: u16) -> Option<&'static str> {
    Some(match number {
        0x000a => "RSA_WITH_3DES_EDE_CBC_SHA",
        0x002f => "RSA_WITH_AES_128_CBC_SHA",
        0x0033 => "DHE_RSA_WITH_AES_128_CBC_SHA",
        0x0035 => "RSA_WITH_AES_256_CBC_SHA",
        0x0039 => "DHE_RSA_WITH_AES_256_CBC_SHA",
        0x003c => "RSA_WITH_AES_128_CBC_SHA256",
        0x003d => "RSA_WITH_AES_256_CBC_SHA256",
        0x009c => "RSA_WITH_AES_128_GCM_SHA256",
        0x009d => "RSA_WITH_AES_256_GCM_SHA384",
        0x009e => "DHE_RSA_WITH_AES_128_GCM_SHA256",
        0x009f => "DHE_RSA_WITH_AES_256_GCM_SHA384",
        0xc009 => "ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        0xc00a => "ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        0xc013 => "ECDHE_RSA_WITH_AES_128_CBC_SHA",
        0xc014 => "ECDHE_RSA_WITH_AES_256_CBC_SHA",
        0xc023 => "ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
        0xc027 => "ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        0xc02b => "ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        0xc02c => "ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        0xc02f => "ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        0xc030 => "ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        _ => return None,
    })
}
