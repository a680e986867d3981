//! The binary from outside: what it prints, where, and how it exits.

#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_narrows-gateway"));
    command
        .args(args)
        .env_clear()
        .env("NARROWS_GATEWAY_DIR", dir)
        .stdin(Stdio::null());
    command
}

/// Exit code, standard output, standard error.
fn told(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = command(dir, args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn good(dir: &Path, args: &[&str]) -> String {
    let (code, stdout, stderr) = told(dir, args);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{args:?}");
    stdout
}

#[track_caller]
fn bad(dir: &Path, args: &[&str], code: i32, says: &str) {
    let (got, stdout, stderr) = told(dir, args);
    assert_eq!(
        (got, stdout.as_str()),
        (Some(code), ""),
        "{args:?}: {stderr}"
    );
    assert!(stderr.contains(says), "{stderr}");
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

// === definitions ===

#[test]
fn gateways_are_created_listed_shown_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert_eq!(json(&good(dir, &["list"])), json("[]"));
    let created = good(
        dir,
        &[
            "create",
            "ymarcgw",
            "--allowed-features",
            "*,wiki.corp.example in 10.1.0.0/16",
            "--location",
            "japaneast",
            "--resource-group",
            "rg-arc-je",
            "--domain",
            "example.net",
        ],
    );
    let edge = json(&created);
    assert_eq!(
        edge["allowedFeatures"],
        json(r#"["*", "wiki.corp.example in 10.1.0.0/16"]"#)
    );
    assert_eq!(
        (&edge["name"], &edge["location"]),
        (&json("\"ymarcgw\""), &json("\"japaneast\""))
    );
    assert!(
        edge["gatewayEndpoint"]
            .as_str()
            .unwrap()
            .ends_with(".gw.example.net")
    );
    assert!(
        edge["id"]
            .as_str()
            .unwrap()
            .ends_with("/Microsoft.HybridCompute/gateways/ymarcgw")
    );
    assert_eq!(good(dir, &["show", "ymarcgw"]), created);
    assert_eq!(json(&good(dir, &["list"])), Value::Array(vec![edge]));
    bad(
        dir,
        &["create", "ymarcgw"],
        1,
        "there is a gateway named ymarcgw already",
    );
    assert_eq!(good(dir, &["delete", "ymarcgw"]), created);
    bad(
        dir,
        &["delete", "ymarcgw"],
        1,
        "there is no gateway named ymarcgw",
    );
    bad(
        dir,
        &["show", "ymarcgw"],
        1,
        "there is no gateway named ymarcgw",
    );
}

#[test]
fn what_is_no_name_or_feature_is_wrong_usage() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    bad(dir, &["create", "a/b"], 2, "a gateway's name");
    bad(
        dir,
        &["create", "a", "--allowed-features", "*com"],
        2,
        "*.com",
    );
    bad(
        dir,
        &["create", "a", "--allowed-features", "arc-serverz"],
        2,
        "did you mean \"arc-servers\"",
    );
    assert_eq!(json(&good(dir, &["list"])), json("[]"));
}

// === tokens ===

#[test]
fn tokens_are_shown_once_and_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let token = good(dir, &["token", "issue", "alice"]);
    assert!(token.starts_with("narrows_") && token.len() > 40, "{token}");
    let list = good(dir, &["token", "list"]);
    assert_eq!(json(&list)[0]["name"], "alice");
    assert!(!list.contains(token.trim()));
    bad(dir, &["token", "issue", "alice"], 1, "already");
    bad(
        dir,
        &["token", "issue", "bob", "--gateway", "edge"],
        1,
        "no gateway named edge",
    );
    assert_eq!(good(dir, &["token", "revoke", "alice"]), "");
    bad(
        dir,
        &["token", "revoke", "alice"],
        1,
        "no token named \"alice\"",
    );
}

// === run ===

#[test]
fn does_not_start_without_certificates() {
    let dir = tempfile::tempdir().unwrap();
    bad(dir.path(), &[], 2, "cannot serve TLS: ");
    bad(dir.path(), &["run"], 2, "hint: narrows-gateway init");
}

#[test]
fn does_not_let_everyone_in_on_a_public_address() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    good(dir, &["init"]);
    good(dir, &["token", "revoke", "trial"]);
    bad(dir, &["--listen", "0.0.0.0:0"], 2, "--allow-anonymous");
}

