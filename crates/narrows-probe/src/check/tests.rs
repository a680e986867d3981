//! Reports are made from JSON: what is judged here is what a saved run says, not how it came about.

use serde_json::json;

use super::reading::read;
use super::*;

/// A report about a target over a path, with this verdict, party and warnings.
pub(crate) fn tested(target: &str, path: &str, id: &str, party: &str, warnings: &[&str]) -> Tested {
    let (step, hop) = match id.split('.').next() {
        Some("proxy") if id.contains("connect") => ("connect", "proxy"),
        Some("proxy") => ("proxy_connect", "proxy"),
        Some("dns") => ("resolve", "target"),
        Some("cert") => ("certificate", "target"),
        _ => ("tls", "target"),
    };
    let warnings: Vec<_> = warnings
        .iter()
        .map(
            |id| json!({ "id": id, "party": "firewall", "certainty": "likely", "sentence": "odd" }),
        )
        .collect();
    let report = json!({
        "target": target,
        "path": path,
        "verdict": {
            "id": id, "because": null, "step": step, "hop": hop, "party": party,
            "certainty": "likely", "sentence": "it went so",
        },
        "steps": [], "warnings": warnings, "experiments": [], "addresses": [], "elapsed_ms": 5.0,
    });
    Tested::new("named", serde_json::from_value(report).unwrap())
}

pub(crate) fn run(results: Vec<Tested>) -> Run {
    let mut paths: Vec<String> = results.iter().map(|one| one.report.path.clone()).collect();
    paths.dedup();
    let mut run = Run {
        schema_version: SCHEMA,
        started: 0,
        elapsed_ms: 5,
        paths,
        findings: findings::find(&results),
        results,
        not_tested: Vec::new(),
    };
    run.sort();
    run
}

fn good(target: &str) -> Tested {
    tested(target, "direct", "reachable", "nobody", &[])
}

fn bad(target: &str) -> Tested {
    tested(
        target,
        "direct",
        "tls.reset_after_client_hello",
        "firewall",
        &[],
    )
}

#[test]
fn the_exit_code_is_of_the_worst_that_was_found() {
    let warned = || {
        tested(
            "w.example:443",
            "direct",
            "reachable",
            "nobody",
            &["cert.intercepted"],
        )
    };
    let local = || {
        tested(
            "l.example:443",
            "direct",
            "tcp.local_denied",
            "this host",
            &[],
        )
    };
    let hop = || {
        tested(
            "h.example:443",
            "proxy=p:1",
            "proxy.connect_refused",
            "proxy",
            &[],
        )
    };
    let denied = || tested("d.example:443", "proxy=p:1", "proxy.denied", "proxy", &[]);
    for (results, unreachable, warning, never) in [
        (
            vec![good("a.example:443")],
            Exit::Clean,
            Exit::Clean,
            Exit::Clean,
        ),
        (vec![warned()], Exit::Warnings, Exit::Failure, Exit::Clean),
        (
            vec![warned(), bad("b.example:443")],
            Exit::Failure,
            Exit::Failure,
            Exit::Clean,
        ),
        (vec![denied()], Exit::Failure, Exit::Failure, Exit::Clean),
        (
            vec![local(), hop()],
            Exit::Nothing,
            Exit::Nothing,
            Exit::Nothing,
        ),
        (
            vec![local(), good("a.example:443")],
            Exit::Failure,
            Exit::Failure,
            Exit::Clean,
        ),
        (vec![], Exit::Nothing, Exit::Nothing, Exit::Nothing),
    ] {
        let run = run(results);
        assert_eq!(
            run.exit(FailOn::Unreachable),
            unreachable,
            "{:?}",
            run.counts()
        );
        assert_eq!(run.exit(FailOn::Warning), warning, "{:?}", run.counts());
        assert_eq!(run.exit(FailOn::Never), never, "{:?}", run.counts());
    }
}

