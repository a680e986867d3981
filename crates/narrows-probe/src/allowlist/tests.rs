use super::*;
use crate::selection::{SelectArgs, read_target};

fn document(region: &str, features: &str, gateway: Option<&str>) -> Document {
    let args = SelectArgs {
        region: Some(region.to_owned()),
        features: features.split(',').map(str::to_owned).collect(),
        ..SelectArgs::default()
    };
    let gateway = gateway.map(|gateway| read_target(gateway).unwrap());
    let openings = args
        .resolve()
        .unwrap()
        .openings(gateway.as_ref(), false)
        .unwrap();
    Document::new(vec!["about".into()], openings.open)
}

fn full() -> Document {
    document("japaneast", "servers", None)
}

#[test]
fn expressions_mean_what_the_patterns_mean() {
    assert_eq!(
        regular_expression("*.his.arc.azure.com"),
        r"^([^.]+\.)+his\.arc\.azure\.com$"
    );
    assert_eq!(
        regular_expression("azgn*.servicebus.windows.net"),
        r"^azgn[^.]*\.servicebus\.windows\.net$"
    );
    assert_eq!(regular_expression("aka.ms"), r"^aka\.ms$");
}

#[test]
fn names_stand_alone() {
    let written = document("japaneast", "servers", Some("gw.example")).write(Format::Names);
    assert_eq!(written.text.lines().count(), 8);
    assert_eq!(written.text.lines().next(), Some("gw.example"));
    assert_eq!(full().write(Format::Names).text.lines().count(), 18);
}

#[test]
fn people_get_purposes_conditions_and_pages_within_100_columns() {
    let text = full().write(Format::Text).text;
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    let line = text
        .lines()
        .find(|line| line.starts_with("www.microsoft.com"));
    assert!(line.unwrap().contains("80,443"), "{text}");
    assert!(text.contains("[1] https://"), "{text}");
}

#[test]
fn csv_has_a_line_for_each_port() {
    let text = full().write(Format::Csv).text;
    assert_eq!(
        text.lines().count(),
        20,
        "a header, and www.microsoft.com has two ports: {text}"
    );
    assert!(
        text.lines()
            .any(|line| line.starts_with("www.microsoft.com,80,tcp,servers,"))
    );
}

#[test]
fn azure_firewall_gets_target_fqdns_and_no_inspection() {
    let written = full().write(Format::AzureFirewall);
    let collection: serde_json::Value = serde_json::from_str(&written.text).unwrap();
    let rules = collection["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 2, "one for each port");
    assert_eq!(rules[0]["protocols"][0]["protocolType"], "Http");
    assert_eq!(rules[0]["targetFqdns"][0], "www.microsoft.com");
    assert_eq!(rules[1]["terminateTLS"], false);
    let fqdns = rules[1]["targetFqdns"].as_array().unwrap();
    assert!(fqdns.iter().any(|name| name == "*.servicebus.windows.net"));
    // It knows no star inside a label: that it is wider is said, not hidden.
    assert!(
        fqdns
            .iter()
            .all(|name| !name.as_str().unwrap()[1..].contains('*'))
    );
    assert_eq!(written.warnings.len(), 1);
    assert!(
        written.warnings[0].contains("azgn*.servicebus.windows.net"),
        "{written:?}"
    );
}

#[test]
fn bicep_quotes_its_strings() {
    let mut document = full();
    document.about = vec!["it's ${5}".into()];
    let text = document.write(Format::Bicep).text;
    assert!(text.contains(r"it\'s \${5}'"), "{text}");
    assert!(
        text.contains("              '*.his.arc.azure.com'\n"),
        "{text}"
    );
    let count = |sign| text.matches(sign).count();
    assert_eq!((count('{'), count('[')), (count('}'), count(']')));
}

#[test]
fn nftables_leaves_names_to_dnsmasq() {
    let written = full().write(Format::Nftables);
    assert!(
        written.text.contains(
            "#   nftset=/*.his.arc.azure.com/4#inet#narrows#tcp_443_v4,6#inet#narrows#tcp_443_v6\n"
        ),
        "{}",
        written.text
    );
    assert!(
        written
            .text
            .contains("ip6 daddr @tcp_80_v6 tcp dport 80 accept")
    );
    assert_eq!(written.warnings.len(), 1, "{:?}", written.warnings);
}

#[test]
fn what_is_not_tcp_is_left_out_loudly() {
    let written = document("japaneast", "azure-local", None).write(Format::Squid);
    assert!(
        written
            .warnings
            .iter()
            .any(|line| line.contains("udp port 123")),
        "{written:?}"
    );
}

#[test]
fn the_same_list_is_the_same_text() {
    for format in Format::value_variants() {
        assert_eq!(full().write(*format), full().write(*format));
        assert!(full().write(*format).text.ends_with('\n'));
    }
}
