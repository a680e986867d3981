use std::task::Poll;

use tokio::time::Instant;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

use super::*;

fn upstream(url: &str) -> Upstream {
    Upstream::new(url.parse().unwrap())
}

fn with_credentials() -> Upstream {
    upstream("http://user:secret@proxy.example:1")
}

/// Asks for a CONNECT, reports `status`, and says whether the credentials were granted.
async fn ask(upstream: &Upstream, challenged: bool, status: u16) -> bool {
    conclude(upstream.authorize(challenged).await, status)
}

/// As [`ask`], for a plain request of an upstream that has asked for Basic.
async fn plain(upstream: &Upstream, status: u16) -> bool {
    upstream.note_challenge();
    conclude(upstream.authorize_plain(false).await, status)
}

fn conclude(authorization: Authorization<'_>, status: u16) -> bool {
    let granted = authorization.credentials().is_some();
    authorization.conclude(status);
    granted
}

#[tokio::test]
async fn credentials_wait_for_a_challenge_and_are_then_remembered() {
    let upstream = with_credentials();
    assert!(!ask(&upstream, false, 407).await);
    assert!(ask(&upstream, true, 200).await);
    assert!(ask(&upstream, false, 503).await);
    assert!(ask(&upstream, false, 200).await);
}

#[tokio::test]
async fn preemptive_credentials_need_no_challenge() {
    let upstream = with_credentials().preemptive(true);
    assert!(ask(&upstream, false, 200).await);
}

#[tokio::test]
async fn rejected_credentials_are_never_granted_again() {
    for upstream in [with_credentials(), with_credentials().preemptive(true)] {
        assert!(ask(&upstream, true, 407).await);
        assert!(upstream.rejected());
        assert!(!ask(&upstream, true, 200).await);
        assert!(!ask(&upstream, false, 200).await);
        assert!(upstream.rejected());
    }
}

#[tokio::test]
async fn other_answers_prove_nothing() {
    let upstream = with_credentials();
    assert!(ask(&upstream, true, 503).await);
    drop(upstream.authorize(true).await);
    assert!(ask(&upstream, true, 407).await);
}

#[tokio::test]
async fn no_credentials_are_made_up() {
    let upstream = upstream("http://proxy.example:1").preemptive(true);
    assert!(!ask(&upstream, true, 407).await);
    assert!(!upstream.rejected());
}

#[tokio::test]
async fn a_challenge_is_remembered() {
    let noted = with_credentials();
    noted.note_challenge();
    assert!(ask(&noted, false, 200).await);

    let told = with_credentials();
    assert!(ask(&told, true, 503).await);
    assert!(ask(&told, false, 503).await);
}

#[tokio::test]
async fn a_plain_407_rejects_nothing_and_is_not_repeated() {
    let upstream = with_credentials();
    assert!(plain(&upstream, 407).await);
    assert!(!upstream.rejected() && upstream.withheld_from_plain());
    assert!(!plain(&upstream, 200).await);
    assert!(ask(&upstream, false, 200).await);
    assert!(plain(&upstream, 200).await);
}

#[tokio::test]
async fn connect_rejects_for_plain_requests_too() {
    let upstream = with_credentials();
    assert!(plain(&upstream, 407).await);
    assert!(ask(&upstream, false, 407).await);
    assert!(upstream.rejected());
    assert!(!plain(&upstream, 200).await);
}

#[tokio::test]
async fn plain_407s_do_not_touch_what_connect_found() {
    let upstream = with_credentials();
    assert!(ask(&upstream, true, 200).await);
    for (status, granted) in [
        (407, true),
        (200, true),
        (407, true),
        (407, true),
        (200, false),
    ] {
        assert_eq!(plain(&upstream, status).await, granted);
    }
    assert!(!upstream.rejected());
    assert!(ask(&upstream, false, 200).await);
    assert!(plain(&upstream, 200).await);
}

#[tokio::test]
async fn a_plain_answer_accepts_only_what_is_unknown() {
    for (status, accepted) in [(200, true), (304, true), (404, false), (502, false)] {
        let upstream = with_credentials();
        assert!(plain(&upstream, status).await);
        assert!(ask(&upstream, false, 407).await);
        assert_eq!(upstream.rejected(), !accepted, "{status}");
        // Accepted, it is in doubt now, and a plain answer does not end that.
        plain(&upstream, 200).await;
        ask(&upstream, false, 407).await;
        assert!(upstream.rejected(), "{status}");
    }
}

