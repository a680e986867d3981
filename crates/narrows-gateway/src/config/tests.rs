use narrows_service::problem::Problems;

use super::*;

fn problems(text: &str) -> Vec<String> {
    let problems = match Loaded::parse("gateway.toml", text) {
        Ok(loaded) => Problems::sorted(loaded.problems),
        Err(problems) => problems,
    };
    problems.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn check(text: &str, want: &str) {
    let found = problems(text);
    assert_eq!(found.len(), 1, "{text:?}: {found:#?}");
    assert!(found[0].contains(want), "{want:?} not in\n{}", found[0]);
}

#[test]
fn faults_have_line_and_advice() {
    check(
        "\nlisen = []",
        "gateway.toml:2: unknown key \"lisen\" (did you mean \"listen\"?)",
    );
    check("[tls]\ncertificat = \"a\"", "did you mean \"certificate\"?");
    check(
        "[limits]\nconnections = 0",
        "gateway.toml:2: limits.connections",
    );
    check("own.addresses = [\"127.1\"]", "127.1");
    check("domain = \"a b\"", "gateway.toml:1: domain");
    check("listen = 3\n", "listen");
    assert_eq!(problems("a = 1\nb = 2").len(), 2);
    assert_eq!(problems("a =").len(), 1);
}

#[test]
fn every_key_takes_its_example_and_stands_in_the_reference() {
    let readme = include_str!("../../README.md");
    for key in KEYS.0 {
        let line = key.line();
        assert_eq!(problems(&line), [""; 0], "{line}");
        let row = format!("| `{}` | `{}` |", key.path, key.example);
        assert!(readme.contains(&row), "{row} is not in the README");
        assert!(
            readme.contains(key.doc),
            "{} is not in the README",
            key.path
        );
    }
}