#[test]
fn names_the_line_of_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    good(dir, &["init"]);
    std::fs::write(dir.join("gateway.toml"), "\nlisen = []\n").unwrap();
    bad(
        dir,
        &[],
        2,
        "gateway.toml:2: unknown key \"lisen\" (did you mean \"listen\"?)",
    );
    std::fs::remove_file(dir.join("gateway.toml")).unwrap();
    let path = dir.join("gateways/trial.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"*\"", "\"a..b\"")).unwrap();
    bad(dir, &[], 2, "trial.json:3: ");
}

#[test]
fn init_replaces_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let lines = good(dir.path(), &["init"]);
    assert_eq!(lines.lines().count(), 3, "{lines}");
    bad(dir.path(), &["init"], 1, "already");
}

#[test]
fn says_so_when_everyone_is_let_in() {
    let dir = tempfile::tempdir().unwrap();
    good(dir.path(), &["init"]);
    good(dir.path(), &["token", "revoke", "trial"]);
    let serving = Serving::start(dir.path(), &[]);
    let said = serving.end();
    assert!(
        said.contains("warning: EVERYONE ON THIS MACHINE IS LET IN"),
        "{said}"
    );
    let serving = Serving::start(dir.path(), &["--allow-anonymous"]);
    let said = serving.end();
    assert!(
        said.contains("warning: EVERYONE WHO CAN CONNECT IS LET IN"),
        "{said}"
    );
}

#[test]
fn curl_goes_through_it() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("SKIPPED: curl is not installed");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let origin = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = origin.local_addr().unwrap().port();
    let feature = format!("localhost:{port} in 127.0.0.0/8,::1");
    let feature = feature.split_once(',').unwrap().0;
    let lines = good(dir, &["init", "--allowed-features", feature]);
    // What init prints is what works: the second line, but for port and target.
    let line = lines.lines().nth(1).unwrap();
    let user = line
        .split(' ')
        .find(|word| word.starts_with("trial:"))
        .unwrap();
    let answer = std::thread::spawn(move || serve_once(&origin));
    let serving = Serving::start(dir, &["--log", "access.log"]);
    let curl = |user: &str| {
        let output = Command::new("curl")
            .env_remove("NO_PROXY")
            .env_remove("no_proxy")
            .args([
                "--silent",
                "--show-error",
                "--max-time",
                "20",
                "--proxytunnel",
            ])
            .args(["--proxy", &format!("https://localhost:{}", serving.port)])
            .args(["--proxy-cacert", dir.join("tls/ca.pem").to_str().unwrap()])
            .args(["--proxy-user", user, &format!("http://localhost:{port}/")])
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    };
    let (_, stderr) = curl("trial:narrows_wrong");
    assert!(stderr.contains("407"), "{stderr}");
    let (stdout, stderr) = curl(user);
    assert_eq!(stdout, "hello", "{stderr}");
    answer.join().unwrap();
    serving.end();
}

/// Answers one HTTP request.
fn serve_once(origin: &std::net::TcpListener) {
    use std::io::Write as _;
    let (mut io, _) = origin.accept().unwrap();
    let mut lines = BufReader::new(io.try_clone().unwrap()).lines();
    while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
    io.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        .unwrap();
}

/// A gateway that serves.
struct Serving {
    child: Child,
    port: u16,
    said: String,
    stderr: BufReader<std::process::ChildStderr>,
}

impl Serving {
    fn start(dir: &Path, args: &[&str]) -> Self {
        let mut command = command(dir, &["--listen", "127.0.0.1:0"]);
        command
            .args(args)
            .current_dir(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let port = loop {
            let start = said.len();
            assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
            if let Some(port) = said[start..].trim().strip_prefix("listening on 127.0.0.1:") {
                break port.parse().unwrap();
            }
        };
        Self {
            child,
            port,
            said,
            stderr,
        }
    }

    /// Asks it to end, which it does well; what it said.
    fn end(mut self) -> String {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        std::io::Read::read_to_string(&mut self.stderr, &mut self.said).unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{}", self.said);
        assert!(
            self.said.contains("stopped: every connection had ended"),
            "{}",
            self.said
        );
        std::mem::take(&mut self.said)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It has ended, unless a test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
