//! `docs/security.md` and `docs/proof.md` say what is true, and the checks that say so can fail.

use std::collections::BTreeMap;
use std::fs;

use narrows_tests::security;
use narrows_tests::workspace::root;

/// The abuse table's last row. A case that is found later gets the next number, and a test.
const LAST: usize = 50;

fn promises() -> String {
    fs::read_to_string(root().join("docs/security.md")).unwrap()
}

fn proofs() -> String {
    fs::read_to_string(root().join("docs/proof.md")).unwrap()
}

#[test]
fn every_row_has_its_line() {
    assert_eq!(security::check_rows(&promises(), LAST), [""; 0]);
}

#[test]
fn every_test_that_is_named_exists() {
    let read = |path: &str| fs::read_to_string(root().join(path)).ok();
    assert_eq!(security::check_citations(&promises(), read), [""; 0]);
    assert_eq!(security::check_citations(&proofs(), read), [""; 0]);
}

#[test]
fn every_fuzz_target_is_listed_with_its_seeds() {
    let found = security::fuzz_targets(&root());
    assert!(!found.is_empty());
    assert_eq!(security::check_fuzz_targets(&proofs(), &found), [""; 0]);
}

#[test]
fn bad_row_is_found() {
    let table = "| # | case | outcome | shown | tests |\n|---|---|---|---|---|\n\
        | 1 | a | 400 | sockets | `a.rs::b` |\n\
        | 2 | a | 400 | sockets | somewhere |\n\
        | 2 | a | 400 | surely | `a.rs::b` |\n\
        | 4 | a | 400 | no feature | |\n\
        | 5 | a | 400 |\n";
    assert_eq!(
        security::check_rows(table, 6),
        [
            "row 2: \"sockets\" without a test",
            "row 2: \"surely\" is no standing",
            "row 5: 3 cells, not 5",
            "the rows are [1, 2, 2, 4, 5], not 1 to 6",
        ]
    );
}

#[test]
fn test_that_does_not_exist_is_found() {
    let source = "#[test]\nfn plain() {}\n#[tokio::test(start_paused = true)]\n/// Doc.\n\
        async fn paused() {}\nfn helper() {}\nover_both! {\n    listed\n}\nasync fn listed() {}\n";
    let read = |path: &str| (path == "here.rs").then(|| source.to_owned());
    let text = "`here.rs::plain`, `here.rs::paused` and `here.rs::listed`; not `here.rs::helper`, \
        `here.rs::plai`, `gone.rs::plain`, `here.rs` or `x::y`";
    assert_eq!(
        security::check_citations(text, read),
        [
            "here.rs: no test helper",
            "here.rs: no test plai",
            "gone.rs: no such file",
        ]
    );
}

#[test]
fn fuzz_target_that_is_not_listed_is_found() {
    let table = "| `crates/a/fuzz one` | heads | 3 |\n| `crates/a/fuzz two` | lines | 2 |\n\
        | `crates/a/fuzz gone` | lines | 1 |\n| `other` | lines | 1 |\n";
    let found = [("one", 3), ("two", 4), ("three", 1)]
        .map(|(target, seeds)| (format!("crates/a/fuzz {target}"), seeds));
    assert_eq!(
        security::check_fuzz_targets(table, &BTreeMap::from(found)),
        [
            "crates/a/fuzz three: not in the table",
            "crates/a/fuzz two: 4 seeds, not 2",
            "crates/a/fuzz gone: no such target",
        ]
    );
}
