//! [`KEYS`]: every key of the file once, with an example and a sentence.
//!
//! The structs of [`File`](super::File) say what is accepted; this table says it to people: in hints,
//! in "did you mean", and in the reference of the crate's README. Tests hold the three together.

/// One key of the configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Section and name with a dot between: `tls.key`.
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
        r#"["0.0.0.0:443"]"#,
        r#"["127.0.0.1:8443"]"#,
        "Addresses to listen on, all with TLS.",
    ),
    key(
        "domain",
        r#""example.net""#,
        r#""localhost""#,
        "The domain of new gateways' endpoints, `<id>.gw.<domain>`.",
    ),
    key(
        "tls.certificate",
        r#""/etc/narrows/tls/fullchain.pem""#,
        r#""tls/certificate.pem""#,
        "The certificate chain in PEM, the server's own first. Read again when it changes.",
    ),
    key(
        "tls.key",
        r#""/etc/narrows/tls/key.pem""#,
        r#""tls/key.pem""#,
        "Its private key in PEM.",
    ),
    key(
        "tls.handshake_seconds",
        "5",
        "10",
        "How long a client may take for the TLS handshake.",
    ),
    key(
        "tls.handshakes",
        "256",
        "1024",
        "TLS handshakes at a time; more wait, within their own time.",
    ),
    key(
        "auth.anonymous",
        "true",
        "false",
        "Lets everyone in who can connect. Said loudly at the start.",
    ),
    key(
        "auth.failures_per_second",
        "5",
        "5",
        "Failed logins of one client address in a second that are answered with 407; more are answered with 429. Right credentials always pass.",
    ),
    key(
        "jwt.jwks_file",
        r#""/etc/narrows/jwks.json""#,
        "none",
        "Accept JWTs that a key of this set has signed. Read again when it changes.",
    ),
    key(
        "jwt.audience",
        r#""narrows""#,
        "the gateway's own endpoint",
        "What `aud` of a JWT must name.",
    ),
    key(
        "jwt.issuer",
        r#""https://issuer.example.net""#,
        "any",
        "What `iss` of a JWT must be.",
    ),
    key(
        "jwt.leeway_seconds",
        "30",
        "60",
        "By how much clocks may differ, for `exp` and `nbf`.",
    ),
    key(
        "clients.ca_file",
        r#""/etc/narrows/clients-ca.pem""#,
        "none",
        "Accept client certificates of these authorities, in PEM. Read again when it changes.",
    ),
    key(
        "clients.crl_files",
        r#"["/etc/narrows/clients.crl.pem"]"#,
        "[]",
        "Revocation lists in PEM; with any, every authority in use needs one that is up to date.",
    ),
    key(
        "own.addresses",
        r#"["203.0.113.7"]"#,
        "[]",
        "Addresses under which others reach this server (a load balancer's); never dialled.",
    ),
    key(
        "own.ports",
        "[9090]",
        "[]",
        "Other ports of this machine that are never dialled, whatever a rule says.",
    ),
    key(
        "dial.any_bad_denies_all",
        "true",
        "false",
        "Denies a name with both public and other addresses altogether; otherwise the public ones are dialled.",
    ),
    key(
        "limits.connections",
        "4096",
        "8192",
        "Client connections at a time.",
    ),
    key(
        "limits.head_bytes",
        "16384",
        "16384",
        "The longest request head, in octets; a longer one is refused with 431.",
    ),
    key(
        "limits.head_seconds",
        "10",
        "10",
        "How long a client may take to send its head.",
    ),
    key(
        "limits.idle_seconds",
        "3600",
        "7200",
        "How long a tunnel may be silent in both directions.",
    ),
    key(
        "limits.lifetime_seconds",
        "86400",
        "none",
        "How long a tunnel may last.",
    ),
    key("timeouts.resolve_seconds", "10", "10", "Resolving a name."),
    key(
        "timeouts.connect_seconds",
        "15",
        "15",
        "Connecting, all addresses together.",
    ),
    key(
        "drain.seconds",
        "30",
        "30",
        "How long open tunnels may go on when the end is asked for.",
    ),
    key(
        "log.file",
        r#""/var/log/narrows/gateway.log""#,
        r#""-""#,
        "The access log; `-` is standard output. Appended to, opened again on SIGHUP.",
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
