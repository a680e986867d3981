//! The admin listener of the program itself: what it shows, until when, and that no tunnel leads to it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use narrows_admin::{Address, Status, get};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::house::{Client, ask, echo, furnish};

/// The program with an admin listener; dropping it kills it.
struct Shown {
    address: SocketAddr,
    admin: Address,
    alice: Client,
    child: Child,
    directory: TempDir,
    said: BufReader<ChildStderr>,
}

impl Shown {
    fn start(toml: &str, features: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("gateway.toml"), toml).unwrap();
        let (_, token) = furnish(directory.path(), features);
        let mut child = Command::new(env!("CARGO_BIN_EXE_narrows-gateway"))
            .env_clear()
            .args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--dir"])
            .arg(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let admin = told(&mut said, "admin page and metrics on ");
        Self {
            address: told(&mut said, "listening on "),
            admin,
            alice: Client::bearer(&token),
            child,
            directory,
            said,
        }
    }

    async fn get(&self, path: &str) -> String {
        get(&self.admin, path).await.unwrap()
    }

    async fn status(&self) -> Status {
        serde_json::from_str(&self.get("/api/status").await).unwrap()
    }

    fn signal(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        // It has ended, unless a test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What stands behind `what` on the next line that begins with it.
fn told<T: std::str::FromStr>(said: &mut impl std::io::BufRead, what: &str) -> T {
    let mut lines = said.lines().map(Result::unwrap);
    let told = lines.find_map(|line| line.strip_prefix(what)?.parse().ok());
    told.unwrap_or_else(|| panic!("it ended without {what:?}"))
}

#[tokio::test]
async fn shows_an_open_tunnel_and_what_it_would_carry() {
    let port = echo().await.port();
    let shown = Shown::start("", &[&format!("localhost:{port} in 127.0.0.0/8")]);
    let target = format!("localhost:{port}");
    let (mut stream, head) =
        ask(shown.address, shown.directory.path(), &shown.alice, &target).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    stream.write_all(b"hello").await.unwrap();
    stream.read_exact(&mut [0; 5]).await.unwrap();
    let (_, head) = ask(
        shown.address,
        shown.directory.path(),
        &Client::default(),
        &target,
    )
    .await;
    assert!(head.starts_with("HTTP/1.1 407"), "{head}");

    let status = shown.status().await;
    assert_eq!(
        (status.program.as_str(), status.ready, status.routes.rules),
        ("narrows-gateway", true, 1)
    );
    assert_eq!(status.listen, [shown.address.to_string()]);
    assert_eq!((status.requests.open, status.requests.refused), (1, 1));
    let file = status.configuration.path.unwrap();
    assert!(file.ends_with("gateway.toml"), "{file}");
    let metrics = shown.get("/metrics").await;
    for line in [
        "narrows_tunnels_open{route=\"direct\"} 1",
        "narrows_tunnel_bytes_total{route=\"direct\",direction=\"sent\"} 5",
        "narrows_ready{} 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    let tunnels = shown.get("/api/tunnels").await;
    assert!(tunnels.contains(&target), "{tunnels}");
    for (host, route) in [(target.as_str(), "direct"), ("example.com", "deny")] {
        let explained = shown.get(&format!("/api/explain?host={host}")).await;
        let route = format!("\"route\":\"{route}\"");
        assert!(explained.contains(&route), "{explained}");
    }
}

#[tokio::test]
async fn is_not_ready_from_the_first_signal_on() {
    let mut shown = Shown::start("drain.unready_seconds = 3600", &["a.example"]);
    assert_eq!(shown.get("/readyz").await, "ready\n");
    shown.signal();
    let drains = async {
        while get(&shown.admin, "/readyz").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let drains = tokio::time::timeout(Duration::from_secs(30), drains).await;
    drains.expect("the signal is seen");
    let error = get(&shown.admin, "/readyz").await.unwrap_err().to_string();
    assert!(
        error.contains("503") && error.contains("draining"),
        "{error}"
    );
    assert_eq!(shown.get("/healthz").await, "ok\n");
    assert!(!shown.status().await.ready);
    shown.signal();
    let status = shown.child.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    let end: String = told(&mut shown.said, "stopped: at once by a second ");
    assert!(end.starts_with("signal"), "{end}");
}

#[tokio::test]
async fn row_17_no_tunnel_leads_to_the_admin_listener() {
    let shown = Shown::start(
        "",
        &["localhost:1-65535 in 127.0.0.0/8", "127.0.0.0/8:1-65535"],
    );
    let port = shown.admin.tcp().unwrap().port();
    for host in ["localhost", "127.0.0.1", "127.9.9.9"] {
        let target = format!("{host}:{port}");
        let (_, head) = ask(shown.address, shown.directory.path(), &shown.alice, &target).await;
        assert!(head.starts_with("HTTP/1.1 403"), "{target}: {head}");
        assert!(head.contains("itself is there"), "{target}: {head}");
    }
    let port = echo().await.port();
    let target = format!("127.0.0.1:{port}");
    let (_, head) = ask(shown.address, shown.directory.path(), &shown.alice, &target).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
}
