//! The wall clock jumps by a year while tunnels are open: only what is about dates may notice.

use std::path::{Path, PathBuf};

use narrows_endpoint::{Hop, Step};
use narrows_tests::deadline;
use narrows_tests::gateway::Gateway;
use narrows_tests::launch::Launch;
use narrows_tests::program;
use narrows_tests::proxy::{Proxy, Setup, connect_head};
use tempfile::TempDir;

use super::{Refusal, echo, talk};
use crate::gateway::proxy_for;

/// Where Debian's libfaketime is, below the directory of the machine's libraries.
const LIBRARY: &str = "faketime/libfaketime.so.1";

/// A wall clock that a test sets; the clock by which time limits are counted goes on.
struct Clock {
    library: PathBuf,
    home: TempDir,
}

// === impl Clock ===

impl Clock {
    /// `None`, and loudly, where libfaketime is not installed.
    fn new() -> Option<Self> {
        let libraries = std::fs::read_dir("/usr/lib").ok()?;
        let mut inside = libraries.filter_map(|entry| Some(entry.ok()?.path().join(LIBRARY)));
        let Some(library) = inside.find(|file| file.is_file()) else {
            program::skip("libfaketime is not installed");
            return None;
        };
        let home = TempDir::new().unwrap();
        let clock = Self { library, home };
        clock.set("+0");
        Some(clock)
    }

    /// Sets it, off by so much.
    fn set(&self, offset: &str) {
        // Renamed, so that nobody reads half of it.
        let (new, file) = (self.home.path().join("new"), self.file());
        std::fs::write(&new, format!("{offset}\n")).unwrap();
        std::fs::rename(new, file).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.home.path().join("offset")
    }

    /// How a process is started that goes by it.
    fn launch(&self) -> Launch {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        Launch::new()
            .env("LD_PRELOAD", text(&self.library))
            .env("FAKETIME_TIMESTAMP_FILE", text(&self.file()))
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    }
}

/// The year of the log's last line.
fn year(proxy: &Proxy) -> i32 {
    let log = proxy.log();
    let line = log.lines().last().unwrap();
    let stamp = line.strip_prefix("time=").unwrap();
    stamp.split_once('-').unwrap().0.parse().unwrap()
}

#[test]
fn clock_that_jumps_by_a_year_moves_the_stamps_and_nothing_else() {
    let Some(clock) = Clock::new() else {
        return;
    };
    let target = echo();
    let wanted = target.address.to_string();
    let config = "[limits]\nidle_seconds = 600\nhead_seconds = 60\n";
    let proxy = Setup::new().config(config).launch(clock.launch()).start();
    let mut open = proxy.tunnel(&wanted);
    talk(&mut open);
    let mut slow = proxy.connect();
    slow.send("CONNECT ");
    deadline::until("the first lines are written", || {
        (proxy.records().len() == 2).then_some(())
    });
    let now = year(&proxy);
    let mut asked = 0;
    for (offset, years) in [("+366d", 1), ("-366d", -1), ("+0", 0)] {
        clock.set(offset);
        asked += 1;
        assert_eq!(proxy.ask(connect_head("no.port")).0.status(), 400);
        proxy.finished(asked);
        // Today may be the first of January, or the last of December.
        assert!((year(&proxy) - now - years).abs() <= 1, "{}", proxy.log());
        assert!((year(&proxy) - now) * years >= 0, "{}", proxy.log());
        talk(&mut open);
    }
    // Neither the idle tunnel nor the slow head took the jumps for time that passed.
    slow.send(format!("{wanted} HTTP/1.1\r\nHost: {wanted}\r\n\r\n"));
    assert_eq!(slow.head().status(), 200);
    for mut client in [slow, open] {
        client.finish();
        client.end();
    }
    assert!(
        proxy
            .finished(asked + 2)
            .iter()
            .all(|told| told.ended.is_none())
    );
    proxy.stop();
}

#[test]
fn certificate_that_expires_by_a_jump_is_refused_until_the_clock_is_back() {
    let Some(clock) = Clock::new() else {
        return;
    };
    let target = echo();
    let wanted = target.address.to_string();
    let mut gateway = Gateway::start(&wanted);
    let proxy = proxy_for(&gateway, "fallback = \"none\"\nprotocol = \"h1\"")
        .launch(clock.launch())
        .start();
    let mut open = proxy.tunnel(&wanted);
    talk(&mut open);
    clock.set("+800d");
    // What is open was verified when it was opened.
    talk(&mut open);
    open.finish();
    open.end();
    proxy.finished(1);
    // Sessions that are ready go with it; the next one is verified by the clock as it is.
    gateway.kill();
    gateway.restart();
    let expired = Refusal {
        status: 502,
        error: "tls_certificate_error",
        hop: Hop::Gateway,
        step: Step::Tls,
        says: "expired",
    };
    expired.expect(&proxy, &wanted, 2);
    clock.set("+0");
    deadline::until("a tunnel opens again", || {
        let mut client = proxy.connect();
        client.send(connect_head(&wanted));
        (client.head().status() == 200).then_some(())
    });
}
