//! [`KEYS`]: every key of the file once, with an example and a sentence.
//!
//! The structs of [`File`](super::File) say what is accepted; this table says it to people: in hints,
//! in "did you mean", and in the reference of the crate's README. Tests hold the three together.

use narrows_service::config::{Key, Keys};
use narrows_service::log;

/// Every key, in the order of the reference.
pub const KEYS: Keys = Keys(&ALL);

const OWN: &[Key] = &[
    Key::new(
        "listen",
        r#"["127.0.0.1:40343"]"#,
        r#"["127.0.0.1:40343"]"#,
        "Addresses to listen on; one that other machines can reach needs `clients.allow`.",
    ),
    Key::new(
        "clients.allow",
        r#"["10.0.0.0/8"]"#,
        "[]",
        "Address ranges whose clients are served; loopback always is.",
    ),
    Key::new(
        "clients.reach",
        r#"["10.0.0.0/8"]"#,
        "inner networks, not this machine",
        "Ranges to which clients on other machines are connected directly, beside public addresses. Without it: all but loopback, link-local, metadata services, multicast, broadcast and unspecified addresses; a metadata service only by its very address.",
    ),
    Key::new(
        "connection.type",
        r#""direct""#,
        r#""default""#,
        "`default` or `gateway`: what the gateway carries is decided as `gateway`; `gateway` also requires `gateway.url`. `direct`: no gateway.",
    ),
    Key::new(
        "gateway.url",
        r#""https://gw.example.net""#,
        "none",
        "The gateway: `https://host[:port]`.",
    ),
    Key::new(
        "gateway.protocol",
        r#""h2""#,
        r#""auto""#,
        "What is offered to it: `h2` (tunnels share a few sessions), `h1` (a session for each), or `auto` (the gateway chooses).",
    ),
    Key::new(
        "gateway.through_proxy",
        "false",
        "`true` with an upstream",
        "Whether the way to the gateway is a CONNECT through the enterprise proxy. A bypass rule that names the gateway makes the default `false`.",
    ),
    Key::new(
        "gateway.ca_file",
        r#""/etc/narrows/gateway-ca.pem""#,
        "none",
        "A PEM file with authorities that may sign the gateway's certificate, beside those of the system.",
    ),
    Key::new(
        "gateway.token_file",
        r#""/etc/narrows/gateway.token""#,
        "none",
        "A file with the bearer token for the gateway; one line end after it is dropped. Sent inside TLS only.",
    ),
    Key::new(
        "gateway.user",
        r#""svc-narrows""#,
        "none",
        "The user for a gateway that wants a password instead; needs `gateway.password_file`.",
    ),
    Key::new(
        "gateway.password_file",
        r#""/etc/narrows/gateway.password""#,
        "none",
        "A file with that user's password; one line end after it is dropped.",
    ),
    Key::new(
        "gateway.client_certificate_file",
        r#""/etc/narrows/client.pem""#,
        "none",
        "A PEM file with the client certificate for the gateway and its chain; needs `gateway.client_key_file`.",
    ),
    Key::new(
        "gateway.client_key_file",
        r#""/etc/narrows/client.key""#,
        "none",
        "A PEM file with the key of that certificate.",
    ),
    Key::new(
        "gateway.fallback",
        r#""proxy""#,
        "`proxy` with an upstream, else `direct`",
        "What serves a target that the gateway would carry, while there is none, it is down, or it refuses that target: `proxy`, `direct`, or `none` (refuse).",
    ),
    Key::new(
        "gateway.optimistic",
        "true",
        "false",
        "Answers clients before the gateway has, and sends what they say along with the request: a round trip less. A target that the gateway refuses, or cannot reach, is then a reset after the 200. Only over `h2`, on sessions that are ready.",
    ),
    Key::new(
        "proxy.url",
        r#""http://proxy.example.net:3128""#,
        "HTTPS_PROXY",
        "The enterprise proxy between this machine and the internet: `http://[user:password@]host:port`, or `https` or `socks5` instead; or a list of them in order of preference, of which the first that works is used.",
    ),
    Key::new(
        "proxy.user",
        r#""svc-narrows""#,
        "the one in `proxy.url`",
        "The user for the enterprise proxies whose URLs have none; needs `proxy.url`, to which it belongs, and `proxy.password_file`.",
    ),
    Key::new(
        "proxy.password_file",
        r#""/etc/narrows/proxy.password""#,
        "none",
        "A file with that user's password; one line end after it is dropped.",
    ),
    Key::new(
        "proxy.authentication",
        r#""digest""#,
        r#""auto""#,
        "By which schemes the password may go to an HTTP proxy, of those that it offers: `auto` (Digest before Basic), `basic`, or `digest` (never in clear).",
    ),
    Key::new(
        "proxy.token_file",
        r#""/etc/narrows/proxy.token""#,
        "none",
        "A file with a bearer token in place of a user; one line end after it is dropped. Only for `https` proxies and those on this machine, when they offer Bearer.",
    ),
    Key::new(
        "proxy.ca_file",
        r#""/etc/narrows/proxy-ca.pem""#,
        "none",
        "A PEM file with authorities that may sign the certificates of `https` proxies, beside those of the system.",
    ),
    Key::new(
        "proxy.client_certificate_file",
        r#""/etc/narrows/proxy-client.pem""#,
        "none",
        "A PEM file with the client certificate for `https` proxies and its chain; needs `proxy.client_key_file`.",
    ),
    Key::new(
        "proxy.client_key_file",
        r#""/etc/narrows/proxy-client.key""#,
        "none",
        "A PEM file with the key of that certificate.",
    ),
    Key::new(
        "proxy.bypass",
        r#"["Arc", "*.corp.example"]"#,
        "[]",
        "Keywords (`AAD`, `ARM`, `AMA`, `Arc`, `ArcData`) and patterns that are reached directly.",
    ),
    Key::new(
        "rules.deny",
        r#"["*.ads.example"]"#,
        "[]",
        "Patterns that are refused with 403.",
    ),
    Key::new(
        "rules.never_gateway",
        r#"["login.example.net"]"#,
        "[]",
        "Patterns that go by the upstream proxy if there is one, else directly, never by the gateway.",
    ),
    Key::new(
        "rules.bypass",
        r#"["*.corp.example", "10.0.0.0/8"]"#,
        "[]",
        "Patterns that are reached directly; unlike `proxy.bypass`, `--bypass` does not replace them.",
    ),
    Key::new(
        "rules.gateway",
        r#"["*.vendor.example"]"#,
        "[]",
        "Patterns that the gateway carries, beside the catalogue's.",
    ),
    Key::new(
        "rules.default",
        r#""deny""#,
        r#""auto""#,
        "The route of what no rule matches: `proxy`, `direct`, `deny`, or `auto` (`proxy` with an upstream, else `direct`).",
    ),
    Key::new(
        "rules.report_only",
        "true",
        "false",
        "Lets through what `rules.deny` and a default of `deny` refuse, and logs and counts it as `would deny`. Nothing else is let through: not this proxy's own listeners, nor clients of ranges that are not allowed.",
    ),
    Key::new(
        "rules.catalogue",
        "false",
        "true",
        "Whether the catalogue of known endpoints takes part.",
    ),
    Key::new(
        "rules.catalogue_file",
        r#""/etc/narrows/catalogue.txt""#,
        "the built-in one",
        "A newer catalogue in its place.",
    ),
    Key::new(
        "limits.head_bytes",
        "16384",
        "16384",
        "The longest request head, in octets; a longer one is refused with 431. Plain HTTP has a floor of 8192: less holds for CONNECT alone.",
    ),
    Key::new(
        "limits.head_seconds",
        "10",
        "10",
        "How long a client may take to send its request head.",
    ),
    Key::new(
        "limits.tunnels",
        "8192",
        "65536",
        "Connections served at a time; one more is refused with 503. Never more than the descriptors of the process carry.",
    ),
    Key::new(
        "limits.tunnels_per_client",
        "1000",
        "`limits.tunnels`",
        "Connections served at a time for one client address.",
    ),
    Key::new(
        "limits.idle_seconds",
        "3600",
        "3600",
        "How long both directions of a tunnel together may be silent.",
    ),
    Key::new(
        "timeouts.resolve_seconds",
        "10",
        "10",
        "How long the system resolver may take for one name.",
    ),
    Key::new(
        "timeouts.connect_seconds",
        "15",
        "15",
        "How long connecting may take, all addresses of a name together.",
    ),
    Key::new(
        "timeouts.request_seconds",
        "30",
        "30",
        "How long the upstream proxy, or the gateway, may take to answer a CONNECT.",
    ),
    Key::new(
        "timeouts.tls_seconds",
        "10",
        "10",
        "How long the TLS handshake with the gateway may take.",
    ),
    Key::new(
        "drain.seconds",
        "30",
        "30",
        "How long open tunnels may go on after SIGTERM before they are cut.",
    ),
    Key::new(
        "drain.unready_seconds",
        "5",
        "0",
        "How long everything goes on before that, while health checks hear that the proxy is not ready.",
    ),
];

const LOG: [Key; 9] = log::keys(
    r#""/var/log/narrows/arcproxy.log""#,
    "Where tunnel log lines go; `-` is standard output.",
);
const ALL: [Key; OWN.len() + LOG.len() + narrows_admin::KEYS.len()] =
    Key::joined(&[OWN, &LOG, &narrows_admin::KEYS]);
