//! The race runs on scripted attempts and a paused clock: no sockets, exact times.

use std::sync::Mutex;

use tokio::time::{Instant, sleep};

use super::*;
use crate::attempt::Cause;

const STAGGER: Duration = Duration::from_millis(250);

/// What an attempt does: after some milliseconds it connects or fails; `None` is silence.
#[derive(Clone, Copy)]
struct Script(u64, Option<Result<(), io::ErrorKind>>);

const fn connects(after: u64) -> Script {
    Script(after, Some(Ok(())))
}

const fn fails(after: u64) -> Script {
    Script(after, Some(Err(io::ErrorKind::ConnectionRefused)))
}

const SILENT: Script = Script(0, None);

/// What happened, in order, each with the milliseconds since the start of the race.
type Log = Mutex<Vec<(u64, String)>>;

struct Dropped<'a>(&'a Log, Instant, u16);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        note(self.0, self.1, format!("drop {}", self.2));
    }
}

fn note(log: &Log, start: Instant, what: String) {
    let ms = u64::try_from(start.elapsed().as_millis()).unwrap();
    log.lock().unwrap().push((ms, what));
}

/// Races one scripted peer per script; peers are told apart by port.
async fn run(scripts: &[Script]) -> (Option<u16>, Vec<Attempt>, Vec<(u64, String)>) {
    let (log, start) = (Log::default(), Instant::now());
    let peers: Vec<SocketAddr> = (0..scripts.len())
        .map(|n| SocketAddr::from(([192, 0, 2, 1], u16::try_from(n).unwrap())))
        .collect();
    let mut attempts = Vec::new();
    let won = race(
        &peers,
        STAGGER,
        |peer| {
            let (script, log) = (scripts[usize::from(peer.port())], &log);
            note(log, start, format!("start {}", peer.port()));
            let guard = Dropped(log, start, peer.port());
            async move {
                let _guard = guard;
                sleep(Duration::from_millis(script.0)).await;
                match script.1 {
                    Some(result) => result.map(|()| peer.port()).map_err(io::Error::from),
                    None => std::future::pending().await,
                }
            }
        },
        &mut attempts,
    )
    .await;
    (won, attempts, log.into_inner().unwrap())
}

fn starts(log: &[(u64, String)]) -> Vec<u64> {
    let started = log.iter().filter(|(_, what)| what.starts_with("start"));
    started.map(|(ms, _)| *ms).collect()
}

#[test]
fn families_take_turns_and_the_first_leads() {
    for (given, expected) in [
        ("6a 6b 4a 4b", "6a 4a 6b 4b"),
        ("4a 6a 6b", "4a 6a 6b"),
        ("4a 4b 6a", "4a 6a 4b"),
        ("6a 6b", "6a 6b"),
        ("4a", "4a"),
        ("", ""),
    ] {
        let read = |text: &str| -> Vec<IpAddr> {
            let words = text.split_whitespace();
            words
                .map(|word| match word.split_at(1) {
                    ("6", tail) => format!("2001:db8::{tail}").parse().unwrap(),
                    (_, "a") => "192.0.2.1".parse().unwrap(),
                    _ => "192.0.2.2".parse().unwrap(),
                })
                .collect()
        };
        assert_eq!(interleave(read(given)), read(expected), "{given}");
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_are_staggered() {
    let (won, attempts, log) = run(&[SILENT, SILENT, connects(100), SILENT]).await;
    assert_eq!(won, Some(2));
    assert_eq!(starts(&log), [0, 250, 500]);
    assert_eq!(attempts.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_failure_starts_the_next_at_once() {
    let (won, attempts, log) = run(&[fails(10), fails(20), connects(5)]).await;
    assert_eq!(won, Some(2));
    assert_eq!(starts(&log), [0, 10, 30]);
    assert_eq!(attempts[0].cause(), Cause::Refused);
    assert_eq!(attempts[1].cause(), Cause::Refused);
}

#[tokio::test(start_paused = true)]
async fn an_early_attempt_may_still_win_late() {
    let (won, _, log) = run(&[connects(300), SILENT, SILENT]).await;
    assert_eq!(won, Some(0));
    assert_eq!(starts(&log), [0, 250]);
}

#[tokio::test(start_paused = true)]
async fn losers_are_dropped_when_one_wins() {
    let (won, _, log) = run(&[SILENT, connects(10), SILENT]).await;
    assert_eq!(won, Some(1));
    let last: Vec<_> = log.iter().rev().take(2).cloned().collect();
    assert_eq!(last, [(260, "drop 0".into()), (260, "drop 1".into())]);
}

#[tokio::test(start_paused = true)]
async fn all_failures_are_kept() {
    let (won, attempts, log) = run(&[fails(400), fails(10), fails(0)]).await;
    assert_eq!(won, None);
    assert_eq!(starts(&log), [0, 250, 260]);
    assert!(attempts.iter().all(|attempt| attempt.error.is_some()));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_keeps_what_is_known() {
    let peers: [SocketAddr; 3] =
        ["192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"].map(|text| text.parse().unwrap());
    let mut attempts = Vec::new();
    let never = race(
        &peers,
        STAGGER,
        |peer| async move {
            if peer == "192.0.2.1:1".parse().unwrap() {
                return Err::<(), _>(io::Error::from(io::ErrorKind::NetworkUnreachable));
            }
            std::future::pending().await
        },
        &mut attempts,
    );
    assert!(timeout(Duration::from_millis(200), never).await.is_err());
    let causes: Vec<_> = attempts.iter().map(Attempt::cause).collect();
    assert_eq!(causes, [Cause::Unreachable, Cause::NoAnswer]);
}
