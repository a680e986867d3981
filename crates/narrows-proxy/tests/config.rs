//! `config` beside a running proxy.

#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

#[allow(dead_code, reason = "other tests use the rest of it")]
mod support;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use support::{command, narrows};

/// Killed when dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn set_is_applied_by_the_running_proxy_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("proxy.toml");
    std::fs::write(&path, "# kept\nlisten = [\"127.0.0.1:0\"]\n").unwrap();
    let config = path.to_str().unwrap();
    let mut running = command(&["--config", config], &[])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map(Killed)
        .unwrap();
    let mut said = BufReader::new(running.0.stderr.take().unwrap()).lines();
    // It has left word by the time it says what it comes to.
    assert!(said.next().unwrap().unwrap().starts_with("listening on "));
    let process = running.0.id();
    let set =
        |key: &str, value: &str| narrows(&["config", "set", key, value, "--config", config], &[]);
    // The proxy leaves word a moment after it listens.
    let applied = loop {
        let (code, stdout, stderr) = set("rules.default", "deny");
        assert_eq!(code, Some(0), "{stdout}{stderr}");
        match stdout.contains("No running proxy is known") {
            true => std::thread::yield_now(),
            false => break stdout,
        }
    };
    assert!(
        applied.starts_with("Config property rules.default set to value deny\nApplied by process "),
        "{applied}"
    );
    assert!(
        applied.contains(&format!("process {process}, generation ")),
        "{applied}"
    );
    let (code, stdout, _) = set("listen", "127.0.0.1:1");
    assert_eq!(code, Some(0));
    assert!(
        stdout.contains(&format!("Process {process} needs a restart for it")),
        "{stdout}"
    );

    let before = std::fs::read_to_string(&path).unwrap();
    assert!(before.starts_with("# kept\n"), "{before}");
    let (code, stdout, stderr) = set("rules.default", "gateway");
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(
        stderr.contains("proxy.toml:5: rules.default: unknown variant `gateway`"),
        "{stderr}"
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), before);

    let (code, stdout, _) = narrows(&["config", "path", "--config", config], &[]);
    assert_eq!((code, stdout), (Some(0), format!("{config}\n")));
    let (code, _, stderr) = narrows(&["config", "list"], &[]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("hint: name one with --config"), "{stderr}");
}
