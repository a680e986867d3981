use super::*;
use crate::cli;
use crate::rules::rule_set;

fn explain_all(args: &[&str], rows: &[(&str, &str, &str, &str, &str)]) {
    let mut line = vec!["narrows-proxy"];
    line.extend(args);
    let (cli, origins) = cli::parse(line).unwrap();
    let settings = Settings::resolve(&cli.options, &origins, |_| None).unwrap();
    let rules = rule_set(&settings).unwrap();
    for (target, route, rule, source, served_by) in rows {
        let found = explain(&rules, &settings, &read_target(target).unwrap());
        let found = (
            found.route,
            found.rule.as_deref().unwrap_or("-"),
            found.source.as_str(),
            found.served_by,
        );
        assert_eq!(
            found,
            (*route, *rule, *source, *served_by),
            "{target} {args:?}"
        );
    }
}

const NEVER: &str = "catalogue group never-gateway, 2026-02-17";
const CARRIED: &str = "catalogue group arc-gateway-carried, 2026-02-17";

#[test]
fn without_configuration() {
    explain_all(
        &[],
        &[
            (
                "gbl.his.arc.azure.com",
                "direct",
                "gbl.his.arc.azure.com",
                NEVER,
                "direct",
            ),
            (
                "GBL.His.Arc.Azure.com.",
                "direct",
                "gbl.his.arc.azure.com",
                NEVER,
                "direct",
            ),
            (
                "management.azure.com",
                "direct",
                "management.azure.com",
                NEVER,
                "direct",
            ),
            (
                "login.microsoftonline.com",
                "direct",
                "login.microsoftonline.com",
                NEVER,
                "direct",
            ),
            (
                "westeurope.login.microsoft.com",
                "direct",
                "*.login.microsoft.com",
                NEVER,
                "direct",
            ),
            (
                "je.his.arc.azure.com",
                "gateway",
                "*.his.arc.azure.com:443",
                CARRIED,
                "direct",
            ),
            (
                "a.b.his.arc.azure.com",
                "gateway",
                "*.his.arc.azure.com:443",
                CARRIED,
                "direct",
            ),
            ("his.arc.azure.com", "direct", "-", "built in", "direct"),
            (
                "azgn1.servicebus.windows.net",
                "gateway",
                "azgn*.servicebus.windows.net:443",
                CARRIED,
                "direct",
            ),
            // Not the star inside a label, which ends at a dot, but the suffix that the list has too.
            (
                "azgn1.evil.servicebus.windows.net",
                "gateway",
                "*.servicebus.windows.net:443",
                CARRIED,
                "direct",
            ),
            (
                "san-af-weu-prod.azurewebsites.net",
                "gateway",
                "san-af-*-prod.azurewebsites.net:443",
                CARRIED,
                "direct",
            ),
            (
                "san-af-weu.x-prod.azurewebsites.net",
                "direct",
                "-",
                "built in",
                "direct",
            ),
            (
                "we.obo.arc.azure.com:8084",
                "gateway",
                "*.obo.arc.azure.com:8084",
                CARRIED,
                "direct",
            ),
            (
                "we.obo.arc.azure.com:8085",
                "direct",
                "-",
                "built in",
                "direct",
            ),
            (
                "www.microsoft.com:80",
                "gateway",
                "www.microsoft.com:80",
                CARRIED,
                "direct",
            ),
            (
                "www.microsoft.com",
                "gateway",
                "www.microsoft.com:443",
                CARRIED,
                "direct",
            ),
            (
                "account.blob.core.windows.net",
                "gateway",
                "*.blob.core.windows.net:443",
                CARRIED,
                "direct",
            ),
            ("aka.ms", "gateway", "aka.ms:443", CARRIED, "direct"),
            ("aka.ms.evil.example", "direct", "-", "built in", "direct"),
            ("evilhis.arc.azure.com", "direct", "-", "built in", "direct"),
            ("bücher.example", "direct", "-", "built in", "direct"),
            ("192.0.2.1:8443", "direct", "-", "built in", "direct"),
            ("[2001:db8::1]", "direct", "-", "built in", "direct"),
        ],
    );
}

#[test]
fn with_an_upstream() {
    explain_all(
        &["--proxy", "http://proxy.example:3128"],
        &[
            (
                "gbl.his.arc.azure.com",
                "proxy",
                "gbl.his.arc.azure.com",
                NEVER,
                "proxy",
            ),
            (
                "je.his.arc.azure.com",
                "gateway",
                "*.his.arc.azure.com:443",
                CARRIED,
                "proxy",
            ),
            ("example.com", "proxy", "-", "built in", "proxy"),
        ],
    );
}

