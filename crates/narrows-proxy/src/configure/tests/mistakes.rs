//! Mistakes that people make, a row each: line, what is wrong, and what to write instead.

use super::*;

/// A file, the line at fault, words of the message, words of what to write instead.
type Row = (&'static str, u32, &'static str, &'static str);

/// Where the message itself says what to write.
const SAME: &str = "";

const ROWS: &[Row] = &[
    // Keys.
    (
        "lisen = []",
        1,
        "unknown key \"lisen\"",
        "did you mean \"listen\"?",
    ),
    (
        "\n[prox]\nurl = \"http://p:1\"",
        2,
        "unknown key \"prox\"",
        "did you mean \"proxy\"?",
    ),
    (
        "[gateway]\nfalback = \"none\"",
        2,
        "unknown key \"falback\" in [gateway]",
        "did you mean \"fallback\"?",
    ),
    (
        "fallback = \"none\"",
        1,
        "unknown key \"fallback\"",
        "did you mean \"gateway.fallback\"?",
    ),
    (
        "[proxy]\nlisten = []",
        2,
        "unknown key \"listen\" in [proxy]",
        "before the first section",
    ),
    (
        "frobnicate = 1",
        1,
        "unknown key \"frobnicate\"",
        "known here: listen, clients",
    ),
    // Not TOML.
    ("[proxy\nurl = \"x\"", 1, "not TOML: ", SAME),
    (
        "drain.seconds = 1\ndrain.seconds = 2",
        2,
        "not TOML: duplicate key",
        SAME,
    ),
    ("proxy.url = http://p:1", 1, "not TOML: ", SAME),
    // Wrong kinds.
    (
        "limits.tunnels = \"many\"",
        1,
        "limits.tunnels: invalid type: string \"many\"",
        "tunnels = 8192",
    ),
    (
        "[limits]\n\ntunnels = 0",
        3,
        "limits.tunnels: ",
        "a whole number from 1 to",
    ),
    (
        "listen = \"127.0.0.1:1\"",
        1,
        "listen: invalid type: string",
        "listen = [\"127.0.0.1:40343\"]",
    ),
    (
        "listen = [\"127.0.0.1:1\",\n\"localhost\"]",
        2,
        "listen: \"localhost\": ",
        "listen = [\"127",
    ),
    (
        "drain.seconds = \"30s\"",
        1,
        "drain.seconds: invalid type",
        "seconds = 30",
    ),
    (
        "rules.default = \"gateway\"",
        1,
        "rules.default: unknown variant `gateway`",
        "default = \"deny\"",
    ),
    (
        "rules.catalogue = \"no\"",
        1,
        "rules.catalogue: invalid type",
        "catalogue = false",
    ),
    (
        "log = \"x.log\"",
        1,
        "log: invalid type: string \"x.log\"",
        SAME,
    ),
    // Rules.
    (
        "rules.deny = [\"*\"]",
        1,
        "rules.deny: pattern \"*\"",
        "default",
    ),
    (
        "rules.deny = [\n\"*.com\"]",
        2,
        "rules.deny: pattern \"*.com\"",
        SAME,
    ),
    (
        "rules.bypass = [\"*corp.example\"]",
        1,
        "rules.bypass: pattern",
        "*.corp.example",
    ),
    (
        "rules.bypass = [\"10.1.2.3/8\"]",
        1,
        "rules.bypass: pattern",
        "10.0.0.0/8",
    ),
    (
        "rules.deny = [\"https://a.example/\"]",
        1,
        "rules.deny: pattern",
        "a.example",
    ),
    (
        "rules.deny = [\"a.example\",\n\"b.example\",\n\"A.example.\"]",
        3,
        "rules.deny: \"a.example\" stands at proxy.toml:1 already",
        "take one of them out",
    ),
    (
        "proxy.bypass = [\"Arcc\"]",
        1,
        "proxy.bypass: \"Arcc\" is no bypass keyword",
        "did you mean \"Arc\"?",
    ),
    (
        "rules.default = \"proxy\"",
        1,
        "rules.default is \"proxy\", but there is no upstream proxy",
        "url = \"http://proxy.example.net:3128\"",
    ),
    (
        "rules.catalogue_file = \"/nonexistent\"",
        1,
        "rules.catalogue_file: /nonexistent: No such file",
        SAME,
    ),
    // Who may come.
    (
        "listen = [\"0.0.0.0:1\"]",
        1,
        "0.0.0.0:1 can be reached by other machines",
        "allow = [\"10.0.0.0/8\"] in [clients]",
    ),
    (
        "clients.allow = [\"10.1.2.3/8\"]",
        1,
        "\"10.1.2.3/8\" is not a range",
        "write 10.0.0.0/8",
    ),
    // Parties.
    (
        "proxy.url = \"proxy:3128\"",
        1,
        "the scheme is missing",
        "write http://host:port",
    ),
    (
        "proxy.url = \"http://127.0.0.1:40343\"",
        1,
        "every request would loop",
        "name the enterprise proxy",
    ),
    (
        "[proxy]\nurl = \"http://p:1\"\nuser = \"svc\"",
        3,
        "one of them is missing",
        "write both, or neither",
    ),
    (
        "[proxy]\nurl = \"http://p:1\"\nuser = \"svc\"\npassword_file = \"/nonexistent\"",
        4,
        "proxy.password_file: /nonexistent: No such file",
        SAME,
    ),
    (
        "proxy.user = \"svc\"",
        1,
        "proxy.user belongs to proxy.url, and this file has none",
        "write url = ",
    ),
    (
        "gateway.url = \"gw.example.net\"",
        1,
        "gateway.url: \"gw.example.net\" is not an https URL",
        "write https://gw.example.net",
    ),
    (
        "connection.type = \"gateway\"",
        1,
        "gateway.url is missing",
        "name it in [gateway]",
    ),
    (
        "[gateway]\nurl = \"https://gw.example\"\ntoken_file = \"/\"",
        3,
        "gateway.token_file: /: this is not a regular file",
        SAME,
    ),
    // Tests run in the package's directory: a file without certificates.
    (
        "[gateway]\nurl = \"https://gw.example\"\nca_file = \"Cargo.toml\"",
        3,
        "gateway.ca_file: ",
        "CA certificates in PEM",
    ),
    (
        "[gateway]\nurl = \"https://gw.example\"\nca_file = \"/dev/null\"",
        3,
        "gateway.ca_file: /dev/null: ",
        "this is not a regular file",
    ),
];

#[test]
fn thirty_mistakes_have_their_line_and_a_remedy() {
    assert!(ROWS.len() >= 30);
    for (file, line, message, remedy) in ROWS {
        let house = House::with(file);
        let said = house.refused(&ConfigCommand::Check);
        let first = said.split("error: ").nth(1).unwrap_or_default();
        assert!(
            first.starts_with(&format!("proxy.toml:{line}: ")),
            "{file:?}\n{said}"
        );
        assert_eq!(said.matches("error: ").count(), 1, "{file:?}\n{said}");
        for part in [message, remedy] {
            assert!(said.contains(part), "{file:?}: {part:?} not in\n{said}");
        }
        // And nothing can be set in such a file, that would not mend it.
        house.set("drain.unready_seconds", "1").unwrap_err();
        assert_eq!(house.text(), *file);
    }
}

/// Row 50: a secret that cannot be used is not shown.
#[test]
fn row_50_a_refused_secret_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    fs::write(&token, "Bearer s3cret token\n").unwrap();
    for file in [
        format!("[gateway]\nurl = \"https://gw.example\"\ntoken_file = {token:?}\n"),
        "proxy.url = \"http://svc:s3cret%zz@p:1\"\n".to_owned(),
        "proxy.url = \"http://svc:s3cret@p:0\"\n".to_owned(),
        "gateway.url = \"https://svc:s3cret@gw.example\"\n".to_owned(),
        "proxy.url = [\"http://p:1\", \"http://svc:s3cret@q:0\"]\n".to_owned(),
    ] {
        let house = House::with(&file);
        let said = house.refused(&ConfigCommand::Check);
        assert!(!said.contains("s3cret"), "{said}");
        let (cli, origins) = cli::parse(["x", "--config", house.path().to_str().unwrap()]).unwrap();
        let loaded = crate::config::Loaded::parse("proxy.toml", &file);
        assert!(!format!("{loaded:?}").contains("s3cret"), "{loaded:?}");
        let sources = Sources::new(cli.options, origins, Box::new(|_| None));
        assert!(!format!("{sources:?}").contains("s3cret"));
    }
}
