use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

use proptest::prelude::*;

use super::*;

/// Notes that it was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A relay that moves so much in each turn.
struct Bulk {
    turn: Turn,
    left: usize,
    woken: Arc<Woken>,
}

impl Bulk {
    fn new(turns: &Arc<Turns>, left: usize) -> Self {
        let woken = Arc::<Woken>::default();
        woken.0.store(true, Ordering::Relaxed);
        Self {
            turn: Turn::new(Some(Arc::clone(turns))),
            left,
            woken,
        }
    }

    fn begin(&mut self) -> bool {
        let waker = Waker::from(Arc::clone(&self.woken));
        self.turn.begin(&Context::from_waker(&waker), true)
    }

    /// Polled because it was woken; true when it had its turn.
    fn poll(&mut self, moved: u64) -> bool {
        self.woken.0.store(false, Ordering::Relaxed);
        if !self.begin() {
            return false;
        }
        self.left = self.left.saturating_sub(1);
        if self.turn.end(moved) || self.left > 0 {
            self.woken.0.store(true, Ordering::Relaxed);
        }
        true
    }

    fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::Relaxed)
    }
}

fn turns(threads: usize) -> Arc<Turns> {
    Turns::new(NonZeroUsize::new(threads).unwrap())
}

#[test]
fn whoever_moves_enough_shuts_the_line_until_polled_again() {
    let turns = turns(1);
    let [mut first, mut second, mut third] = [(); 3].map(|()| Bulk::new(&turns, 9));
    assert!(first.poll(BUDGET - 1));
    assert!(second.poll(1), "there is something left");
    assert!(!first.poll(1) && !third.poll(1), "no more");
    assert!(!first.is_woken() && !third.is_woken());
    // The second finds the line open, and that others have come before it.
    assert!(!second.poll(1));
    assert!(first.is_woken() && !third.is_woken());
    assert!(first.poll(BUDGET));
    assert!(!third.is_woken());
}

#[test]
fn whoever_leaves_holds_nobody_up() {
    for leaver in 0..3 {
        let turns = turns(1);
        let mut all = [(); 4].map(|()| Bulk::new(&turns, 9));
        assert!(all[0].poll(BUDGET));
        assert!(!all[1].poll(1) && !all[2].poll(1) && !all[3].poll(1));
        if leaver == 1 {
            // It is called first.
            assert!(!all[0].poll(1) && all[1].is_woken());
        }
        all[leaver].turn.leave();
        all[leaver].left = 0;
        for _ in 0..9 {
            for bulk in all.iter_mut().filter(|bulk| bulk.left > 0) {
                if bulk.is_woken() {
                    bulk.poll(BUDGET);
                }
            }
        }
        let left = all.map(|bulk| bulk.left);
        assert!(left.iter().all(|&left| left < 9), "{left:?} after {leaver}");
    }
}

#[test]
fn light_relays_and_those_without_a_line_never_wait() {
    let turns = turns(1);
    let mut bulk = Bulk::new(&turns, 9);
    assert!(bulk.poll(BUDGET));
    let context = Context::from_waker(Waker::noop());
    assert!(Turn::new(Some(turns)).begin(&context, false));
    assert!(Turn::new(None).begin(&context, true));
}

proptest! {
    /// Whatever comes: if everybody who is woken is polled, everybody comes to an end.
    #[test]
    fn nobody_is_forgotten(
        threads in 1_usize..4,
        steps in prop::collection::vec((any::<prop::sample::Index>(), 0..=BUDGET, 0..20_u8), 1..400),
    ) {
        let turns = turns(threads);
        let mut all: Vec<Bulk> = (0..7).map(|_| Bulk::new(&turns, 5)).collect();
        let mut steps = steps.iter().cycle();
        for _ in 0..10_000 {
            let ready: Vec<usize> = (0..all.len()).filter(|&at| all[at].is_woken()).collect();
            if ready.is_empty() {
                break;
            }
            let (index, moved, leaves) = steps.next().unwrap();
            let at = ready[index.index(ready.len())];
            if *leaves == 0 {
                all[at].turn.leave();
                all.remove(at);
            } else {
                all[at].poll(*moved);
            }
        }
        prop_assert!(all.iter().all(|bulk| bulk.left == 0));
        let line = turns.line();
        prop_assert!(line.waiting.is_empty() && line.running == 0);
    }
}
