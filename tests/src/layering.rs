//! The floors of the house: arrows point down only, and the pure floors stay pure.

use std::path::Path;

use crate::workspace::{Metadata, Package};

/// Our crates and the floor each one stands on (ARCHITECTURE.md draws them).
const FLOORS: &[(&str, u8)] = &[
    ("narrows-endpoint", 0),
    ("narrows-log", 0),
    ("narrows-connect", 1),
    ("narrows-tunnel", 2),
    ("narrows-upstream", 2),
    ("narrows-tls-probe", 2),
    ("narrows-service", 2),
    ("narrows-server", 3),
    ("narrows-admin", 3),
    ("narrows-proxy", 4),
    ("narrows-gateway", 4),
    ("narrows-probe", 4),
];

/// The only arrows between two crates of one floor: the log writes targets, and the admin listener shows
/// what a server does.
const SIDEWAYS: &[(&str, &str)] = &[
    ("narrows-log", "narrows-endpoint"),
    ("narrows-admin", "narrows-server"),
];

/// The highest floor without sockets, files, environment and clock.
const PURE: u8 = 1;

/// Crates that bring a runtime, sockets, TLS, terminals or the environment with them.
const IMPURE: &[&str] = &[
    "async-std",
    "aws-lc-rs",
    "clap",
    "env_logger",
    "h2",
    "hyper",
    "hyper-util",
    "mio",
    "nix",
    "openssl",
    "polling",
    "ring",
    "rustix",
    "rustls",
    "signal-hook",
    "smol",
    "socket2",
    "tempfile",
    "tokio",
    "tokio-rustls",
    "tracing-subscriber",
];

/// What a pure crate's own clippy.toml must ban.
const BANNED_PATHS: &[&str] = &[
    "std::env::var",
    "std::env::var_os",
    "std::env::vars",
    "std::fs::File",
    "std::fs::read",
    "std::fs::read_to_string",
    "std::fs::write",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs::to_socket_addrs",
    "std::net::UdpSocket",
    "std::time::Instant::now",
    "std::time::SystemTime::now",
];

/// Words in a pure crate's sources that mean sockets, files, environment or clock. They catch what
/// the list of banned functions leaves open.
const BANNED_WORDS: &[&str] = &[
    "env::",
    "fs::",
    "Instant::",
    "lookup_host",
    "process::",
    "SystemTime",
    "TcpListener",
    "TcpStream",
    "to_socket_addrs",
    "UdpSocket",
    "UnixStream",
];

/// Breaches in the graph: a crate that stands on no floor, an arrow up or sideways, or a pure crate
/// that pulls in an impure one. Empty when the house stands.
pub fn check_graph(metadata: &Metadata) -> Vec<String> {
    metadata
        .members()
        .filter(|package| is_ours(package))
        .flat_map(|package| check_package(metadata, package))
        .collect()
}

/// Breaches in a pure crate's clippy.toml: a ban that is missing.
///
/// # Panics
///
/// When `text` is not TOML.
pub fn check_bans(name: &str, text: &str) -> Vec<String> {
    let bans: toml::Table = text.parse().expect("clippy.toml is TOML");
    let banned: Vec<&str> = ["disallowed-methods", "disallowed-types"]
        .into_iter()
        .filter_map(|key| bans.get(key)?.as_array())
        .flatten()
        .filter_map(|ban| ban.as_str().or_else(|| ban.get("path")?.as_str()))
        .collect();
    BANNED_PATHS
        .iter()
        .filter(|path| !banned.contains(path))
        .map(|path| format!("{name}: clippy.toml does not ban {path}"))
        .collect()
}

/// Breaches in one source file of a pure crate: a line of code that names something impure.
/// Comments and documentation are not read.
pub fn check_source(file: &str, text: &str) -> Vec<String> {
    let lines = text.lines().enumerate();
    lines
        .map(|(at, line)| (at, line.split("//").next().unwrap_or(line)))
        .flat_map(|(at, code)| {
            let words = BANNED_WORDS.iter().filter(move |word| has_word(code, word));
            words.map(move |word| format!("{file}:{}: a pure floor names {word}", at + 1))
        })
        .collect()
}

/// The crates of floors 0 and 1.
pub fn pure_crates(metadata: &Metadata) -> impl Iterator<Item = &Package> {
    metadata
        .members()
        .filter(|package| floor(&package.name).is_some_and(|floor| floor <= PURE))
}

/// The directory of a package.
///
/// # Panics
///
/// Never: a manifest has a parent.
pub fn directory(package: &Package) -> &Path {
    package
        .manifest_path
        .parent()
        .expect("a manifest has a parent")
}

fn check_package(metadata: &Metadata, package: &Package) -> Vec<String> {
    let name = package.name.as_str();
    let Some(own) = floor(name) else {
        return vec![format!("{name}: stands on no floor; add it to FLOORS")];
    };
    let dependencies = metadata.normal_dependencies(package);
    let arrows = dependencies.iter().filter_map(|&below| {
        let allowed = floor(below)? < own || SIDEWAYS.contains(&(name, below));
        (!allowed).then(|| format!("{name} (floor {own}) must not depend on {below}"))
    });
    let mut breaches: Vec<String> = arrows.collect();
    if own <= PURE {
        let closure = metadata.normal_closure(package);
        let impure = closure.iter().filter(|below| IMPURE.contains(below));
        breaches.extend(impure.map(|below| format!("{name} (floor {own}) pulls in {below}")));
    }
    breaches
}

/// Crates under `crates/`; benches, examples and tests may look at anything.
fn is_ours(package: &Package) -> bool {
    directory(package)
        .parent()
        .is_some_and(|dir| dir.ends_with("crates"))
}

fn floor(name: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(other, _)| *other == name)
        .map(|(_, floor)| *floor)
}

/// Whether `word` stands in `code` with nothing in front that makes it part of a longer word.
fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}
