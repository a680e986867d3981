use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

use super::*;

fn upstream(url: &str) -> Upstream {
    Upstream::new(url.parse().unwrap())
}

fn with_credentials() -> Upstream {
    upstream("http://user:secret@proxy.example:1")
}

/// Asks, reports `status`, and says whether the credentials were granted.
async fn ask(upstream: &Upstream, challenged: bool, status: u16) -> bool {
    let authorization = upstream.authorize(challenged).await;
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
    assert!(!ask(&upstream, false, 200).await);
    drop(upstream.authorize(true).await);
    assert!(ask(&upstream, true, 407).await);
}

#[tokio::test]
async fn no_credentials_are_made_up() {
    let upstream = upstream("http://proxy.example:1").preemptive(true);
    assert!(!ask(&upstream, true, 407).await);
    assert!(!upstream.rejected());
}

#[test]
fn only_one_request_tries_unknown_credentials() {
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

#[test]
fn a_late_acceptance_does_not_undo_a_rejection() {
    let upstream = with_credentials();
    assert_ready!(spawn(upstream.authorize(true)).poll()).conclude(200);
    let late = assert_ready!(spawn(upstream.authorize(false)).poll());
    assert_ready!(spawn(upstream.authorize(false)).poll()).conclude(407);
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
