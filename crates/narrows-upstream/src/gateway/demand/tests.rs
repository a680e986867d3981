use tokio::time::advance;

use super::*;

#[tokio::test(start_paused = true)]
async fn opens_are_forgotten_second_by_second() {
    let demand = Demand::new();
    assert_eq!(demand.lately(), None);
    for (wait, opens, expected) in [
        (0, 3, 3),
        (4, 2, 5),
        (5, 0, 5),
        (1, 0, 2),
        (3, 1, 3),
        (1, 0, 1),
    ] {
        advance(Duration::from_secs(wait)).await;
        for _ in 0..opens {
            demand.note();
        }
        assert_eq!(
            demand.lately(),
            Some(expected),
            "after {wait} s and {opens} opens"
        );
    }
    advance(WARM - Duration::from_secs(2)).await;
    assert_eq!(demand.lately(), Some(0));
    advance(Duration::from_secs(4)).await;
    assert_eq!(demand.lately(), None);
    demand.note();
    assert_eq!(demand.lately(), Some(1));
}
