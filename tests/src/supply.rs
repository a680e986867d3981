//! The supply chain: the rules of `deny.toml`, checked without a tool and without the network, and
//! the rules for our own manifests.

pub mod advisories;
pub mod toolchain;

use std::collections::{BTreeMap, BTreeSet};

use crate::workspace::Metadata;

/// Licences that everything may be built from; an expression must reduce to these.
const LICENCES: &[&str] = &[
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-3-Clause",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "OpenSSL",
    "Unicode-3.0",
    "Zlib",
];

/// Crates that are not let in, or only from a version on. Reasons stand in `deny.toml`.
const BANNED: &[(&str, Option<[u64; 3]>)] = &[
    ("daemonize", None),
    ("h2", Some([0, 4, 16])),
    ("hickory-proto", Some([0, 26, 1])),
    ("lru", Some([0, 18, 2])),
    ("native-tls", None),
    ("openssl", None),
    ("openssl-sys", None),
    ("quinn-proto", Some([0, 11, 15])),
    ("rustls-pemfile", None),
    ("rustls-webpki", Some([0, 103, 13])),
    ("serde_yaml", None),
    ("serde_yml", None),
    ("sspi", None),
    ("tracing-subscriber", Some([0, 3, 20])),
    ("yaml-rust", None),
];

/// Crates that may be there in two incompatible versions, because their users have not met yet.
const TWICE: &[&str] = &[
    // Derive macros are moving from syn 2 to 3; they are only ever built for the host.
    "syn",
    "synstructure",
];

/// Breaches in the graph of dependencies: licence, ban, version, source or duplicate.
pub fn check_graph(metadata: &Metadata) -> Vec<String> {
    let mut breaches = Vec::new();
    let mut lines: BTreeMap<&str, BTreeSet<[u64; 3]>> = BTreeMap::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let version = version(&package.version);
        lines
            .entry(name)
            .or_default()
            .insert(compatibility(version));
        let licence = package.license.as_deref().unwrap_or_default();
        if !licence_allowed(licence) {
            breaches.push(format!("{name}: licence {licence:?} is not allowed"));
        }
        let ban = BANNED.iter().find(|(banned, _)| *banned == name);
        if ban.is_some_and(|(_, from)| from.is_none_or(|from| version < from)) {
            breaches.push(format!("{name} {}: banned by deny.toml", package.version));
        }
        if !package.source.as_deref().is_none_or(is_crates_io) {
            breaches.push(format!("{name}: comes from {:?}", package.source));
        }
    }
    lines.retain(|name, versions| versions.len() > 1 && !TWICE.contains(name));
    breaches.extend(
        lines
            .keys()
            .map(|name| format!("{name}: two incompatible versions")),
    );
    breaches
}

/// Breaches in the root manifest: an entry of `[workspace.dependencies]` without a comment right
/// above that gives its reason. Our own crates need none.
pub fn check_reasons(manifest: &str) -> Vec<String> {
    let mut previous = "";
    let mut inside = false;
    let mut breaches = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == "[workspace.dependencies]";
        } else if let Some((name, rest)) = line.split_once('=').filter(|_| inside) {
            let reason = previous.starts_with("# ") && !previous.starts_with("# ---");
            if !line.starts_with('#') && !reason && !rest.contains("path =") {
                breaches.push(format!("{}: no reason above it", name.trim()));
            }
        }
        previous = line;
    }
    breaches
}

/// Breaches in a member's manifest: a dependency that is not taken from the workspace's table.
///
/// # Panics
///
/// When `manifest` is not TOML.
pub fn check_member(name: &str, manifest: &str) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().expect("a manifest is TOML");
    dependency_tables(&manifest)
        .into_iter()
        .flatten()
        .filter(|(_, entry)| entry.get("workspace") != Some(&toml::Value::Boolean(true)))
        .map(|(dependency, _)| format!("{name}: {dependency} is not `workspace = true`"))
        .collect()
}

/// Breaches in the table of dependencies: an entry that no member uses.
///
/// # Panics
///
/// When a manifest is not TOML.
pub fn check_used<'a>(root: &str, members: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let root: toml::Table = root.parse().expect("a manifest is TOML");
    let table = root["workspace"]["dependencies"].as_table();
    let mut unused: BTreeSet<&str> = table
        .into_iter()
        .flat_map(toml::Table::keys)
        .map(String::as_str)
        .collect();
    for member in members {
        let member: toml::Table = member.parse().expect("a manifest is TOML");
        for (name, _) in dependency_tables(&member).into_iter().flatten() {
            unused.remove(name.as_str());
        }
    }
    unused
        .into_iter()
        .map(|name| format!("{name}: no member uses it"))
        .collect()
}

/// Every table of dependencies in a manifest, those for one platform too.
fn dependency_tables(manifest: &toml::Table) -> Vec<&toml::Table> {
    let platforms = manifest.get("target").and_then(toml::Value::as_table);
    let places = platforms
        .into_iter()
        .flat_map(toml::Table::values)
        .filter_map(toml::Value::as_table)
        .chain([manifest]);
    places
        .flat_map(|place| {
            ["build-dependencies", "dependencies", "dev-dependencies"]
                .into_iter()
                .filter_map(|key| place.get(key)?.as_table())
        })
        .collect()
}

/// Whether an SPDX expression can be met with [`LICENCES`] alone. `/` is the old spelling of OR.
fn licence_allowed(expression: &str) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let spaced = spaced.replace(" WITH ", "_WITH_");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = tokens.as_slice();
    any_of(&mut rest) && rest.is_empty()
}

fn any_of(rest: &mut &[&str]) -> bool {
    let mut met = all_of(rest);
    while let ["OR", tail @ ..] = *rest {
        *rest = tail;
        met |= all_of(rest);
    }
    met
}

fn all_of(rest: &mut &[&str]) -> bool {
    let mut met = one_of(rest);
    while let ["AND", tail @ ..] = *rest {
        *rest = tail;
        met &= one_of(rest);
    }
    met
}

fn one_of(rest: &mut &[&str]) -> bool {
    match *rest {
        ["(", tail @ ..] => {
            *rest = tail;
            let met = any_of(rest);
            let [")", tail @ ..] = *rest else {
                return false;
            };
            *rest = tail;
            met
        }
        [name, tail @ ..] => {
            *rest = tail;
            LICENCES.contains(&name.replace("_WITH_", " WITH ").as_str())
        }
        [] => false,
    }
}

fn is_crates_io(source: &str) -> bool {
    source.starts_with("registry+") && source.ends_with("/crates.io-index")
}

/// The three numbers of a version; pre-release and build parts are left out.
fn version(text: &str) -> [u64; 3] {
    let plain = text.split(['-', '+']).next().unwrap_or(text);
    let mut numbers = plain.split('.').map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| numbers.next().unwrap_or(0))
}

/// The part of a version that decides what it is compatible with (the caret rule of Cargo).
const fn compatibility([major, minor, patch]: [u64; 3]) -> [u64; 3] {
    match (major, minor) {
        (0, 0) => [0, 0, patch],
        (0, _) => [0, minor, 0],
        _ => [major, 0, 0],
    }
}
