//! The binary reads its configuration again, when it is told to and when the file changes.

#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

#[allow(dead_code, reason = "other tests use the rest of it")]
mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use support::command;

/// A running proxy with a configuration file of its own; killed when dropped.
struct Running {
    address: SocketAddr,
    child: Child,
    dir: TempDir,
    stderr: BufReader<ChildStderr>,
}

impl Running {
    fn start(file: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("proxy.toml"), file).unwrap();
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let (config, log) = (path("proxy.toml"), path("log"));
        let args = [
            "--listen",
            "127.0.0.1:0",
            "--config",
            &config,
            "--log",
            &log,
        ];
        let mut child = command(&args, &[])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let mut running = Self {
            address: SocketAddr::from(([0; 4], 0)),
            child,
            dir,
            stderr,
        };
        let said = running.until("listening on ");
        running.address = said["listening on ".len()..].parse().unwrap();
        running
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Replaces the configuration as an editor that renames does.
    fn write(&self, file: &str) {
        std::fs::write(self.path("new"), file).unwrap();
        std::fs::rename(self.path("new"), self.path("proxy.toml")).unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The next line on standard error that begins so.
    fn until(&mut self, start: &str) -> String {
        loop {
            let mut line = String::new();
            self.stderr.read_line(&mut line).unwrap();
            assert!(!line.is_empty(), "it never said {start:?}");
            if line.starts_with(start) {
                return line.trim_end().to_owned();
            }
        }
    }

    /// The status with which it answers a request for a name that no rule but the test's knows.
    fn asks(&self) -> String {
        let mut client = TcpStream::connect(self.address).unwrap();
        let head = "CONNECT asked.test:443 HTTP/1.1\r\nHost: asked.test:443\r\n\r\n";
        client.write_all(head.as_bytes()).unwrap();
        let mut status = [0; 12];
        client.read_exact(&mut status).unwrap();
        String::from_utf8_lossy(&status[9..]).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const DENIED: &str = "rules.deny = [\"asked.test\"]\n";
/// A proxy that nobody runs: 502, not 403.
const ALLOWED: &str = "proxy.url = \"http://127.0.0.1:1\"\n";

#[test]
fn a_changed_file_is_applied_without_being_told() {
    let mut proxy = Running::start(DENIED);
    assert_eq!(proxy.asks(), "403");
    proxy.write(ALLOWED);
    let said = proxy.until("reloaded as generation 2: upstream http://127.0.0.1:1 (");
    assert!(said.contains("proxy.toml:1); "), "{said}");
    assert_eq!(proxy.asks(), "502");
    // The log is written behind the proxy's back; its end waits for it.
    proxy.signal(Signal::TERM);
    assert_eq!(proxy.child.wait().unwrap().code(), Some(0));
    let log = std::fs::read_to_string(proxy.path("log")).unwrap();
    assert!(log.contains("msg=\"reloaded as generation 2: "), "{log}");
}

/// Row 45, in the words that an operator reads.
#[test]
fn row_45_a_broken_file_is_told_on_sighup_and_in_the_log_and_changes_nothing() {
    let mut proxy = Running::start(DENIED);
    proxy.write("[rules]\ndeny = []\ndefualt = \"direct\"\n");
    proxy.signal(Signal::HUP);
    proxy.until("reload failed, nothing changed:");
    let said = proxy.until("error: ");
    assert!(
        said.ends_with(
            "proxy.toml:3: unknown key \"defualt\" in [rules] (did you mean \"default\"?)"
        ),
        "{said}"
    );
    assert_eq!(proxy.asks(), "403");
    proxy.write(ALLOWED);
    proxy.signal(Signal::HUP);
    proxy.until("reloaded as generation 2: ");
    assert_eq!(proxy.asks(), "502");
    proxy.signal(Signal::TERM);
    assert_eq!(proxy.child.wait().unwrap().code(), Some(0));
    let log = std::fs::read_to_string(proxy.path("log")).unwrap();
    assert!(log.contains("proxy.toml:3: unknown key"), "{log}");
    assert!(
        log.contains("P:2:C:"),
        "the generation is in the connection's id: {log}"
    );
}
