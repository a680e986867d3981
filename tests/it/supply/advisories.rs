//! No locked crate has a known fault, and the check that says so can fail.

use std::collections::BTreeSet;
use std::fs;

use narrows_tests::supply::advisories::{Advisories, Locked, ignored, locked};
use narrows_tests::workspace::root;

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[test]
fn no_locked_crate_has_a_known_fault() {
    let copy = Advisories::load(&root().join("tests/advisories"));
    let deny = fs::read_to_string(root().join("deny.toml")).unwrap();
    assert_eq!(copy.check(&locked(), &ignored(&deny)), [""; 0]);
}

#[test]
fn versions_with_a_known_fault_are_found() {
    let faulty = made_up(
        "RUSTSEC-2030-0001",
        "",
        "patched = [\">= 1.2.3\", \">= 1.1.5, < 1.2.0\"]\nunaffected = [\"< 1.0.0\"]",
    );
    let copy = Advisories::from_texts(&[&faulty], &["leaky"]).unwrap();
    let verdicts = |version| copy.check(&one("leaky", version), &[]);
    for safe in ["0.9.9", "1.1.5", "1.1.9", "1.2.3", "2.0.0"] {
        assert_eq!(verdicts(safe), [""; 0], "{safe}");
    }
    for affected in ["1.0.0", "1.1.4", "1.2.0", "1.2.2", "1.2.3-rc.1"] {
        let advice = "RUSTSEC-2030-0001, mended in >=1.2.3 or >=1.1.5, <1.2.0";
        assert_eq!(verdicts(affected), [format!("leaky {affected}: {advice}")]);
    }
}

#[test]
fn a_fault_that_nobody_mends_is_told_unless_it_is_ignored() {
    let faulty = made_up(
        "RUSTSEC-2030-0002",
        "informational = \"unmaintained\"",
        "patched = []",
    );
    let copy = Advisories::from_texts(&[&faulty], &["leaky"]).unwrap();
    let found = copy.check(&one("leaky", "1.0.0"), &[]);
    assert_eq!(
        found,
        ["leaky 1.0.0: RUSTSEC-2030-0002, no version mends it"]
    );

    let excuse = ignored("[advisories]\nignore = [{ id = \"RUSTSEC-2030-0002\", reason = \"x\" }]");
    assert_eq!(copy.check(&one("leaky", "1.0.0"), &excuse), [""; 0]);
    let idle = copy.check(&one("other", "1.0.0"), &excuse);
    assert_eq!(
        idle,
        ["RUSTSEC-2030-0002: ignored in deny.toml, and concerns nothing"]
    );
}

#[test]
fn withdrawn_advisories_and_our_own_crates_do_not_count() {
    let withdrawn = made_up(
        "RUSTSEC-2030-0003",
        "withdrawn = \"2030-01-02\"",
        "patched = []",
    );
    let copy = Advisories::from_texts(&[&withdrawn], &["leaky"]).unwrap();
    assert_eq!(copy.check(&one("leaky", "1.0.0"), &[]), [""; 0]);

    let namesake = made_up("RUSTSEC-2030-0004", "", "patched = []");
    let copy = Advisories::from_texts(&[&namesake], &["leaky"]).unwrap();
    let mut ours = one("leaky", "1.0.0").pop_first().unwrap();
    ours.source = None;
    assert_eq!(copy.check(&BTreeSet::from([ours]), &[]), [""; 0]);
}

#[test]
fn a_crate_that_came_after_the_copy_is_told() {
    let copy = Advisories::from_texts(&[], &["leaky"]).unwrap();
    assert_eq!(copy.check(&one("spotless", "1.0.0"), &[]), [""; 0]);
    let found = copy.check(&one("leaky", "1.0.0"), &[]);
    assert_eq!(
        found,
        ["leaky: its advisories are not in the copy; run scripts/advisories.sh --from GITDIR"]
    );
}

#[test]
fn what_is_no_advisory_is_said() {
    let error = Advisories::from_texts(&["# No front matter\n"], &[]).unwrap_err();
    assert_eq!(error, "no TOML between ``` at its top");
}

/// An advisory for the crate `leaky`.
fn made_up(id: &str, more: &str, versions: &str) -> String {
    format!(
        "```toml\n[advisory]\nid = \"{id}\"\npackage = \"leaky\"\ndate = \"2030-01-01\"\n{more}\n\n\
         [versions]\n{versions}\n```\n\n# It leaks\n"
    )
}

fn one(name: &str, version: &str) -> BTreeSet<Locked> {
    BTreeSet::from([Locked {
        name: name.to_owned(),
        version: version.parse().unwrap(),
        source: Some(CRATES_IO.to_owned()),
    }])
}
