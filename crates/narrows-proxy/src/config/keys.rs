//! [`KEYS`]: every key of the file once, with an example and a sentence.
//!
//! The structs of [`File`](super::File) say what is accepted; this table says it to people: in hints,
//! in "did you mean", and in the reference of the crate's README. Tests hold the three together.

/// One key of the configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Section and name with a dot between, as azcmagent writes them: `proxy.url`.
    pub path: &'static str,
    /// A value that is accepted, as TOML.
    pub example: &'static str,
    /// What holds without the key.
    pub default: &'static str,
    /// What the key does, in one line.
    pub doc: &'static str,
}

/// Every key, in the order of the reference.
pub const KEYS: &[Key] = &[
    key(
        "listen",
        r#"["127.0.0.1:40343"]"#,
        r#"["127.0.0.1:40343"]"#,
        "Addresses to listen on; one that other machines can reach needs `clients.allow`.",
    ),
    key(
        "clients.allow",
        r#"["10.0.0.0/8"]"#,
        "[]",
        "Address ranges whose clients are served; loopback always is.",
    ),
    key(
        "connection.type",
        r#""direct""#,
        r#""default""#,
        "`default` or `gateway`: what the gateway carries is decided as `gateway`; `gateway` also requires `gateway.url`. `direct`: no gateway.",
    ),
    key(
        "gateway.url",
        r#""https://gw.example.net""#,
        "none",
        "The gateway: `https://host[:port]`.",
    ),
    key(
        "gateway.protocol",
        r#""h2""#,
        r#""auto""#,
        "What is offered to it: `h2` (tunnels share a few sessions), `h1` (a session for each), or `auto` (the gateway chooses).",
    ),
    key(
        "gateway.through_proxy",
        "false",
        "`true` with an upstream",
        "Whether the way to the gateway is a CONNECT through the enterprise proxy. A bypass rule that names the gateway makes the default `false`.",
    ),
    key(
        "gateway.ca_file",
        r#""/etc/narrows/gateway-ca.pem""#,
        "none",
        "A PEM file with authorities that may sign the gateway's certificate, beside those of the system.",
    ),
    key(
        "gateway.token_file",
        r#""/etc/narrows/gateway.token""#,
        "none",
        "A file with the bearer token for the gateway; one line end after it is dropped. Sent inside TLS only.",
    ),
    key(
        "gateway.user",
        r#""svc-narrows""#,
        "none",
        "The user for a gateway that wants a password instead; needs `gateway.password_file`.",
    ),
    key(
        "gateway.password_file",
        r#""/etc/narrows/gateway.password""#,
        "none",
        "A file with that user's password; one line end after it is dropped.",
    ),
    key(
        "gateway.client_certificate_file",
        r#""/etc/narrows/client.pem""#,
        "none",
        "A PEM file with the client certificate for the gateway and its chain; needs `gateway.client_key_file`.",
    ),
    key(
        "gateway.client_key_file",
        r#""/etc/narrows/client.key""#,
        "none",
        "A PEM file with the key of that certificate.",
    ),
    key(
        "gateway.fallback",
        r#""proxy""#,
        "`proxy` with an upstream, else `direct`",
        "What serves a target that the gateway would carry, while there is none, it is down, or it refuses that target: `proxy`, `direct`, or `none` (refuse).",
    ),
    key(
        "proxy.url",
        r#""http://proxy.example.net:3128""#,
        "HTTPS_PROXY",
        "The enterprise proxy between this machine and the internet: `http://[user:password@]host:port`.",
    ),
    key(
        "proxy.user",
        r#""svc-narrows""#,
        "the one in `proxy.url`",
        "The user for the enterprise proxy; needs `proxy.url`, to which it belongs, and `proxy.password_file`.",
    ),
    key(
        "proxy.password_file",
        r#""/etc/narrows/proxy.password""#,
        "none",
        "A file with that user's password; one line end after it is dropped.",
    ),
    key(
        "proxy.bypass",
        r#"["Arc", "*.corp.example"]"#,
        "[]",
        "Keywords (`AAD`, `ARM`, `AMA`, `Arc`, `ArcData`) and patterns that are reached directly.",
    ),
    key(
        "rules.deny",
        r#"["*.ads.example"]"#,
        "[]",
        "Patterns that are refused with 403.",
    ),
    key(
        "rules.never_gateway",
        r#"["login.example.net"]"#,
        "[]",
        "Patterns that go by the upstream proxy if there is one, else directly, never by the gateway.",
    ),
    key(
        "rules.bypass",
        r#"["*.corp.example", "10.0.0.0/8"]"#,
        "[]",
        "Patterns that are reached directly; unlike `proxy.bypass`, `--bypass` does not replace them.",
    ),
    key(
        "rules.gateway",
        r#"["*.vendor.example"]"#,
        "[]",
        "Patterns that the gateway carries, beside the catalogue's.",
    ),
    key(
        "rules.default",
        r#""deny""#,
        r#""auto""#,
        "The route of what no rule matches: `proxy`, `direct`, `deny`, or `auto` (`proxy` with an upstream, else `direct`).",
    ),
    key(
        "rules.catalogue",
        "false",
        "true",
        "Whether the catalogue of known endpoints takes part.",
    ),
    key(
        "rules.catalogue_file",
        r#""/etc/narrows/catalogue.txt""#,
        "the built-in one",
        "A newer catalogue in its place.",
    ),
    key(
        "limits.head_bytes",
        "16384",
        "16384",
        "The longest request head, in octets; a longer one is refused with 431. Plain HTTP has a floor of 8192: less holds for CONNECT alone.",
    ),
    key(
        "limits.head_seconds",
        "10",
        "10",
        "How long a client may take to send its request head.",
    ),
    key(
        "limits.tunnels",
        "8192",
        "65536",
        "Connections served at a time; one more is refused with 503. Never more than the descriptors of the process carry.",
    ),
    key(
        "limits.tunnels_per_client",
        "1000",
        "`limits.tunnels`",
        "Connections served at a time for one client address.",
    ),
    key(
        "limits.idle_seconds",
        "3600",
        "3600",
        "How long both directions of a tunnel together may be silent.",
    ),
    key(
        "timeouts.resolve_seconds",
        "10",
        "10",
        "How long the system resolver may take for one name.",
    ),
    key(
        "timeouts.connect_seconds",
        "15",
        "15",
        "How long connecting may take, all addresses of a name together.",
    ),
    key(
        "timeouts.request_seconds",
        "30",
        "30",
        "How long the upstream proxy, or the gateway, may take to answer a CONNECT.",
    ),
    key(
        "timeouts.tls_seconds",
        "10",
        "10",
        "How long the TLS handshake with the gateway may take.",
    ),
    key(
        "drain.seconds",
        "30",
        "30",
        "How long open tunnels may go on after SIGTERM before they are cut.",
    ),
    key(
        "log.file",
        r#""/var/log/narrows/arcproxy.log""#,
        r#""-""#,
        "Where tunnel log lines go; `-` is standard output.",
    ),
];

