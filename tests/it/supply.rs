//! The supply chain holds, and the check that says so can fail.

mod advisories;
mod toolchain;

use std::fs;

use narrows_tests::supply;
use narrows_tests::workspace::{Metadata, root};
use serde_json::json;

#[test]
fn dependencies_are_allowed() {
    assert_eq!(supply::check_graph(&Metadata::load()), [""; 0]);
}

#[test]
fn every_dependency_has_a_reason() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert_eq!(supply::check_reasons(&manifest), [""; 0]);
}

#[test]
fn members_take_dependencies_from_the_workspace() {
    for package in Metadata::load().members() {
        let manifest = fs::read_to_string(&package.manifest_path).unwrap();
        assert_eq!(supply::check_member(&package.name, &manifest), [""; 0]);
    }
}

#[test]
fn every_dependency_is_used() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let metadata = Metadata::load();
    let members = metadata
        .members()
        .map(|package| fs::read_to_string(&package.manifest_path));
    let members: Vec<String> = members.collect::<Result<_, _>>().unwrap();
    let members = members.iter().map(String::as_str);
    assert_eq!(supply::check_used(&manifest, members), [""; 0]);
}

/// A made-up graph that breaks every rule once.
#[test]
fn every_breach_is_found() {
    let crates_io = "registry+https://example.test/crates.io-index";
    let package = |name: &str, version: &str, license: &str, source: &str| {
        json!({ "name": name, "id": format!("{name} {version}"), "version": version,
            "license": license, "source": source, "manifest_path": "/r/Cargo.toml" })
    };
    let metadata = json!({
        "packages": [
            package("copyleft", "1.0.0", "GPL-3.0", crates_io),
            package("fork", "1.0.0", "MIT", "git+https://example.test/fork"),
            package("h2", "0.4.15", "MIT", crates_io),
            package("mixed", "1.0.0", "MIT AND (GPL-2.0 OR BSL-1.0)", crates_io),
            package("openssl", "0.10.1", "Apache-2.0", crates_io),
            package("twice", "0.1.9", "MIT/Apache-2.0", crates_io),
            package("twice", "0.2.0", "(GPL-3.0 OR MIT) AND Unicode-3.0", crates_io),
            package("well-kept", "1.2.3", "Apache-2.0 WITH LLVM-exception", crates_io),
            package("well-kept", "1.9.0", "GPL-3.0 OR MIT", crates_io),
        ],
        "resolve": { "nodes": [] },
        "workspace_members": [],
    });
    let metadata: Metadata = serde_json::from_value(metadata).unwrap();
    assert_eq!(
        supply::check_graph(&metadata),
        [
            r#"copyleft: licence "GPL-3.0" is not allowed"#,
            r#"fork: comes from Some("git+https://example.test/fork")"#,
            "h2 0.4.15: banned by deny.toml",
            r#"mixed: licence "MIT AND (GPL-2.0 OR BSL-1.0)" is not allowed"#,
            "openssl 0.10.1: banned by deny.toml",
            "twice: two incompatible versions",
        ]
    );
}

#[test]
fn missing_reason_is_found() {
    let manifest = "[workspace.dependencies]\n# --- section\na = \"1\"\n# Because.\nb = \"1\"\nc = \"1\"\n\
        own = { path = \"crates/own\" }\n[profile.x]\nd = 1\n";
    assert_eq!(
        supply::check_reasons(manifest),
        ["a: no reason above it", "c: no reason above it"]
    );
}

#[test]
fn stray_dependency_is_found() {
    let manifest = "[dependencies]\na.workspace = true\nb = \"1\"\n\
        [target.'cfg(unix)'.dev-dependencies]\nc = { version = \"1\" }\n";
    let mut breaches = supply::check_member("m", manifest);
    breaches.sort();
    assert_eq!(
        breaches,
        [
            "m: b is not `workspace = true`",
            "m: c is not `workspace = true`"
        ]
    );
}

#[test]
fn unused_dependency_is_found() {
    let root = "[workspace.dependencies]\na = \"1\"\nb = \"1\"\n";
    let breaches = supply::check_used(root, ["[dependencies]\nb.workspace = true\n"]);
    assert_eq!(breaches, ["a: no member uses it"]);
}
