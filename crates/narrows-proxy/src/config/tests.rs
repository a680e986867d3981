use narrows_service::problem::Problems;

use super::*;

fn problems(text: &str) -> Vec<String> {
    let problems = match Loaded::parse("proxy.toml", text) {
        Ok(loaded) => Problems::sorted(loaded.problems),
        Err(problems) => problems,
    };
    problems.iter().map(ToString::to_string).collect()
}

/// One problem whose text contains every part.
#[track_caller]
fn check(text: &str, parts: &[&str]) {
    let found = problems(text);
    assert_eq!(found.len(), 1, "{text:?}: {found:#?}");
    for part in parts {
        assert!(
            found[0].contains(part),
            "{text:?}: {part:?} not in\n{}",
            found[0]
        );
    }
}

#[test]
fn an_empty_file_is_a_file() {
    let loaded = Loaded::parse("proxy.toml", "").unwrap();
    assert!(loaded.file.listen.is_empty());
}

#[test]
fn unknown_keys_have_line_and_nearest_key() {
    check(
        "\n# a comment\nlisen = [\"127.0.0.1:1\"]\n",
        &["error: proxy.toml:3: unknown key \"lisen\" (did you mean \"listen\"?)"],
    );
    check(
        "[limits]\ntunnel = 3",
        &["proxy.toml:2: unknown key \"tunnel\" in [limits] (did you mean \"tunnels\"?)"],
    );
    check(
        "[limts]\ntunnels = 3",
        &["proxy.toml:1: unknown key \"limts\" (did you mean \"limits\"?)"],
    );
    check(
        "[gateway]\nURL = \"x\"",
        &["unknown key \"URL\" in [gateway] (did you mean \"url\"?)"],
    );
    check(
        "[rules]\nnever-gateway = []",
        &["(did you mean \"never_gateway\"?)"],
    );
    // A key that belongs elsewhere is found there.
    check(
        "fallback = \"direct\"",
        &["unknown key \"fallback\" (did you mean \"gateway.fallback\"?)"],
    );
    check(
        "proxy.urll = \"http://p:1\"",
        &["proxy.toml:1: unknown key \"urll\" in [proxy] (did you mean \"url\"?)"],
    );
    check(
        "[proxy]\nlisten = []",
        &["unknown key \"listen\" in [proxy] (did you mean \"listen\" before the first section?)"],
    );
    check(
        "zzz = 1",
        &["unknown key \"zzz\"\nhint: known here: listen, clients, connection, gateway"],
    );
}

#[test]
fn values_of_the_wrong_kind_have_line_and_example() {
    check(
        "[limits]\n\ntunnels = \"many\"",
        &[
            "proxy.toml:3: limits.tunnels: ",
            "\"many\"",
            "a whole number from 1 to 1000000",
            "hint: write, for example: tunnels = 8192",
        ],
    );
    check(
        "limits.tunnels = 0",
        &["limits.tunnels: ", "`0`", "from 1 to"],
    );
    check("limits.tunnels = -1", &["limits.tunnels: ", "`-1`"]);
    check("limits.head_bytes = 16.5", &["limits.head_bytes: ", "16.5"]);
    check(
        "limits.idle_seconds = 0",
        &["limits.idle_seconds: ", "above 0"],
    );
    check(
        "drain.seconds = 1e99",
        &["drain.seconds: ", "at most 604800"],
    );
    check("drain.seconds = nan", &["drain.seconds: ", "NaN"]);
    check("drain.seconds = \"30s\"", &["drain.seconds: ", "30s"]);
    check(
        "listen = \"127.0.0.1:1\"",
        &[
            "listen: ",
            "127.0.0.1:1",
            "write, for example: listen = [\"127",
        ],
    );
    check(
        "listen = [\n\"127.0.0.1:1\",\n\"localhost\",\n]",
        &["proxy.toml:3: listen: \"localhost\": "],
    );
    check(
        "[rules]\ncatalogue = \"no\"",
        &["proxy.toml:2: rules.catalogue: ", "catalogue = false"],
    );
    check(
        "[rules]\ndefault = \"gateway\"",
        &["proxy.toml:2: rules.default: ", "`gateway`", "`direct`"],
    );
    check(
        "[connection]\ntype = \"Direct\"",
        &["proxy.toml:2: connection.type: ", "`Direct`"],
    );
    check("log = \"x.log\"", &["proxy.toml:1: log: ", "x.log"]);
    check(
        "[[proxy]]\nurl = \"http://p:1\"",
        &["proxy.toml:1: proxy: "],
    );
}

#[test]
fn every_key_is_accepted_with_its_example() {
    for key in KEYS.0 {
        let text = key.line();
        assert_eq!(problems(&text), [""; 0], "{text}");
    }
}

#[test]
fn values_know_their_line() {
    let loaded = Loaded::parse(
        "proxy.toml",
        "[rules]\ndeny = [\n  \"a.example\",\n  \"b.example\",\n]",
    )
    .unwrap();
    let places: Vec<_> = loaded
        .file
        .rules
        .deny
        .iter()
        .map(|text| loaded.source(text).to_string())
        .collect();
    assert_eq!(places, ["proxy.toml:3", "proxy.toml:4"]);
}

#[test]
fn debug_hides_a_password() {
    let loaded = Loaded::parse("proxy.toml", "proxy.url = \"http://u:secret@p:1\"").unwrap();
    assert!(!format!("{loaded:?}").contains("secret"));
}

/// The reference in the README is this table; on failure the message is the table to paste.
#[test]
fn the_readme_lists_every_key() {
    let table: String = KEYS
        .0
        .iter()
        .map(|key| {
            let default = match key.default {
                words if words.contains('`') || words.contains(' ') => words.to_owned(),
                "none" => "none".to_owned(),
                value => format!("`{value}`"),
            };
            format!(
                "| `{}` | `{}` | {default} | {} |\n",
                key.path, key.example, key.doc
            )
        })
        .collect();
    let readme = include_str!("../../README.md");
    assert!(
        readme.contains(&table),
        "the table of keys should be:\n{table}"
    );
}
