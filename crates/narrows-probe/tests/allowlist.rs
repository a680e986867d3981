//! `allowlist` and `endpoints` from outside: what they print, where, and how they exit.

#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod support;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use support::service::{Service, names, response};
use support::{command, probe};

const SELECTION: [&str; 5] = [
    "allowlist",
    "--region",
    "japaneast",
    "--features",
    "servers",
];
const FIRST: &str = "azgn-japaneast-public-1p-je-vazr0001.servicebus.windows.net";
const SECOND: &str = "g1-prod-je-vazr0001-sb.servicebus.windows.net";

/// `allowlist --expand-servicebus` for a service, with `more` flags.
fn expand(service: &Service, cache: &Path, more: &[&str]) -> Vec<String> {
    let url = service.url();
    let flags = [
        "--expand-servicebus",
        "--allowlist-url",
        &url,
        "--ca-file",
        service.ca(),
        "--cache",
        cache.to_str().unwrap(),
        "--format",
        "names",
    ];
    let all = SELECTION.iter().chain(&flags).chain(more);
    all.map(|&flag| flag.to_owned()).collect()
}

fn run(args: &[String]) -> (Option<i32>, String, String) {
    probe(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

// === endpoints ===

#[test]
fn endpoints_are_searched() {
    let (code, stdout, stderr) = probe(&["endpoints", "SERVICEBUS", "--features", "servers"]);
    assert_eq!((code, &*stderr), (Some(0), ""));
    assert!(stdout.contains("azgn*.servicebus.windows.net"), "{stdout}");
    assert!(stdout.contains("\n2 endpoints, AzureCloud, "), "{stdout}");
    assert!(
        stdout.lines().all(|line| line.chars().count() <= 100),
        "{stdout}"
    );

    let (code, stdout, _) = probe(&[
        "endpoints",
        "--format",
        "json",
        "--cloud",
        "azureusgovernment",
    ]);
    let rows: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(code, Some(0));
    assert_eq!(rows[0]["cloud"], "AzureUSGovernment");

    let (_, stdout, _) = probe(&["endpoints", "--format", "csv"]);
    assert!(
        stdout.starts_with("cloud,name,port,transport,feature,group,"),
        "{stdout}"
    );
    let (_, stdout, _) = probe(&["endpoints", "--regions", "--format", "csv"]);
    assert!(
        stdout.contains("\njapaneast,Japan East,AzureCloud,Japan,je,jpe\n"),
        "{stdout}"
    );
    let (_, stdout, _) = probe(&["endpoints", "--list-features"]);
    assert!(stdout.contains("\nama "), "{stdout}");
}

// === what is wrong ===

#[test]
fn bad_input_is_one_error_and_exit_2() {
    let directory = tempfile::tempdir().unwrap();
    let broken = directory.path().join("catalogue.csv");
    std::fs::write(
        &broken,
        "# narrows-catalogue date=2027-01-31\nwhat,is,this\n",
    )
    .unwrap();
    let broken = broken.to_str().unwrap();
    let missing = directory.path().join("no/such/list");
    let missing = missing.to_str().unwrap();
    for (args, said) in [
        (
            vec!["endpoints", "--region", "japanest"],
            "did you mean japaneast",
        ),
        (
            vec!["endpoints", "--features", "servrs"],
            "did you mean servers",
        ),
        (
            vec!["endpoints", "--catalogue", broken],
            "catalogue.csv:2: ",
        ),
        (vec!["endpoints", "--catalogue", missing], missing),
        (
            vec!["allowlist", "--region", "japaneast", "-o", missing],
            missing,
        ),
        (
            vec!["allowlist", "--region", "japaneast", "-o", "/dev/null/x"],
            "/dev/null/x",
        ),
    ] {
        let (code, stdout, stderr) = probe(&args);
        assert_eq!((code, &*stdout), (Some(2), ""), "{args:?}: {stderr}");
        assert!(stderr.contains(said), "{args:?}: {stderr}");
        assert_eq!(stderr.matches("error: ").count(), 1, "{args:?}: {stderr}");
        assert!(stderr.lines().count() <= 2, "{args:?}: {stderr}");
    }
    let left = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 1, "no half-written file");
}

#[test]
fn usage_is_exit_2_and_help_is_not() {
    assert_eq!(probe(&["allowlist", "--watch"]).0, Some(2));
    assert_eq!(probe(&[]).0, Some(2));
    let (code, stdout, _) = probe(&["--help"]);
    assert_eq!(code, Some(0));
    assert!(stdout.contains("Exit codes:"), "{stdout}");
}

// === Service Bus names ===

#[test]
fn the_service_is_asked_once_and_its_answer_kept() {
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start(directory.path(), &names(&[SECOND, FIRST]));
    let cache = directory.path().join("cache.json");
    let (code, stdout, stderr) = run(&expand(&service, &cache, &[]));
    assert_eq!((code, &*stderr), (Some(0), ""));
    assert!(stdout.contains(&format!("{FIRST}\n{SECOND}\n")), "{stdout}");
    assert!(!stdout.contains("*.servicebus"), "{stdout}");
    assert!(!stdout.contains("azgn*"), "{stdout}");
    assert_eq!(
        service.asked(),
        ["GET /urls/allowlist?api-version=2020-01-01&location=japaneast HTTP/1.1"]
    );
    let again = run(&expand(&service, &cache, &[]));
    assert_eq!(again, (Some(0), stdout, String::new()));
    assert_eq!(
        service.asked().len(),
        1,
        "a young answer is used without asking"
    );
}

#[test]
fn a_failure_keeps_the_last_good_answer_and_says_how_old_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start(directory.path(), &names(&[FIRST]));
    let cache = directory.path().join("cache.json");
    let good = run(&expand(&service, &cache, &[]));
    assert_eq!(good.0, Some(0), "{}", good.2);
    for answer in [
        response("500 Internal Server Error", "[]"),
        response("200 OK", "<html>blocked</html>"),
        response("200 OK", "[]"),
        response("200 OK", r#"["evil.example"]"#),
        "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n[".to_owned(),
        "nonsense\r\n\r\n".to_owned(),
        String::new(),
    ] {
        service.answer(&answer);
        let (code, stdout, stderr) = run(&expand(&service, &cache, &["--max-age", "0"]));
        assert_eq!((code, &stdout), (Some(0), &good.1), "{answer:?}: {stderr}");
        assert!(stderr.starts_with("warning: "), "{answer:?}: {stderr}");
        assert!(
            stderr.contains("using the names of "),
            "{answer:?}: {stderr}"
        );
    }
}

#[test]
fn without_an_earlier_answer_a_failure_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start(directory.path(), &response("503 Service Unavailable", ""));
    let list = directory.path().join("list");
    let cache = directory.path().join("cache.json");
    let args = expand(&service, &cache, &["--output", list.to_str().unwrap()]);
    let (code, stdout, stderr) = run(&args);
    assert_eq!((code, &*stdout), (Some(1), ""));
    assert!(
        stderr.contains("answered 503 Service Unavailable"),
        "{stderr}"
    );
    assert!(!list.exists());
    assert!(!cache.exists());
}