#[tokio::test]
async fn accepted_credentials_are_rejected_by_two_connects_in_a_row() {
    let upstream = with_credentials();
    for (status, rejected) in [
        (200, false),
        (407, false),
        (200, false),
        (407, false),
        (407, true),
    ] {
        assert!(ask(&upstream, true, status).await);
        assert_eq!(upstream.rejected(), rejected);
    }
}

#[tokio::test]
async fn refusals_at_the_same_time_are_one() {
    let upstream = with_credentials();
    assert!(ask(&upstream, true, 200).await);
    let first = upstream.authorize(false).await;
    let second = upstream.authorize(false).await;
    assert!(conclude(first, 407) && conclude(second, 407));
    assert!(!upstream.rejected());
    assert!(ask(&upstream, false, 407).await);
    assert!(upstream.rejected());
}

#[tokio::test]
async fn only_one_request_tries_unknown_credentials() {
    let upstream = with_credentials();
    for (first, second_granted) in [(503, true), (407, false)] {
        let trial = assert_ready!(spawn(upstream.authorize(true)).poll());
        let mut second = spawn(upstream.authorize(true));
        assert_pending!(second.poll());
        trial.conclude(first);
        assert!(second.is_woken());
        let granted = assert_ready!(second.poll()).credentials().is_some();
        assert_eq!(granted, second_granted);
    }
}

#[tokio::test]
async fn doubtful_credentials_are_tried_by_one_connect_at_a_time() {
    let upstream = with_credentials();
    ask(&upstream, true, 200).await;
    ask(&upstream, true, 407).await;
    let trial = assert_ready!(spawn(upstream.authorize(false)).poll());
    let mut second = spawn(upstream.authorize(false));
    assert_pending!(second.poll());
    assert!(plain(&upstream, 200).await);
    assert!(conclude(trial, 407));
    assert!(!conclude(second.await, 200));
}

/// Slow targets hold their trials for long; what is learnt meanwhile counts at once.
#[tokio::test(start_paused = true)]
async fn a_trial_keeps_others_waiting_only_for_a_while() {
    let upstream = with_credentials();
    let start = Instant::now();
    let slow = upstream.authorize_plain(true).await;
    let second = upstream.authorize(true).await;
    assert_eq!(start.elapsed(), TRIAL_WINDOW);
    let mut third = spawn(upstream.authorize(true));
    assert_pending!(third.poll());
    assert!(conclude(second, 200));
    assert!(third.is_woken());
    assert!(assert_ready!(third.poll()).credentials().is_some());
    assert!(conclude(slow, 200));
}

/// A proxy that is slow to look at credentials gets a bounded number of them.
#[tokio::test(start_paused = true)]
async fn whoever_waits_too_long_goes_without_credentials() {
    let upstream = with_credentials();
    let start = Instant::now();
    let crowd = (0..20).map(|_| upstream.authorize(true));
    let mut crowd: Vec<_> = crowd.map(spawn).collect();
    let mut granted = Vec::new();
    for asks in &mut crowd {
        // Those that wait are polled as a runtime would.
        if let Poll::Ready(authorization) = asks.poll() {
            granted.push(authorization);
        }
    }
    assert_eq!(granted.len(), 1);
    let mut without = 0;
    for asks in crowd.into_iter().skip(1) {
        let authorization = asks.await;
        match authorization.credentials() {
            Some(_) => granted.push(authorization),
            None => without += 1,
        }
    }
    assert_eq!(start.elapsed(), TRIAL_WAIT);
    assert_eq!((granted.len(), without), (4, 16));
}

#[tokio::test]
async fn a_late_acceptance_does_not_undo_a_rejection() {
    let upstream = with_credentials();
    ask(&upstream, true, 200).await;
    let late = upstream.authorize(false).await;
    ask(&upstream, false, 407).await;
    ask(&upstream, false, 407).await;
    late.conclude(200);
    assert!(upstream.rejected());
}

#[tokio::test]
async fn a_reload_keeps_what_was_learnt_about_the_same_credentials() {
    let old = with_credentials();
    assert!(ask(&old, true, 407).await);
    assert!(with_credentials().inherit(&old).rejected());
    for changed in [
        "http://user:other@proxy.example:1",
        "http://user:secret@proxy.example:2",
        "http://proxy.example:1",
    ] {
        assert!(!upstream(changed).inherit(&old).rejected());
    }
}

#[test]
fn debug_hides_the_credentials() {
    let text = format!("{:?}", with_credentials());
    assert!(!text.contains("secret"), "{text}");
}
