use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::system::classify;
use super::*;

fn name(text: &str) -> Name {
    let host: Host = text.parse().unwrap();
    host.name().unwrap().clone()
}

#[test]
fn duplicates_go_and_the_order_stays() {
    let addrs = ["2001:db8::1", "10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1"]
        .map(|text| text.parse().unwrap());
    let expected: [IpAddr; 2] = ["2001:db8::1", "10.0.0.1"].map(|text| text.parse().unwrap());
    assert_eq!(tidy(addrs), expected);
}

#[test]
fn endless_answers_are_cut() {
    let many = (0..100_u32).map(|n| IpAddr::V4(n.into()));
    let kept = tidy(many);
    assert_eq!(kept.len(), MAX_ADDRESSES);
    assert_eq!(kept[63], IpAddr::V4(63.into()));
}

#[test]
fn errors_are_told_apart() {
    let kind = |text: &str| match classify(io::Error::other(text)) {
        ResolveError::NotFound => "not found",
        ResolveError::Temporary(_) => "temporary",
        _ => "other",
    };
    for (text, expected) in [
        (
            "failed to lookup address information: Name or service not known",
            "not found",
        ),
        (
            "failed to lookup address information: No address associated with hostname",
            "not found",
        ),
        (
            "failed to lookup address information: Name does not resolve",
            "not found",
        ),
        (
            "failed to lookup address information: Temporary failure in name resolution",
            "temporary",
        ),
        (
            "failed to lookup address information: Try again",
            "temporary",
        ),
        ("Too many open files (os error 24)", "other"),
    ] {
        assert_eq!(kind(text), expected, "{text}");
    }
}

#[tokio::test]
async fn the_system_knows_localhost() {
    let addrs = SystemResolver::new().resolve(&name("localhost")).await;
    assert!(addrs.unwrap().iter().all(IpAddr::is_loopback));
}

#[tokio::test]
async fn the_table_answers_only_what_it_holds() {
    let one = IpAddr::from([192, 0, 2, 1]);
    let table = StaticResolver::new().with("a.example".parse().unwrap(), [one]);
    assert_eq!(table.resolve(&name("a.example")).await.unwrap(), [one]);
    let missing = table.resolve(&name("b.example")).await;
    assert!(matches!(missing, Err(ResolveError::NotFound)));
}

/// A lookup abandoned by its caller still counts against the limit until its thread is free.
#[tokio::test]
async fn lookups_are_bounded_even_when_abandoned() {
    static GATE: Semaphore = Semaphore::const_new(0);
    static STARTED: AtomicUsize = AtomicUsize::new(0);
    fn stuck(_: &str) -> io::Result<Vec<IpAddr>> {
        STARTED.fetch_add(1, Ordering::SeqCst);
        // Closing the gate is what ends this wait.
        assert!(Handle::current().block_on(GATE.acquire()).is_err());
        Ok(vec![[192, 0, 2, 1].into()])
    }

    let resolver = SystemResolver::with_lookup(2, stuck);
    let (host, soon) = (name("a.example"), Duration::from_millis(20));
    for _ in 0..4 {
        let abandoned = tokio::time::timeout(soon, resolver.resolve(&host)).await;
        assert!(abandoned.is_err());
    }
    assert!(STARTED.load(Ordering::SeqCst) <= 2);
    GATE.close();
    assert_eq!(resolver.resolve(&host).await.unwrap().len(), 1);
    assert_eq!(STARTED.load(Ordering::SeqCst), 3);
}
