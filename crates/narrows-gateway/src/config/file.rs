//! The structs that serde fills from the file. Defaults are those of [`KEYS`](super::KEYS).

use std::net::{IpAddr, SocketAddr};

use narrows_endpoint::Name;
use serde::Deserialize;
use toml::Spanned;

use crate::definition::Endpoint;
use narrows_service::config::{Checked, Seconds, Whole};
use narrows_service::log;

/// A whole file. Every section and key is optional.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct File {
    /// What the operator is shown, and where.
    pub admin: narrows_admin::Section,
    /// Addresses to listen on.
    pub listen: Vec<Spanned<Checked<SocketAddr>>>,
    /// The domain of new endpoints.
    pub domain: Option<Checked<Endpoint>>,
    /// The server's certificate.
    pub tls: Tls,
    /// Who is let in.
    pub auth: Auth,
    /// JSON Web Tokens.
    pub jwt: Jwt,
    /// Client certificates.
    pub clients: Clients,
    /// What is this server itself.
    pub own: Own,
    /// How targets are reached.
    pub dial: Dial,
    /// How much at a time.
    pub limits: Limits,
    /// How long each step may take.
    pub timeouts: Timeouts,
    /// How the end goes.
    pub drain: Drain,
    /// The access log.
    pub log: log::Section,
}

/// `[tls]`: the server's certificate.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// The path of the chain.
    pub certificate: Option<String>,
    /// The path of the key.
    pub key: Option<String>,
    /// How long a handshake may take.
    pub handshake_seconds: Option<Seconds>,
    /// Handshakes at a time.
    pub handshakes: Option<Whole<1, 1_000_000>>,
}

/// `[auth]`: who is let in.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Whether everyone is.
    pub anonymous: bool,
    /// Failed logins of one address in a second.
    pub failures_per_second: Option<Whole<1, 1_000_000>>,
}

/// `[jwt]`: JSON Web Tokens.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Jwt {
    /// The path of the key set.
    pub jwks_file: Option<String>,
    /// The audience.
    pub audience: Option<Spanned<String>>,
    /// The issuer.
    pub issuer: Option<Spanned<String>>,
    /// By how much clocks may differ.
    pub leeway_seconds: Option<Spanned<Whole<0, 3600>>>,
}

/// `[clients]`: client certificates.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clients {
    /// The path of the authorities.
    pub ca_file: Option<String>,
    /// The paths of revocation lists.
    pub crl_files: Vec<Spanned<String>>,
}

/// `[own]`: what is this server itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Own {
    /// Addresses that are never dialled.
    pub addresses: Vec<Checked<IpAddr>>,
    /// Ports of this machine that are never dialled.
    pub ports: Vec<Whole<1, 65_535>>,
}

/// `[dial]`: how targets are reached.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dial {
    /// Whether one bad address spoils a name.
    pub any_bad_denies_all: bool,
}

/// `[limits]`: how much at a time.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Client connections at a time.
    pub connections: Option<Whole<1, 1_000_000>>,
    /// Connections that are being made at a time.
    pub dials: Option<Whole<1, 1_000_000>>,
    /// The longest request head, in octets.
    pub head_bytes: Option<Whole<1024, 1_048_576>>,
    /// How long a client may take to send its head.
    pub head_seconds: Option<Seconds>,
    /// Silence of both directions together.
    pub idle_seconds: Option<Seconds>,
    /// The age of a tunnel.
    pub lifetime_seconds: Option<Seconds>,
}

/// `[timeouts]`: how long each step towards a target may take.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// The system resolver, for one name.
    pub resolve_seconds: Option<Seconds>,
    /// Connecting, all addresses together.
    pub connect_seconds: Option<Seconds>,
}

/// `[drain]`: how the end goes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Drain {
    /// How long open tunnels may go on.
    pub seconds: Option<Seconds>,
    /// How long everything goes on before that, as not ready.
    pub unready_seconds: Option<Whole<0, 3600>>,
}

impl File {
    /// The domain of new endpoints.
    pub fn domain(&self) -> Option<&Name> {
        self.domain.as_ref().map(|domain| domain.0.name())
    }
}