const fn key(
    path: &'static str,
    example: &'static str,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key {
        path,
        example,
        default,
        doc,
    }
}

impl Key {
    /// Section and name; the section of a key at the top of the file is empty.
    pub fn split(&self) -> (&'static str, &'static str) {
        self.path.split_once('.').unwrap_or(("", self.path))
    }
}

pub(super) fn is_section(path: &str) -> bool {
    KEYS.iter().any(|key| key.split().0 == path)
}

/// `write: name = example` for a key that is known.
pub(super) fn example(path: &str) -> Option<String> {
    KEYS.iter()
        .find(|key| key.path == path)
        .map(|key| format!("write, for example: {} = {}", key.split().1, key.example))
}

/// The names that a section knows; for the top of the file, its sections too.
pub(super) fn of_section(section: &str) -> Vec<&'static str> {
    let mut names: Vec<_> = KEYS
        .iter()
        .filter_map(|key| match key.split() {
            (own, name) if own == section => Some(name),
            (own, _) if section.is_empty() => Some(own),
            _ => None,
        })
        .collect();
    names.dedup();
    names
}

/// The known key that `name` in `section` most likely stands for, as a question.
///
/// A key of another section counts only if its name is the same or nearly so.
pub(super) fn nearest(section: &str, name: &str) -> Option<String> {
    let here = of_section(section)
        .into_iter()
        .map(|known| (likeness(known, name), format!("{known:?}")));
    let there = KEYS
        .iter()
        .map(|key| (key.split().1, key.path))
        .filter(|(known, _)| likeness(known, name) > 0.95)
        .map(|(known, path)| (likeness(known, name) - 0.1, elsewhere(path)));
    here.chain(there)
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| format!("did you mean {known}?"))
}

fn elsewhere(path: &str) -> String {
    match path.split_once('.') {
        Some(_) => format!("{path:?}"),
        None => format!("{path:?} before the first section"),
    }
}

/// From 0 (nothing in common) to 1 (the same but for case and hyphens).
fn likeness(known: &str, name: &str) -> f64 {
    strsim::jaro_winkler(known, &name.to_lowercase().replace('-', "_"))
}
