use serde::Deserialize;

use super::*;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    listen: Vec<Spanned<Checked<std::net::SocketAddr>>>,
    limits: Limits,
    log: Log,
    proxy: Proxy,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Log {
    sinks: Vec<Sink>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sink {
    keep: Option<Whole<1, 9>>,
    to: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Limits {
    tunnels: Option<Whole<1, 1000>>,
    idle_seconds: Option<Seconds>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Proxy {
    url: Option<String>,
}

impl Schema for File {
    const KEYS: Keys = Keys(&[
        Key::new("listen", r#"["127.0.0.1:1"]"#, "[]", "Where."),
        Key::new("limits.tunnels", "8", "16", "How many."),
        Key::new("limits.idle_seconds", "8.5", "16", "How long."),
        Key::new("log.sinks[].to", r#""x""#, "none", "Where to."),
        Key::new("log.sinks[].keep", "7", "7", "How many."),
        Key::new("proxy.url", r#""http://p:1""#, "none", "Through whom."),
    ]);
}

fn problems(text: &str) -> Vec<String> {
    let problems = match Loaded::<File>::parse("app.toml", text) {
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
fn every_key_is_accepted_with_its_example() {
    for key in File::KEYS.0 {
        let text = key.line();
        assert_eq!(problems(&text), [""; 0], "{text}");
    }
}

#[test]
fn good_values_are_read() {
    let text = "limits.tunnels = 3\nlimits.idle_seconds = 0.5\nproxy.url = \"u\"";
    let file = Loaded::<File>::parse("app.toml", text).unwrap().file;
    assert_eq!(file.limits.tunnels, Some(Whole(3)));
    let half = std::time::Duration::from_millis(500);
    assert_eq!(file.limits.idle_seconds, Some(Seconds(half)));
    assert_eq!(file.proxy.url.as_deref(), Some("u"));
}

#[test]
fn unknown_keys_have_line_and_nearest_key() {
    check(
        "\n# a comment\nlisen = []\n",
        &["error: app.toml:3: unknown key \"lisen\" (did you mean \"listen\"?)"],
    );
    check(
        "[limits]\ntunnel = 3",
        &["app.toml:2: unknown key \"tunnel\" in [limits] (did you mean \"tunnels\"?)"],
    );
    // A key that belongs elsewhere is found there.
    check(
        "tunnels = 3",
        &["unknown key \"tunnels\" (did you mean \"limits.tunnels\"?)"],
    );
    check(
        "[proxy]\nlisten = []",
        &["(did you mean \"listen\" before the first section?)"],
    );
    check("zzz = 1", &["hint: known here: listen, limits, log, proxy"]);
}

#[test]
fn values_of_the_wrong_kind_have_line_and_example() {
    check(
        "[limits]\n\ntunnels = \"many\"",
        &[
            "app.toml:3: limits.tunnels: ",
            "a whole number from 1 to 1000",
            "hint: write, for example: tunnels = 8",
        ],
    );
    check("limits.tunnels = 0", &["limits.tunnels: ", "`0`"]);
    check("limits.idle_seconds = nan", &["limits.idle_seconds: "]);
    check(
        "listen = [\n\"127.0.0.1:1\",\n\"localhost\",\n]",
        &["app.toml:3: listen: \"localhost\": "],
    );
    check("[[proxy]]\nurl = \"u\"", &["app.toml:1: proxy: "]);
}

#[test]
fn lists_of_tables_are_judged_inside() {
    for text in [
        "log.sinks = [{ to = \"a\", keep = 3 }]",
        "[[log.sinks]]\nto = \"a\"\nkeep = 3",
    ] {
        let loaded = Loaded::<File>::parse("app.toml", text).unwrap();
        assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
        let sinks = loaded.file.log.sinks;
        assert_eq!(
            (sinks[0].keep, sinks[0].to.as_deref()),
            (Some(Whole(3)), Some("a"))
        );
    }
    check(
        "[[log.sinks]]\nto = \"a\"\n\n[[log.sinks]]\nkep = 3",
        &["app.toml:5: unknown key \"kep\" in [[log.sinks]] (did you mean \"keep\"?)"],
    );
    check(
        "[[log.sinks]]\nto = \"a\"\n\n[[log.sinks]]\nkeep = 0",
        &[
            "app.toml:5: log.sinks[].keep: ",
            "`0`",
            "write, for example: keep = 7",
        ],
    );
    check(
        "log.sinks = [{ keep = 0 }]",
        &["app.toml:1: log.sinks[].keep: "],
    );
    check("log.sinks = [3]", &["app.toml:1: log.sinks: "]);
    check("log.sinks = \"a\"", &["app.toml:1: log.sinks: "]);
    check(
        "[log]\nsink = 1",
        &["unknown key \"sink\" in [log] (did you mean \"sinks\"?)"],
    );
    check("[log]\nkeep = 1", &["did you mean \"log.sinks[].keep\"?"]);
}

#[test]
fn not_toml_has_a_line() {
    check("[limits]\ntunnels = = 3", &["app.toml:2: not TOML: "]);
    check(
        "[limits]\ntunnels = 3\ntunnels = 4",
        &["app.toml:3: not TOML: "],
    );
}

#[test]
fn everything_is_reported_at_once_in_order() {
    let found = problems("lisen = []\nlisten = [\"a\", \"b\"]\n[limits]\ntunnels = \"many\"\n");
    let lines: Vec<_> = found.iter().map(|problem| &problem[..17]).collect();
    let expected = [1, 2, 2, 4].map(|line| format!("error: app.toml:{line}"));
    assert_eq!(lines, expected, "{found:#?}");
}

/// A list that was pasted as it is: the time for it grows with its length, and what is said of it does not.
#[test]
fn faults_without_number_are_bounded() {
    let unquoted = format!("listen = [\n{}]\n", "one.example,\n".repeat(20_000));
    let found = problems(&unquoted);
    assert_eq!(found.len(), faults::MOST + 1);
    assert!(
        found[0].starts_with("error: app.toml:2: not TOML: "),
        "{}",
        found[0]
    );
    assert_eq!(
        found[faults::MOST],
        "error: app.toml:102: not TOML either, from here on: 19900 lines"
    );

    let numbers = format!("listen = [\n{}]\n", "1,\n".repeat(20_000));
    let found = problems(&numbers);
    assert_eq!(found.len(), faults::MOST + 1);
    assert_eq!(
        found[faults::MOST],
        "error: app.toml:101: 100 values are wrong, and nothing behind them was looked at"
    );
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_a_line(text in "[a-z.=\\[\\]\"0-9 \n#{},-]{0,60}") {
        let found = match Loaded::<File>::parse("f", &text) {
            Ok(loaded) => loaded.problems,
            Err(problems) => problems.iter().cloned().collect(),
        };
        for problem in found {
            let Source::File { line, .. } = &problem.source else { panic!("{problem}") };
            let lines = u32::try_from(text.matches('\n').count()).unwrap() + 1;
            proptest::prop_assert!((1..=lines).contains(line), "{}", problem);
        }
    }
}
