//! Nothing wants a newer toolchain than the one we promise, and the check that says so can fail.

use std::fs;

use narrows_tests::supply::toolchain;
use narrows_tests::workspace::{Metadata, Package, root};
use serde_json::json;

#[test]
fn nothing_wants_a_newer_toolchain_than_we_promise() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let metadata = Metadata::load();
    assert_eq!(
        toolchain::check(&metadata.packages, &toolchain::promised(&manifest)),
        [""; 0]
    );
}

#[test]
fn members_promise_the_same() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let promised = Some(toolchain::promised(&manifest));
    for member in Metadata::load().members() {
        assert_eq!(member.rust_version, promised, "{}", member.name);
    }
}

#[test]
fn a_newer_toolchain_is_found() {
    let package = |name: &str, rust_version: Option<&str>| -> Package {
        serde_json::from_value(json!({ "name": name, "id": name, "version": "1.0.0",
            "rust_version": rust_version, "manifest_path": "/r/Cargo.toml" }))
        .unwrap()
    };
    let packages = [
        package("silent", None),
        package("old", Some("1.9")),
        package("same", Some("1.88.0")),
        package("patch", Some("1.88.1")),
        package("new", Some("1.100")),
    ];
    assert_eq!(
        toolchain::check(&packages, "1.88"),
        [
            "patch 1.0.0: wants Rust 1.88.1, and we promise 1.88",
            "new 1.0.0: wants Rust 1.100, and we promise 1.88",
        ]
    );
}
