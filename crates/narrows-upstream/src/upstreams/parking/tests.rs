use tokio::time::advance;

use super::*;

fn target(text: &str) -> Target {
    text.parse().unwrap()
}

fn rank(place: &Place) -> Rank {
    place.rank(&target("a.example:443"), Proof::Alive, Instant::now())
}

#[tokio::test(start_paused = true)]
async fn a_parked_upstream_is_tried_by_one_request_at_a_time() {
    let mut place = Place::default();
    assert_eq!(rank(&place), Rank::Good);
    assert!(place.park("refused".into(), Proof::Reached, Instant::now()));
    assert_eq!(rank(&place), Rank::Parked);
    advance(FIRST_REST).await;
    assert_eq!(rank(&place), Rank::Due);
    place.begin_trial(Instant::now());
    assert_eq!(rank(&place), Rank::Parked);
    place.end_trial(Instant::now());
    assert_eq!(rank(&place), Rank::Due, "nothing was found out");
    assert!(place.works(&target("a.example:443"), Proof::Reached));
    assert_eq!(rank(&place), Rank::Good);
}

#[tokio::test(start_paused = true)]
async fn rests_double_up_to_a_bound() {
    let mut place = Place::default();
    let mut rests = Vec::new();
    for _ in 0..9 {
        let now = Instant::now();
        place.park("silent".into(), Proof::Opened, now);
        rests.push((place.parking().unwrap().until - now).as_secs());
    }
    assert_eq!(rests, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
}

#[tokio::test(start_paused = true)]
async fn only_the_fitting_proof_ends_a_rest() {
    let at = target("a.example:443");
    for (wants, proofs) in [
        (Proof::Reached, [true, true, true]),
        (Proof::Opened, [false, true, true]),
        (Proof::Alive, [false, false, true]),
    ] {
        let all = [Proof::Reached, Proof::Opened, Proof::Alive];
        for (proof, expected) in all.into_iter().zip(proofs) {
            let mut place = Place::default();
            place.park("x".into(), wants, Instant::now());
            assert_eq!(place.works(&at, proof), expected, "{wants:?} {proof:?}");
            advance(FIRST_REST).await;
            let due = place.rank(&at, proof, Instant::now()) == Rank::Due;
            assert!(
                expected || !due,
                "a request that proves too little tries nothing"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_bad_target_is_no_evidence_and_two_are() {
    for opened in [false, true] {
        let mut place = Place::default();
        let ill = |place: &mut Place, name: &str| {
            place.fared_ill(&target(name), "x".into(), opened, Instant::now())
        };
        for _ in 0..9 {
            assert!(!ill(&mut place, "a.example:443"));
        }
        assert_eq!(rank(&place), Rank::Suspect);
        let other = target("b.example:443");
        assert_eq!(place.rank(&other, Proof::Alive, Instant::now()), Rank::Good);
        place.works(&other, Proof::Alive);
        assert!(!ill(&mut place, "c.example:443"), "one since it did well");
        assert!(ill(&mut place, "b.example:443"));
        assert_eq!(rank(&place), Rank::Parked);
    }
}

#[tokio::test(start_paused = true)]
async fn suspicion_and_forgiveness_end_it() {
    let mut place = Place::default();
    place.fared_ill(&target("a.example:443"), "x".into(), true, Instant::now());
    place.forgive(&target("a.example:443"));
    assert_eq!(rank(&place), Rank::Good);
    assert!(!place.fared_ill(&target("b.example:443"), "x".into(), true, Instant::now()));
    advance(SUSPICION).await;
    assert_eq!(rank(&place), Rank::Good);
}
