//! A whole catalogue at once: how long it takes, and how much memory.

// It asks /proc for the memory, and needs all of 127.0.0.0/8.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod support;

use std::io::Read as _;
use std::net::Ipv4Addr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use support::command;
use support::doubles::{Doubles, Manner};

/// 500 endpoints that take 200 ms each, alone and beside 50 that hang until their own deadline.
#[test]
fn many_endpoints_at_once_are_fast_and_small() {
    let directory = tempfile::tempdir().unwrap();
    let addresses: Vec<_> = (1..=50)
        .map(|last| Ipv4Addr::new(127, 0, 0, last))
        .collect();
    let doubles = Doubles::new(directory.path(), &addresses);
    let start = |count: usize, manner| -> Vec<String> {
        let at = addresses.iter().cycle().take(count);
        at.map(|ip| doubles.start_at(*ip, manner, None).target())
            .collect()
    };
    let slow = start(500, Manner::Slow(Duration::from_millis(200)));
    let hanging = start(50, Manner::Hang);
    let list = directory.path().join("names.txt");
    let list = list.to_str().unwrap();

    std::fs::write(list, slow.join("\n")).unwrap();
    let (alone, reachable, peak) = measure(&doubles, list);
    assert_eq!(reachable, 500);
    // One after the other they would take 100 s. Without optimisation, on a busy machine, the handshakes
    // of both sides take longer than the waiting.
    let limit = if cfg!(debug_assertions) { 12 } else { 4 };
    assert!(alone < Duration::from_secs(limit), "{alone:?}");
    assert!(peak < 100 << 10, "{peak} KiB");

    // Those that hang come first, and hold their places for all of their deadline.
    std::fs::write(list, [hanging, slow].concat().join("\n")).unwrap();
    let (beside, reachable, peak) = measure(&doubles, list);
    assert_eq!(reachable, 500);
    // With room for a machine that is busier than a moment ago.
    let limit = HANGING + alone + Duration::from_secs(2);
    assert!(beside < limit, "{beside:?}, alone {alone:?}");
    assert!(peak < 100 << 10, "{peak} KiB");
    eprintln!("alone {alone:?}, beside 50 that hang for {HANGING:?} {beside:?}, peak {peak} KiB");
}

/// The deadline of what hangs.
const HANGING: Duration = Duration::from_secs(8);

/// How long a run took, how many were reachable, and the most memory that it had, in KiB.
fn measure(doubles: &Doubles, list: &str) -> (Duration, usize, u64) {
    let timeout = format!("{}s", HANGING.as_secs());
    let clock = Instant::now();
    let mut child = command(&["check", "--file", list, "--ca-file", doubles.ca()])
        .args(["--expect-private", "--no-experiments", "--format", "json"])
        .args(["--timeout", &timeout])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut first = [0];
    stdout.read_exact(&mut first).unwrap();
    let took = clock.elapsed();
    // More than a pipe holds is still to be written, so the process is there.
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = line
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let mut json = first.to_vec();
    stdout.read_to_end(&mut json).unwrap();
    child.wait().unwrap();
    let run: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let results = run["results"].as_array().unwrap().iter();
    let reachable = results.filter(|one| one["report"]["verdict"]["id"] == "reachable");
    (took, reachable.count(), peak)
}