#[test]
fn with_a_bypass() {
    let by = "argument --bypass";
    explain_all(
        &[
            "--proxy",
            "http://proxy.example:3128",
            "--bypass",
            "ARM,Arc,*.corp.example,10.0.0.0/8",
        ],
        &[
            (
                "management.azure.com",
                "direct",
                "management.azure.com",
                by,
                "direct",
            ),
            (
                "gbl.his.arc.azure.com",
                "direct",
                "*.his.arc.azure.com",
                by,
                "direct",
            ),
            (
                "je.his.arc.azure.com",
                "direct",
                "*.his.arc.azure.com",
                by,
                "direct",
            ),
            (
                "login.microsoftonline.com",
                "proxy",
                "login.microsoftonline.com",
                NEVER,
                "proxy",
            ),
            ("a.corp.example", "direct", "*.corp.example", by, "direct"),
            ("10.9.9.9", "direct", "10.0.0.0/8", by, "direct"),
            ("11.9.9.9", "proxy", "-", "built in", "proxy"),
        ],
    );
}

#[test]
fn with_a_gateway() {
    let gateway = &["--gateway", "https://gw.example:8443"];
    let rows = &[
        (
            "je.his.arc.azure.com",
            "gateway",
            "*.his.arc.azure.com:443",
            CARRIED,
            "gateway",
        ),
        (
            "gw.example:8443",
            "direct",
            "gw.example:8443",
            "argument --gateway",
            "direct",
        ),
        ("example.com", "direct", "-", "built in", "direct"),
    ];
    explain_all(gateway, rows);
    for (proxy, upstream) in [
        (&[][..], ""),
        (
            &["--proxy", "http://u:secret@proxy.example:3128"],
            "upstream:  http://***@proxy.example:3128 (argument --proxy)\n",
        ),
    ] {
        let args = ["narrows-proxy"].iter().chain(gateway).chain(proxy);
        let (cli, origins) = cli::parse(args).unwrap();
        let settings = Settings::resolve(&cli.options, &origins, |_| None).unwrap();
        let rules = rule_set(&settings).unwrap();
        let target = read_target("je.his.arc.azure.com").unwrap();
        let text = report(&rules, &settings, &[target], Format::Text);
        let expected = format!(
            "(catalogue group arc-gateway-carried, 2026-02-17)\nsource:    {CARRIED}\ngateway:   gw.example:8443 (argument --gateway)\n{upstream}"
        );
        assert!(text.ends_with(&expected), "{text}");
    }
}

#[test]
fn text_and_json() {
    let (cli, origins) = cli::parse([
        "narrows-proxy",
        "--proxy",
        "http://u:secret@proxy.example:3128",
    ])
    .unwrap();
    let settings = Settings::resolve(&cli.options, &origins, |_| None).unwrap();
    let rules = rule_set(&settings).unwrap();
    let targets = [
        read_target("je.his.arc.azure.com").unwrap(),
        read_target("example.com:8443").unwrap(),
    ];
    let text = report(&rules, &settings, &targets, Format::Text);
    assert_eq!(
        text,
        "\
target:    je.his.arc.azure.com:443
route:     gateway
rule:      *.his.arc.azure.com:443
reason:    carried by the gateway: matches *.his.arc.azure.com:443 (catalogue group arc-gateway-carried, 2026-02-17)
source:    catalogue group arc-gateway-carried, 2026-02-17
served by: proxy (no gateway is configured)
upstream:  http://***@proxy.example:3128 (argument --proxy)

target:    example.com:8443
route:     proxy
rule:      none matches
reason:    default route: no rule matches
source:    built in
upstream:  http://***@proxy.example:3128 (argument --proxy)
"
    );
    let json = report(&rules, &settings, &targets, Format::Json);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["served_by"], "proxy");
    assert_eq!(json[0]["fallback"], "no gateway is configured");
    assert_eq!(json[1]["rule"], serde_json::Value::Null);
    assert_eq!(json.as_array().unwrap().len(), 2);
}

#[test]
fn targets_as_people_write_them() {
    for (text, target) in [
        ("example.com", "example.com:443"),
        ("Example.com.:80", "example.com:80"),
        ("bücher.example:80", "xn--bcher-kva.example:80"),
        ("[::1]", "[::1]:443"),
        ("2001:db8::1", "[2001:db8::1]:443"),
    ] {
        assert_eq!(read_target(text).unwrap().to_string(), target);
    }
    for text in [
        "",
        ":443",
        "example.com:",
        "example.com:0",
        "a..b",
        "https://example.com",
        "127.1",
        "bücher.example:x",
    ] {
        assert!(read_target(text).is_err(), "{text}");
    }
}
