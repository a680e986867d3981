//! The floors of the house hold, and the check that says so can fail.

use std::fs;
use std::path::{Path, PathBuf};

use narrows_tests::layering;
use narrows_tests::workspace::Metadata;
use serde_json::json;

#[test]
fn floors_hold() {
    let metadata = Metadata::load();
    assert_eq!(layering::check_graph(&metadata), [""; 0]);
}

#[test]
fn pure_floors_ban_impure_functions() {
    let metadata = Metadata::load();
    let mut seen = 0;
    for package in layering::pure_crates(&metadata) {
        let file = layering::directory(package).join("clippy.toml");
        let text = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(layering::check_bans(&package.name, &text), [""; 0]);
        seen += 1;
    }
    assert_eq!(
        seen, 3,
        "narrows-connect, narrows-endpoint and narrows-log are pure"
    );
}

#[test]
fn pure_floors_name_nothing_impure() {
    let metadata = Metadata::load();
    for package in layering::pure_crates(&metadata) {
        for file in sources(&layering::directory(package).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            assert_eq!(
                layering::check_source(&file.to_string_lossy(), &text),
                [""; 0]
            );
        }
    }
}

/// A made-up house that breaks every rule once.
#[test]
fn every_breach_is_found() {
    let breaches = layering::check_graph(&made_up(&[
        ("narrows-endpoint", "narrows-connect"),
        ("narrows-log", "narrows-endpoint"),
        ("narrows-connect", "bytes"),
        ("bytes", "tokio"),
        ("narrows-tunnel", "narrows-upstream"),
        ("narrows-upstream", "narrows-connect"),
        ("narrows-server", "narrows-proxy"),
        ("narrows-attic", "narrows-endpoint"),
    ]));
    assert_eq!(
        breaches,
        [
            "narrows-attic: stands on no floor; add it to FLOORS",
            "narrows-connect (floor 1) pulls in tokio",
            "narrows-endpoint (floor 0) must not depend on narrows-connect",
            "narrows-endpoint (floor 0) pulls in tokio",
            "narrows-log (floor 0) pulls in tokio",
            "narrows-server (floor 3) must not depend on narrows-proxy",
            "narrows-tunnel (floor 2) must not depend on narrows-upstream",
        ]
    );
}

#[test]
fn missing_ban_is_found() {
    let text = r#"disallowed-types = ["std::net::TcpStream"]"#;
    let breaches = layering::check_bans("narrows-endpoint", text);
    assert!(breaches.contains(&"narrows-endpoint: clippy.toml does not ban std::env::var".into()));
    assert!(!breaches.iter().any(|breach| breach.ends_with("TcpStream")));
}

#[test]
fn impure_word_is_found() {
    let text =
        "//! std::fs::read is not for us\nlet x = std::fs::read_dir(y);\nlet z = env!(\"A\");";
    let breaches = layering::check_source("a.rs", text);
    assert_eq!(breaches, ["a.rs:2: a pure floor names fs::"]);
}

/// Sources of a crate, test modules left out: a test may read a file.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(
            |path| match path.file_name().and_then(|name| name.to_str()) {
                Some("tests.rs" | "tests") => vec![],
                _ if path.is_dir() => sources(&path),
                _ => vec![path],
            },
        )
        .collect()
}

fn made_up(edges: &[(&str, &str)]) -> Metadata {
    let mut names: Vec<&str> = edges.iter().flat_map(|(from, to)| [*from, *to]).collect();
    names.sort_unstable();
    names.dedup();
    let ours = |name: &&&str| name.starts_with("narrows-");
    let packages = names.iter().map(|name| {
        json!({ "name": name, "id": name, "version": "0.1.0", "license": "MIT", "source": null,
            "manifest_path": format!("/w/crates/{name}/Cargo.toml") })
    });
    let nodes = names.iter().map(|name| {
        let deps = edges.iter().filter(|(from, _)| from == name);
        let deps = deps.map(|(_, to)| json!({ "pkg": to, "dep_kinds": [{ "kind": null }] }));
        json!({ "id": name, "deps": deps.collect::<Vec<_>>() })
    });
    serde_json::from_value(json!({
        "packages": packages.collect::<Vec<_>>(),
        "resolve": { "nodes": nodes.collect::<Vec<_>>() },
        "workspace_members": names.iter().filter(ours).collect::<Vec<_>>(),
    }))
    .unwrap()
}
