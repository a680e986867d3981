use super::*;

/// Two upstreams, and a tunnel through the first.
fn passage() -> Passage {
    let urls = ["http://one.example:1", "http://two.example:2"];
    let all = urls.map(|url| Arc::new(Upstream::new(url.parse().unwrap())));
    Arc::new(Upstreams::new(all).unwrap()).passage(0)
}

/// Tunnels to two targets, opened now, that are written to and give nothing until they end.
async fn two_dead(after: Duration, hung_up: bool) -> bool {
    let one = passage();
    let other = one.clone();
    tokio::time::advance(after).await;
    one.ended(&"a.example:443".parse().unwrap(), 1, 0, hung_up);
    other.ended(&"b.example:443".parse().unwrap(), 1, 0, hung_up);
    one.upstreams.health()[0].parked.is_some()
}

#[tokio::test(start_paused = true)]
async fn clients_that_do_not_wait_speak_against_nobody() {
    for after in [Duration::ZERO, PATIENCE - Duration::from_millis(1)] {
        assert!(!two_dead(after, false).await, "{after:?}");
    }
    assert!(two_dead(PATIENCE, false).await);
}

#[tokio::test(start_paused = true)]
async fn a_far_side_that_hangs_up_on_clients_that_wait_speaks_at_once() {
    assert!(two_dead(Duration::ZERO, true).await);
}

#[tokio::test(start_paused = true)]
async fn what_says_nothing_leaves_no_fact_either() {
    let passage = passage();
    let target = "a.example:443".parse().unwrap();
    passage.ended(&target, 1, 0, false);
    passage.ended(&target, 0, 0, true);
    assert!(passage.upstream().facts().tls.is_none());
    passage.ended(&target, 1, 1, false);
    assert_eq!(passage.upstream().facts().tls.unwrap().error, None);
}
