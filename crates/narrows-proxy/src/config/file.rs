//! The structs that serde fills from the file. Defaults are those of [`KEYS`](super::KEYS).

use std::net::SocketAddr;

use serde::Deserialize;
use toml::Spanned;

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
    /// Who may use the proxy.
    pub clients: Clients,
    /// Whether there is a gateway at all.
    pub connection: Connection,
    /// The far end.
    pub gateway: Gateway,
    /// The enterprise proxy.
    pub proxy: Proxy,
    /// Which target takes which route.
    pub rules: Rules,
    /// How much at a time.
    pub limits: Limits,
    /// How long each step may take.
    pub timeouts: Timeouts,
    /// How the end goes.
    pub drain: Drain,
    /// The tunnel log.
    pub log: log::Section,
}

/// `[clients]`: who may use the proxy.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clients {
    /// Address ranges beside loopback, as text; [`Settings`](crate::settings::Settings) reads them.
    pub allow: Vec<Spanned<String>>,
    /// Address ranges that clients on other machines may be led to beside public ones, as text.
    pub reach: Option<Vec<Spanned<String>>>,
}

/// `[connection]`: whether there is a gateway at all.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Connection {
    /// The word that azcmagent uses for it.
    #[serde(rename = "type")]
    pub kind: Option<Spanned<ConnectionType>>,
}

/// Whether there is a gateway at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionType {
    /// A gateway is used if there is one.
    #[default]
    Default,
    /// No gateway: nothing is decided as `gateway`.
    Direct,
    /// As default, and a missing `gateway.url` is an error.
    Gateway,
}

/// `[gateway]`: the far end.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gateway {
    /// `https://host[:port]`, as text.
    pub url: Option<Spanned<String>>,
    /// Which protocols are offered.
    pub protocol: Option<GatewayProtocol>,
    /// Whether the enterprise proxy is on the way.
    pub through_proxy: Option<Spanned<bool>>,
    /// The path of a PEM file with authorities to trust beside the system's.
    pub ca_file: Option<Spanned<String>>,
    /// The path of the file with the bearer token.
    pub token_file: Option<Spanned<String>>,
    /// The user, if the gateway wants a password.
    pub user: Option<Spanned<String>>,
    /// The path of the file with the password.
    pub password_file: Option<Spanned<String>>,
    /// The path of the PEM file with the client certificate and its chain.
    pub client_certificate_file: Option<Spanned<String>>,
    /// The path of the PEM file with its key.
    pub client_key_file: Option<Spanned<String>>,
    /// What serves where the gateway does not.
    pub fallback: Option<Spanned<Fallback>>,
    /// Whether clients are answered before the gateway has.
    pub optimistic: bool,
}

impl std::fmt::Debug for Gateway {
    /// Without the URL, into which somebody may have written a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway")
            .field("protocol", &self.protocol)
            .field("through_proxy", &self.through_proxy)
            .field("ca_file", &self.ca_file)
            .field("token_file", &self.token_file)
            .field("user", &self.user)
            .field("password_file", &self.password_file)
            .field("client_certificate_file", &self.client_certificate_file)
            .field("client_key_file", &self.client_key_file)
            .field("fallback", &self.fallback)
            .field("optimistic", &self.optimistic)
            .finish_non_exhaustive()
    }
}

/// Which protocols are offered to the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GatewayProtocol {
    /// Both; the gateway chooses.
    #[default]
    Auto,
    /// HTTP/1.1.
    H1,
    /// HTTP/2.
    H2,
}

/// What serves a target that the gateway would carry and does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fallback {
    /// Straight to the target.
    Direct,
    /// Nothing: the request is refused.
    None,
    /// The enterprise proxy.
    Proxy,
}

