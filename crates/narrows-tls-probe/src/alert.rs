//! [`Alert`]: a TLS alert's number and name.

use std::fmt;

/// A TLS alert description (RFC 8446 §6, RFC 5246 §7.2).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Alert(pub u8);

macro_rules! alerts {
    ($($code:literal $name:ident,)*) => {
        impl Alert {
            /// Every alert that has a name.
            pub const NAMED: &'static [Self] = &[$(Self($code)),*];

            /// Its name in the registry, such as `handshake_failure`; `unknown` without one.
            pub const fn name(self) -> &'static str {
                match self.0 { $($code => stringify!($name),)* _ => "unknown" }
            }

            /// The id of the verdict that it is.
            pub(crate) const fn verdict(self) -> &'static str {
                match self.0 {
                    $($code => concat!("tls.alert.", stringify!($name)),)*
                    _ => "tls.alert.unknown",
                }
            }
        }
    };
}

alerts! {
    0 close_notify,
    10 unexpected_message,
    20 bad_record_mac,
    21 decryption_failed,
    22 record_overflow,
    30 decompression_failure,
    40 handshake_failure,
    41 no_certificate,
    42 bad_certificate,
    43 unsupported_certificate,
    44 certificate_revoked,
    45 certificate_expired,
    46 certificate_unknown,
    47 illegal_parameter,
    48 unknown_ca,
    49 access_denied,
    50 decode_error,
    51 decrypt_error,
    60 export_restriction,
    70 protocol_version,
    71 insufficient_security,
    80 internal_error,
    86 inappropriate_fallback,
    90 user_canceled,
    100 no_renegotiation,
    109 missing_extension,
    110 unsupported_extension,
    111 certificate_unobtainable,
    112 unrecognized_name,
    113 bad_certificate_status_response,
    114 bad_certificate_hash_value,
    115 unknown_psk_identity,
    116 certificate_required,
    120 no_application_protocol,
    121 ech_required,
}

/// `40 handshake_failure`.
impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.name())
    }
}