#[test]
fn failures_come_first_and_keep_their_order() {
    let warned = tested(
        "w.example:443",
        "direct",
        "reachable",
        "nobody",
        &["cert.expiring"],
    );
    let run = run(vec![
        good("a.example:443"),
        bad("z.example:443"),
        warned,
        bad("b.example:443"),
    ]);
    let names: Vec<_> = run
        .results
        .iter()
        .map(|one| one.report.target.to_string())
        .collect();
    assert_eq!(
        names,
        [
            "z.example:443",
            "b.example:443",
            "w.example:443",
            "a.example:443"
        ]
    );
    let counts = run.counts();
    assert_eq!((counts.ok, counts.warned, counts.failed), (1, 1, 2));
}

#[test]
fn several_paths_are_read_together() {
    let over = |path: &str, id: &str| tested("a.example:443", path, id, "proxy", &[]);
    let proxy = "proxy=p.example:3128";
    let gateway = "gateway=g.example:443";
    let cases: [(Vec<Tested>, Option<&str>); 8] = [
        (
            vec![over("direct", "reachable"), over(proxy, "reachable")],
            None,
        ),
        (vec![over("direct", "tls.reset_after_client_hello")], None),
        (
            vec![
                over("direct", "tls.closed_after_client_hello"),
                over(proxy, "reachable"),
            ],
            Some("the direct way is filtered"),
        ),
        (
            vec![over("direct", "reachable"), over(proxy, "proxy.denied")],
            Some("the list of proxy=p.example:3128 lacks this name; direct reaches it"),
        ),
        (
            vec![over(proxy, "reachable"), over(gateway, "proxy.denied")],
            Some("the gateway does not carry this name: it must be open by proxy=p.example:3128"),
        ),
        (
            vec![
                over("direct", "reachable"),
                tested(
                    "a.example:443",
                    proxy,
                    "reachable",
                    "nobody",
                    &["cert.intercepted"],
                ),
            ],
            Some("TLS is opened by a device on the path proxy=p.example:3128"),
        ),
        (
            vec![over("direct", "cert.expired"), over(proxy, "cert.expired")],
            Some("every path fails alike (cert.expired)"),
        ),
        (
            vec![over("direct", "tcp.timeout"), over(proxy, "proxy.denied")],
            Some("every path fails, each in its own way"),
        ),
    ];
    for (results, expected) in cases {
        let results: Vec<_> = results.iter().collect();
        let said = read(&results);
        match expected {
            None => assert_eq!(said, None),
            Some(expected) => assert!(
                said.as_ref().is_some_and(|said| said.contains(expected)),
                "{said:?}"
            ),
        }
    }
}

#[test]
fn changes_are_said_the_worst_first() {
    let before = run(vec![
        good("a.example:443"),
        bad("b.example:443"),
        good("c.example:443"),
        good("d.example:443"),
    ]);
    let after = run(vec![
        bad("a.example:443"),
        good("b.example:443"),
        tested(
            "c.example:443",
            "direct",
            "reachable",
            "nobody",
            &["cert.expiring"],
        ),
        good("e.example:443"),
    ]);
    let changes = diff::changes(&before, &after);
    assert_eq!(
        changes,
        [
            "a.example:443: was reachable, now tls.reset_after_client_hello: it went so",
            "c.example:443: warning: cert.expiring",
            "e.example:443: new, reachable",
            "d.example:443: not tested any more",
            "b.example:443: was tls.reset_after_client_hello, now reachable",
        ]
    );
    assert_eq!(diff::changes(&after, &after), [""; 0]);
}

#[test]
fn what_failures_have_in_common_is_said() {
    let mut results: Vec<_> = (1..=3)
        .map(|at| bad(&format!("g{at}-prod.servicebus.windows.net:443")))
        .collect();
    results.extend((1..=3).map(|at| good(&format!("login{at}.example:443"))));
    let found = findings::find(&results);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("servicebus.windows.net"), "{found:?}");
    assert!(found[0].contains("(who likely: "), "{found:?}");
    assert_eq!(findings::find(&results[3..]), [""; 0]);
}

#[test]
fn a_saved_run_comes_back() {
    let run = run(vec![good("a.example:443"), bad("b.example:443")]);
    let text = serde_json::to_string(&run).unwrap();
    let back: Run = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), text);
}
