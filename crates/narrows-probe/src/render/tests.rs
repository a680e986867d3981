use narrows_tls_probe::Path;

use super::*;
use crate::check::tests::{run, tested};

/// What a hostile peer may bring into a sentence.
const HOSTILE: &str = "<b>&\"' | `x` \u{1b}[2J\n*";

fn hostile() -> crate::check::Run {
    let mut one = tested(
        "a.example:443",
        "direct",
        "http.block_page",
        "firewall",
        &[],
    );
    one.report.verdict.sentence = HOSTILE.to_owned();
    run(vec![one])
}

#[test]
fn junit_is_well_formed_whatever_a_peer_says() {
    let text = write(&hostile(), &[Path::direct()], Format::Junit, false);
    assert!(
        text.contains("message=\"&lt;b&gt;&amp;&quot;&apos; | `x`  [2J\n*\""),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "{text}");
    assert_eq!(
        text.matches("<testcase ").count(),
        text.matches("</testcase>").count()
    );
}

#[test]
fn markdown_has_no_markup_of_a_peer() {
    let text = write(&hostile(), &[Path::direct()], Format::Markdown, false);
    assert!(text.contains(r"\<b\>&"), "{text}");
    assert!(text.contains(r"\| \`x\`"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn prometheus_has_a_line_for_each_metric() {
    let text = write(&hostile(), &[], Format::Prometheus, false);
    let label = "target=\"a.example:443\",path=\"direct\"";
    assert!(
        text.contains(&format!("probe_success{{{label}}} 0\n")),
        "{text}"
    );
    assert!(
        text.contains(&format!(
            "probe_verdict_info{{{label},step=\"tls\",verdict=\"http.block_page\",party=\"firewall\",certainty=\"likely\"}} 1\n"
        )),
        "{text}"
    );
    for line in text.lines() {
        assert!(
            line.starts_with("# ") || line.starts_with("probe_"),
            "{line}"
        );
    }
}

#[test]
fn a_failing_name_has_three_lines() {
    let one = tested(
        "a.example:443",
        "direct",
        "tls.sni_filtered",
        "firewall",
        &[],
    );
    let text = explain(&one.report, &[Path::direct()]);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert_eq!(lines[0], "a.example:443: it went so [tls.sni_filtered]");
    assert_eq!(
        lines[1],
        "  who likely: a firewall or another device on the way (likely)"
    );
    assert!(lines[2].contains("a.example on TCP 443"), "{text}");
}

#[test]
fn long_names_and_verdicts_fit_100_columns() {
    let names = ["a", &"b".repeat(60)].map(|label| format!("{label}.example:443"));
    let id = "tls.reset_before_server_hello";
    let results = names.map(|name| {
        let mut one = tested(&name, "direct", id, "firewall", &[]);
        one.use_case = "machine-configuration".into();
        one
    });
    let text = write(&run(results.into()), &[], Format::Text, false);
    let table = text.lines().take_while(|line| !line.is_empty());
    for line in table {
        assert!(line.chars().count() <= 100, "{text}");
    }
    assert!(
        text.contains(&format!("{}.example", "b".repeat(60))),
        "{text}"
    );
}