#[test]
fn an_authority_that_is_not_trusted_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start(directory.path(), &names(&[FIRST]));
    let cache = directory.path().join("cache.json");
    let mut args = expand(&service, &cache, &[]);
    let at = args.iter().position(|arg| arg == "--ca-file").unwrap();
    args.drain(at..at + 2);
    let (code, _, stderr) = run(&args);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("TLS with localhost:"), "{stderr}");
    assert_eq!(service.asked(), [""; 0]);
}

#[test]
fn a_list_without_wildcards_asks_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start(directory.path(), &names(&[FIRST]));
    let cache = directory.path().join("cache.json");
    let args = expand(&service, &cache, &["--gateway", "0b1c.gw.arc.azure.com"]);
    let (code, stdout, stderr) = run(&args);
    assert_eq!((code, stdout.lines().count()), (Some(0), 8));
    assert!(
        stderr.contains("the list has no *.servicebus.windows.net"),
        "{stderr}"
    );
    assert_eq!(service.asked(), [""; 0]);
}

/// The command of `--exec` writes a line to a pipe for each change, so that nothing waits by the clock.
#[test]
fn a_watched_list_is_replaced_when_it_changes_and_a_command_run() {
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start(directory.path(), &names(&[FIRST]));
    let list = directory.path().join("list");
    let cache = directory.path().join("cache.json");
    let exec = "grep -c servicebus \"$NARROWS_ALLOWLIST\"";
    let flags = [
        "--output",
        list.to_str().unwrap(),
        "--watch",
        "--interval",
        "20ms",
        "--exec",
        exec,
    ];
    let args = expand(&service, &cache, &flags);
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let mut child = command(&args)
        .env("PATH", std::env::var_os("PATH").unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut changes = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(changes.next().unwrap().unwrap(), "1");
    // Failures change nothing, and more than one of them comes before the next change.
    service.answer(&response("500 Internal Server Error", ""));
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let failure = said.find(|line| {
        line.as_ref()
            .is_ok_and(|line| line.contains("answered 500"))
    });
    assert!(failure.is_some());
    assert!(std::fs::read_to_string(&list).unwrap().contains(FIRST));
    service.answer(&names(&[FIRST, SECOND]));
    assert_eq!(changes.next().unwrap().unwrap(), "2");
    assert!(std::fs::read_to_string(&list).unwrap().contains(SECOND));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let left = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 3, "the list, the cache and the authority");
}
