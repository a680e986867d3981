use super::*;
use crate::cli;

/// What the rules of a file decide about a target: route, level and source line.
fn decide(file: &str, target: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("proxy.toml");
    std::fs::write(&path, file).unwrap();
    let (cli, origins) = cli::parse(["narrows-proxy", "--config", path.to_str().unwrap()]).unwrap();
    let settings = Settings::resolve(&cli.options, &origins, |_| None).unwrap();
    let rules = rule_set(&settings).unwrap();
    let decision = rules.decide(&target.parse().unwrap());
    let source = decision.source.to_string();
    let source = source.rsplit('/').next().unwrap();
    format!("{} {} {source}", decision.route, decision.level)
}

const FILE: &str = r#"
[proxy]
url = "http://proxy.example:3128"
[rules]
deny = ["bad.example"]
never_gateway = ["never.example"]
bypass = ["*.bypass.example", "never.example", "bad.example"]
gateway = [
  "*.carried.example",
  "bad.example",
]
default = "deny"
"#;

#[test]
fn levels_of_the_file() {
    for (target, expected) in [
        ("bad.example:443", "deny deny proxy.toml:5"),
        ("never.example:443", "proxy never proxy.toml:6"),
        ("a.bypass.example:443", "direct bypass proxy.toml:7"),
        ("a.carried.example:443", "gateway carried proxy.toml:9"),
        ("other.example:443", "deny default proxy.toml:12"),
        (
            "gbl.his.arc.azure.com:443",
            "proxy never catalogue group never-gateway, 2026-02-17",
        ),
    ] {
        assert_eq!(decide(FILE, target), expected, "{target}");
    }
}

#[test]
fn without_the_catalogue() {
    let file = "rules.catalogue = false\nproxy.bypass = [\"ARM\"]";
    assert_eq!(
        decide(file, "je.his.arc.azure.com:443"),
        "direct default built in"
    );
    // Its keywords mean the same all the same.
    assert_eq!(
        decide(file, "management.azure.com:443"),
        "direct bypass proxy.toml:2"
    );
}

#[test]
fn without_a_gateway() {
    let file =
        "connection.type = \"direct\"\nrules.gateway = [\"a.example\"]\nproxy.url = \"http://p:1\"";
    assert_eq!(
        decide(file, "je.his.arc.azure.com:443"),
        "proxy default built in"
    );
    assert_eq!(decide(file, "a.example:443"), "proxy default built in");
}

#[test]
fn a_bypass_beats_the_catalogue_but_not_the_operator() {
    let proxy = "proxy.url = \"http://p:1\"\n";
    for (rules, target, expected) in [
        (
            "proxy.bypass = [\"AAD\"]",
            "login.microsoftonline.com:443",
            "direct bypass",
        ),
        (
            "rules.bypass = [\"*.microsoft.com\"]",
            "weu.login.microsoft.com:443",
            "direct bypass",
        ),
        // Less than what the catalogue says: the catalogue stands.
        (
            "rules.bypass = [\"weu.login.microsoft.com\"]",
            "weu.login.microsoft.com:443",
            "proxy never",
        ),
        (
            "rules.bypass = [\"*.example\"]\nrules.never_gateway = [\"a.example\"]",
            "a.example:443",
            "proxy never",
        ),
    ] {
        let decided = decide(&format!("{proxy}{rules}"), target);
        assert!(decided.starts_with(expected), "{rules} {target}: {decided}");
    }
}

#[test]
fn the_gateway_never_goes_by_itself() {
    let file = |rest: &str| {
        format!(
            "gateway.url = \"https://gw.carried.example:8443\"\nrules.gateway = [\"*.carried.example\"]\n{rest}"
        )
    };
    for (rest, target, expected) in [
        ("", "gw.carried.example:8443", "direct never proxy.toml:1"),
        // Another service of that host is another target, as in a trial on one machine.
        ("", "gw.carried.example:443", "gateway carried proxy.toml:2"),
        (
            "",
            "other.carried.example:443",
            "gateway carried proxy.toml:2",
        ),
        (
            "proxy.url = \"http://p:1\"",
            "gw.carried.example:8443",
            "proxy never proxy.toml:1",
        ),
        (
            "proxy.url = \"http://p:1\"\nrules.bypass = [\"gw.carried.example\"]",
            "gw.carried.example:8443",
            "direct bypass proxy.toml:4",
        ),
    ] {
        assert_eq!(decide(&file(rest), target), expected, "{target} {rest}");
    }
    for url in ["https://[2001:db8::1]", "https://192.0.2.1", "https://gw"] {
        let target = format!("{}:443", &url["https://".len()..]);
        let decided = decide(&format!("gateway.url = \"{url}\""), &target);
        assert_eq!(decided, "direct never proxy.toml:1", "{url}");
    }
}
