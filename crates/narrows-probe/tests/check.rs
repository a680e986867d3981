//! `check`, `compare`, `tls` and `explain` from outside: what they print, where, and how they exit.

#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod support;

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use support::doubles::{Doubles, Manner};
use support::{command, probe};
use tempfile::TempDir;

fn doubles() -> (TempDir, Doubles) {
    let directory = tempfile::tempdir().unwrap();
    let doubles = Doubles::new(directory.path(), &[Ipv4Addr::LOCALHOST]);
    (directory, doubles)
}

/// `check` of these targets with the doubles' authority, and `more` flags.
fn check(doubles: &Doubles, targets: &[&str], more: &[&str]) -> (Option<i32>, String, String) {
    let args = [
        &["check", "--ca-file", doubles.ca(), "--expect-private"],
        targets,
        more,
    ]
    .concat();
    probe(&args)
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn what_is_reachable_and_who_broke_the_rest() {
    let (_directory, doubles) = doubles();
    let good = doubles.start(Manner::Good).target();
    let close = doubles.start(Manner::Close).target();
    let reset = doubles.start(Manner::Reset).target();
    let (code, stdout, stderr) = check(&doubles, &[&good, &close, &reset], &[]);
    assert_eq!((code, &*stderr), (Some(1), ""));
    let lines: Vec<_> = stdout.lines().collect();
    assert!(lines[0].starts_with("USE CASE  ENDPOINT"), "{stdout}");
    // Failing rows first, in the order asked for.
    for (at, name, verdict) in [
        (1, &close, "tls.closed_after_client_hello"),
        (2, &reset, "tls.reset_after_client_hello"),
        (3, &good, "reachable"),
    ] {
        assert!(
            lines[at].contains(&**name) && lines[at].ends_with(verdict),
            "{stdout}"
        );
    }
    let table: Vec<_> = lines.iter().take_while(|line| !line.is_empty()).collect();
    assert!(
        table.iter().all(|line| line.chars().count() <= 100),
        "{stdout}"
    );
    // What happened, who likely, what to ask.
    let at = lines
        .iter()
        .position(|line| line.starts_with(&format!("{reset}: ")))
        .unwrap();
    assert!(lines[at].contains("reset"), "{stdout}");
    assert!(
        lines[at + 1].starts_with("  who likely: a firewall"),
        "{stdout}"
    );
    assert!(lines[at + 2].starts_with("  what to ask: "), "{stdout}");
    assert!(
        lines
            .last()
            .unwrap()
            .starts_with("1 reachable, 2 not reachable ("),
        "{stdout}"
    );
}

#[test]
fn exit_codes_say_how_it_went() {
    let (_directory, doubles) = doubles();
    let good = doubles.start(Manner::Good).target();
    let close = doubles.start(Manner::Close).target();
    let refuse = doubles.start(Manner::Refuse).target();
    let via_refuse = format!("proxy=http://{refuse}");
    for (targets, more, expected) in [
        (vec![&*good], vec![], 0),
        (vec![&*good, &close], vec![], 1),
        (vec![&*good, &close], vec!["--azcmagent"], 26),
        (vec![&*good], vec!["--azcmagent"], 0),
        (vec![&*good, &close], vec!["--fail-on", "never"], 0),
        (vec![&*good], vec!["--via", &via_refuse], 1),
        // The proxy itself is not there: nothing was learnt about the targets.
        (
            vec![&*good, &close],
            vec!["--via", "proxy=http://127.0.0.1:1"],
            4,
        ),
        (vec!["no host"], vec![], 2),
        (vec![], vec![], 2),
        (vec![&*good], vec!["--via", "carrier-pigeon"], 2),
        (vec![&*good], vec!["--via", "proxy=https://127.0.0.1:1"], 2),
        (vec![&*good], vec!["--via", "proxy=socks5://127.0.0.1:1"], 2),
    ] {
        let (code, stdout, stderr) = check(&doubles, &targets, &more);
        assert_eq!(
            code,
            Some(expected),
            "{targets:?} {more:?}: {stdout}{stderr}"
        );
    }
}

#[test]
fn warnings_alone_are_3() {
    let (_directory, doubles) = doubles();
    let good = doubles.start(Manner::Good).address.port();
    // The name resolves to a loopback address only here; its warning is the expiry of the certificate.
    let target = format!("localhost:{good}");
    let args = [
        "check",
        "--ca-file",
        doubles.ca(),
        &*target,
        "--format",
        "json",
    ];
    let (_, stdout, _) = probe(&args);
    let run: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let warnings = run["results"][0]["report"]["warnings"]
        .as_array()
        .unwrap()
        .len();
    let (code, ..) = probe(&args);
    assert_eq!(code, Some(if warnings == 0 { 0 } else { 3 }), "{stdout}");
    let strict = [&args[..], &["--fail-on", "warning"]].concat();
    assert_eq!(probe(&strict).0, Some(if warnings == 0 { 0 } else { 1 }));
}

#[test]
fn a_file_is_read_whole_or_not_at_all() {
    let (directory, doubles) = doubles();
    let good = doubles.start(Manner::Good).target();
    let file = directory.path().join("names.txt");
    std::fs::write(&file, format!("# ours\n\n{good}  # the good one\n")).unwrap();
    let (code, stdout, stderr) = check(&doubles, &["--file", file.to_str().unwrap()], &[]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(
        stdout.contains("\nnames     "),
        "the file is the use case: {stdout}"
    );

    let (broken, told) = doubles.start_telling(Manner::Good);
    std::fs::write(&file, format!("{}\nhttps://a b/\n", broken.target())).unwrap();
    let (code, stdout, stderr) = check(&doubles, &["--file", file.to_str().unwrap()], &[]);
    assert_eq!((code, &*stdout), (Some(2), ""));
    assert!(stderr.contains("names.txt:2: "), "{stderr}");
    assert_eq!(stderr.matches("error: ").count(), 1, "{stderr}");
    assert!(told.try_recv().is_err(), "nothing was tested");

    let output = directory.path().join("no/such/place");
    let (code, _, stderr) = check(
        &doubles,
        &[&broken.target()],
        &["-o", output.to_str().unwrap()],
    );
    assert_eq!(code, Some(2), "{stderr}");
    assert!(told.try_recv().is_err(), "nothing was tested");
}

#[test]
fn programs_read_it_too() {
    let (_directory, doubles) = doubles();
    let good = doubles.start(Manner::Good).target();
    let close = doubles.start(Manner::Close).target();
    let of = |format| check(&doubles, &[&good, &close], &["--format", format]).1;
    let run: serde_json::Value = serde_json::from_str(&of("json")).unwrap();
    assert_eq!(run["schema_version"], 1);
    assert_eq!(
        run["results"][0]["report"]["verdict"]["id"],
        "tls.closed_after_client_hello"
    );
    assert_eq!(run["results"][1]["report"]["verdict"]["id"], "reachable");
    let junit = of("junit");
    assert!(junit.contains("tests=\"2\" failures=\"1\""), "{junit}");
    assert!(
        junit.contains("<failure type=\"tls.closed_after_client_hello\""),
        "{junit}"
    );
    let prometheus = of("prometheus");
    assert!(prometheus.contains(&format!(
        "probe_success{{target=\"{good}\",path=\"direct\"}} 1\n"
    )));
    assert!(prometheus.contains(&format!(
        "probe_success{{target=\"{close}\",path=\"direct\"}} 0\n"
    )));
    let markdown = of("markdown");
    assert!(
        markdown.contains(&format!("| named | `{close}` | direct | **no** | - |")),
        "{markdown}"
    );
}

#[test]
fn paths_are_compared_side_by_side() {
    let (_directory, doubles) = doubles();
    let good = doubles.start(Manner::Good).target();
    let refuse = format!("http://{}", doubles.start(Manner::Refuse).target());
    let args = [
        "compare",
        &good,
        "--ca-file",
        doubles.ca(),
        "--expect-private",
        "--proxy",
        &refuse,
    ];
    let (code, stdout, stderr) = probe(&args);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stdout.contains("proxy.denied"), "{stdout}");
    assert!(
        stdout.contains("lacks this name; direct reaches it"),
        "{stdout}"
    );

    let open = format!("proxy=http://{}", doubles.start(Manner::Proxy).target());
    let more = ["--via", "direct", "--via", &open];
    let (code, stdout, stderr) = check(&doubles, &[&good], &more);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert_eq!(stdout.matches("reachable 0.").count(), 2, "{stdout}");
    assert_eq!(probe(&["compare", &good]).0, Some(2));
}

#[test]
fn a_selection_says_what_it_cannot_test() {
    let args = [
        "check",
        "--region",
        "japaneast",
        "--features",
        "guest-attestation",
        "--via",
    ];
    let (code, stdout, _) = probe(&[&args[..], &["proxy=http://127.0.0.1:1", "-v"]].concat());
    assert_eq!(code, Some(4));
    assert!(
        stdout.contains("*.attest.azure.net:443: it stands for many names"),
        "{stdout}"
    );
}

#[test]
fn an_earlier_run_is_compared_with() {
    let (directory, doubles) = doubles();
    let double = doubles.start(Manner::Good);
    let saved = directory.path().join("run.json");
    let saved = saved.to_str().unwrap();
    let target = double.target();
    assert_eq!(check(&doubles, &[&target], &["--save", saved]).0, Some(0));
    let (code, stdout, _) = check(&doubles, &[&target], &["--diff", saved]);
    assert_eq!(code, Some(0));
    assert!(stdout.starts_with("nothing has changed\n"), "{stdout}");
    double.becomes(Manner::Close);
    let (code, stdout, _) = check(&doubles, &[&target], &["--diff", saved]);
    assert_eq!(code, Some(1));
    assert!(
        stdout.starts_with(&format!(
            "{target}: was reachable, now tls.closed_after_client_hello"
        )),
        "{stdout}"
    );
    std::fs::write(saved, "{").unwrap();
    assert_eq!(check(&doubles, &[&target], &["--diff", saved]).0, Some(2));
}

#[test]
fn a_watch_prints_changes_only() {
    let (_directory, doubles) = doubles();
    let double = doubles.start(Manner::Good);
    let target = double.target();
    let mut child = command(&[
        "check",
        &target,
        "--ca-file",
        doubles.ca(),
        "--expect-private",
    ])
    .args(["--watch", "--interval", "20ms"])
    .stdout(Stdio::piped())
    .spawn()
    .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines
        .find(|line| line.as_ref().unwrap().starts_with("1 reachable"))
        .unwrap();
    first.unwrap();
    double.becomes(Manner::Reset);
    let changed = lines.next().unwrap().unwrap();
    assert!(
        changed.contains("was reachable, now tls.reset_after_client_hello"),
        "{changed}"
    );
    double.becomes(Manner::Good);
    let fixed = lines.next().unwrap().unwrap();
    assert!(
        fixed.contains("was tls.reset_after_client_hello, now reachable"),
        "{fixed}"
    );
    signal(&child, Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// One at a time: when the second connection has come, the first answer is known.
#[test]
fn ctrl_c_prints_what_is_known() {
    let (_directory, doubles) = doubles();
    let good = doubles.start(Manner::Good).target();
    let (hang, told) = doubles.start_telling(Manner::Hang);
    let mut child = command(&["check", &good, &hang.target(), "--ca-file", doubles.ca()])
        .args(["--expect-private", "--concurrency", "1", "--timeout", "5m"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    told.recv().unwrap();
    signal(&child, Signal::INT);
    let mut stdout = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut stdout)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(
        stdout.contains("\n1 reachable, 0 not reachable, 1 not tested ("),
        "{stdout}"
    );
}

#[test]
fn tls_shows_the_handshake_and_explain_the_verdict() {
    let (_directory, doubles) = doubles();
    let good = doubles.start(Manner::Good).target();
    let (code, stdout, stderr) =
        probe(&["tls", &good, "--ca-file", doubles.ca(), "--expect-private"]);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    for part in ["TLS 1.3", "issued by", "SHA-256 ", "204"] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    let (code, stdout, _) = probe(&["explain", "tls.sni_filtered", "--target", "a.example"]);
    assert_eq!(code, Some(0));
    assert!(stdout.contains("a.example on TCP 443"), "{stdout}");
    let (code, _, stderr) = probe(&["explain", "tls.snifiltered"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("did you mean tls.sni_filtered"), "{stderr}");
    assert!(probe(&["explain"]).1.lines().count() > 60);
}

/// The case that misled people: a TCP check says open, and nothing works.
#[test]
fn tcp_says_open_and_the_probe_says_why_not() {
    let (_directory, doubles) = doubles();
    let address = doubles.start(Manner::Filter).address;
    assert!(
        TcpStream::connect(address).is_ok(),
        "TcpTestSucceeded : True"
    );

    let target = format!("localhost:{}", address.port());
    let (code, stdout, _) = check(&doubles, &[&target], &[]);
    assert_eq!(code, Some(1), "{stdout}");
    let mut lines = stdout.lines().skip_while(|line| !line.starts_with(&target));
    let happened = lines.next().unwrap();
    assert!(happened.ends_with("[tls.sni_filtered]"), "{stdout}");
    assert!(
        happened.contains("another name (gbl.his.arc.azure.com)"),
        "{stdout}"
    );
    let likely = lines.next().unwrap();
    assert_eq!(
        likely,
        "  who likely: a firewall or another device on the way (proved)"
    );
    let ask = lines.next().unwrap();
    assert!(ask.contains("FQDN localhost on TCP"), "{stdout}");
    assert_eq!(lines.next(), Some(""), "three lines: {stdout}");
}