/// `[proxy]`: the enterprise proxy.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Proxy {
    /// `http://[user:password@]host:port`, as text; several in order of preference.
    pub url: Option<Spanned<Urls>>,
    /// The user, if not in the URL.
    pub user: Option<Spanned<String>>,
    /// The path of the file with the password.
    pub password_file: Option<Spanned<String>>,
    /// By which schemes the password may go.
    pub authentication: Option<ProxyAuthentication>,
    /// The path of the file with the bearer token.
    pub token_file: Option<Spanned<String>>,
    /// The path of a PEM file with authorities to trust beside the system's.
    pub ca_file: Option<Spanned<String>>,
    /// The path of the PEM file with the client certificate and its chain.
    pub client_certificate_file: Option<Spanned<String>>,
    /// The path of the PEM file with its key.
    pub client_key_file: Option<Spanned<String>>,
    /// Keywords and patterns that are reached directly.
    pub bypass: Vec<Spanned<String>>,
}

/// By which schemes the password for an enterprise proxy may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProxyAuthentication {
    /// Digest if it is offered, else Basic.
    #[default]
    Auto,
    /// Basic alone.
    Basic,
    /// Digest alone.
    Digest,
}

impl std::fmt::Debug for Proxy {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy")
            .field("user", &self.user)
            .field("password_file", &self.password_file)
            .field("authentication", &self.authentication)
            .field("token_file", &self.token_file)
            .field("ca_file", &self.ca_file)
            .field("client_certificate_file", &self.client_certificate_file)
            .field("client_key_file", &self.client_key_file)
            .field("bypass", &self.bypass)
            .finish_non_exhaustive()
    }
}

/// One URL, or a list of them, as text.
#[derive(Clone)]
pub enum Urls {
    /// One.
    One(String),
    /// A list, each with its place.
    Many(Vec<Spanned<String>>),
}

impl std::fmt::Debug for Urls {
    /// Only how many there are: they may hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let number = match self {
            Self::One(_) => 1,
            Self::Many(urls) => urls.len(),
        };
        write!(f, "Urls({number})")
    }
}

impl<'de> Deserialize<'de> for Urls {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Urls;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a URL or a list of URLs")
            }

            fn visit_str<E>(self, url: &str) -> Result<Urls, E> {
                Ok(Urls::One(url.to_owned()))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> Result<Urls, A::Error> {
                let mut urls = Vec::new();
                while let Some(url) = list.next_element()? {
                    urls.push(url);
                }
                Ok(Urls::Many(urls))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// `[rules]`: which target takes which route. Patterns are text here.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Refused.
    pub deny: Vec<Spanned<String>>,
    /// By the upstream proxy or directly, never by the gateway.
    pub never_gateway: Vec<Spanned<String>>,
    /// Directly.
    pub bypass: Vec<Spanned<String>>,
    /// By the gateway.
    pub gateway: Vec<Spanned<String>>,
    /// What no rule matches.
    pub default: Option<Spanned<DefaultRoute>>,
    /// Whether what is denied is only reported.
    pub report_only: Option<bool>,
    /// Whether the catalogue takes part.
    pub catalogue: Option<bool>,
    /// The path of a catalogue in place of the built-in one.
    pub catalogue_file: Option<Spanned<String>>,
}

/// The route of what no rule matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DefaultRoute {
    /// The upstream proxy if there is one, else direct.
    #[default]
    Auto,
    /// Refuse.
    Deny,
    /// Straight to the target.
    Direct,
    /// The upstream proxy.
    Proxy,
}

/// `[limits]`: how much at a time.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The longest request head, in octets.
    pub head_bytes: Option<Whole<1024, 1_048_576>>,
    /// How long a client may take to send its head.
    pub head_seconds: Option<Seconds>,
    /// Connections at a time.
    pub tunnels: Option<Whole<1, 1_000_000>>,
    /// Connections at a time for one client address.
    pub tunnels_per_client: Option<Whole<1, 1_000_000>>,
    /// Silence of both directions together.
    pub idle_seconds: Option<Seconds>,
}

/// `[timeouts]`: how long each step towards a target may take.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// The system resolver, for one name.
    pub resolve_seconds: Option<Seconds>,
    /// Connecting, all addresses together.
    pub connect_seconds: Option<Seconds>,
    /// The answer of the upstream proxy or the gateway to a CONNECT.
    pub request_seconds: Option<Seconds>,
    /// The TLS handshake with the gateway.
    pub tls_seconds: Option<Seconds>,
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
