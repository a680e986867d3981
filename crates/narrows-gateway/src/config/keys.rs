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
        r#"["0.0.0.0:443"]"#,
        r#"["127.0.0.1:8443"]"#,
        "Addresses to listen on, all with TLS.",
    ),
    Key::new(
        "domain",
        r#""example.net""#,
        r#""localhost""#,
        "The domain of new gateways' endpoints, `<id>.gw.<domain>`.",
    ),
    Key::new(
        "tls.certificate",
        r#""/etc/narrows/tls/fullchain.pem""#,
        r#""tls/certificate.pem""#,
        "The certificate chain in PEM, the server's own first. Read again when it changes.",
    ),
    Key::new(
        "tls.key",
        r#""/etc/narrows/tls/key.pem""#,
        r#""tls/key.pem""#,
        "Its private key in PEM.",
    ),
    Key::new(
        "tls.handshake_seconds",
        "5",
        "10",
        "How long a client may take for the TLS handshake.",
    ),
    Key::new(
        "tls.handshakes",
        "256",
        "1024",
        "TLS handshakes at a time, of clients that have said something; more wait, within their own time.",
    ),
    Key::new(
        "auth.anonymous",
        "true",
        "false",
        "Lets everyone in who can connect. Said loudly at the start.",
    ),
    Key::new(
        "auth.failures_per_second",
        "5",
        "5",
        "Failed logins of one client address in a second that are answered with 407; more are answered with 429. Right credentials always pass.",
    ),
    Key::new(
        "jwt.jwks_file",
        r#""/etc/narrows/jwks.json""#,
        "none",
        "Accept JWTs that a key of this set has signed. Read again when it changes.",
    ),
    Key::new(
        "jwt.audience",
        r#""narrows""#,
        "the gateway's own endpoint",
        "What `aud` of a JWT must name.",
    ),
    Key::new(
        "jwt.issuer",
        r#""https://issuer.example.net""#,
        "any",
        "What `iss` of a JWT must be.",
    ),
    Key::new(
        "jwt.leeway_seconds",
        "30",
        "60",
        "By how much clocks may differ, for `exp` and `nbf`.",
    ),
    Key::new(
        "clients.ca_file",
        r#""/etc/narrows/clients-ca.pem""#,
        "none",
        "Accept client certificates of these authorities, in PEM. Read again when it changes.",
    ),
    Key::new(
        "clients.crl_files",
        r#"["/etc/narrows/clients.crl.pem"]"#,
        "[]",
        "Revocation lists in PEM; with any, every authority in use needs one that is up to date.",
    ),
    Key::new(
        "own.addresses",
        r#"["203.0.113.7"]"#,
        "[]",
        "Addresses under which others reach this server (a load balancer's); never dialled.",
    ),
    Key::new(
        "own.ports",
        "[9090]",
        "[]",
        "Other ports of this machine that are never dialled, whatever a rule says.",
    ),
    Key::new(
        "dial.any_bad_denies_all",
        "true",
        "false",
        "Denies a name with both public and other addresses altogether; otherwise the public ones are dialled.",
    ),
    Key::new(
        "limits.connections",
        "4096",
        "8192",
        "Client connections at a time.",
    ),
    Key::new(
        "limits.dials",
        "256",
        "1024",
        "Connections to targets that are being made at a time, a quarter of them to one target; more wait for a second, then 503.",
    ),
    Key::new(
        "limits.head_bytes",
        "16384",
        "16384",
        "The longest request head, in octets; a longer one is refused with 431.",
    ),
    Key::new(
        "limits.head_seconds",
        "10",
        "10",
        "How long a client may take to send its head.",
    ),
    Key::new(
        "limits.idle_seconds",
        "3600",
        "7200",
        "How long a tunnel may be silent in both directions.",
    ),
    Key::new(
        "limits.lifetime_seconds",
        "86400",
        "none",
        "How long a tunnel may last.",
    ),
    Key::new("timeouts.resolve_seconds", "10", "10", "Resolving a name."),
    Key::new(
        "timeouts.connect_seconds",
        "15",
        "15",
        "Connecting, all addresses together.",
    ),
    Key::new(
        "drain.seconds",
        "30",
        "30",
        "How long open tunnels may go on when the end is asked for.",
    ),
    Key::new(
        "drain.unready_seconds",
        "10",
        "`5`, or `0` on loopback",
        "How long everything goes on before that, while health checks hear that the gateway is not ready: as long as a load balancer takes to notice.",
    ),
];

const LOG: [Key; 9] = log::keys(
    r#""/var/log/narrows/gateway.log""#,
    "The access log; `-` is standard output. Appended to, opened again on SIGHUP.",
);
const ALL: [Key; OWN.len() + LOG.len() + narrows_admin::KEYS.len()] =
    Key::joined(&[OWN, &LOG, &narrows_admin::KEYS]);
