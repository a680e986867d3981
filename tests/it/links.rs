//! No document leads to a file, a heading or a script that is not there, and the check of that can fail.

use std::fs;

use narrows_tests::links::check_links;
use narrows_tests::workspace::root;

/// What is at this path of the workspace; of a directory, nothing.
fn read(path: &str) -> Option<String> {
    let path = root().join(path);
    if path.is_dir() {
        return Some(String::new());
    }
    // A picture is there too, and is no text.
    fs::read(path)
        .ok()
        .map(|octets| String::from_utf8_lossy(&octets).into_owned())
}

#[test]
fn documents_lead_to_what_is_there() {
    let mut documents: Vec<String> = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "crates/README.md",
    ]
    .map(str::to_owned)
    .into();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            documents.push(format!("docs/{name}"));
        }
    }
    assert!(documents.contains(&"docs/proof.md".to_owned()));
    for path in documents {
        let document = read(&path).unwrap();
        assert_eq!(check_links(&path, &document, read), [""; 0]);
    }
}

#[test]
fn link_that_leads_nowhere_is_found() {
    let read = |path: &str| match path {
        "docs/one.md" => Some("# One\n".to_owned()),
        "docs/two.md" => Some("## What `it` is, and why\n```\n# no heading\n```\n".to_owned()),
        "scripts/here.sh" | "tests" => Some(String::new()),
        _ => None,
    };
    let document = "[a](#one), [b](#two), [c](two.md#what-it-is-and-why), [d](two.md#no-heading),\n\
        [e](three.md), [f](../tests), [g](../README.md), [h](https://example.com/x).\n\
        ```\n[i](four.md)\n$ scripts/here.sh --long\n$ bash scripts/gone.sh\n```\n`scripts/away.sh`.\n";
    assert_eq!(
        check_links("docs/one.md", document, read),
        [
            "docs/one.md: #two: no such heading in docs/one.md",
            "docs/one.md: two.md#no-heading: no such heading in docs/two.md",
            "docs/one.md: three.md: there is no docs/three.md",
            "docs/one.md: ../README.md: there is no README.md",
            "docs/one.md: there is no scripts/gone.sh",
            "docs/one.md: there is no scripts/away.sh",
        ]
    );
}
