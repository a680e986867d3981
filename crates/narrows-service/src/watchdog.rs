//! [`watch`]: signs of life that prove that the runtime turns.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

/// Calls `ping` twice in every `limit`, for ever, as long as the runtime turns.
///
/// Before each call a new task must have run: that takes the timers, the queue of tasks and a free
/// thread, which is what serving takes. A thread of its own would go on pinging for a service that hangs.
///
/// # Cancel safety
///
/// Cancel safe: dropping the future ends the pings.
///
/// # Panics
///
/// When `limit` is shorter than two nanoseconds.
pub async fn watch(limit: Duration, mut ping: impl FnMut()) {
    let mut ticks = interval(limit / 2);
    // After a long hang one sign of life is as good as ten.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if tokio::spawn(async {}).await.is_ok() {
            ping();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn pings_twice_within_the_limit_while_the_runtime_turns() {
        let pings = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&pings);
        tokio::spawn(watch(LIMIT, move || {
            seen.fetch_add(1, Ordering::Relaxed);
        }));
        // One at once, then one each fifteen seconds.
        tokio::time::sleep(LIMIT * 2 + Duration::from_secs(1)).await;
        assert_eq!(pings.load(Ordering::Relaxed), 5);
    }

    #[test]
    fn is_silent_while_the_runtime_hangs() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let (ping, pings) = std::sync::mpsc::channel();
        runtime.block_on(async {
            tokio::spawn(watch(Duration::from_millis(2), move || {
                let _ = ping.send(());
            }));
            while pings.try_recv().is_err() {
                tokio::task::yield_now().await;
            }
            // On a busy machine more than one may have come.
            while pings.try_recv().is_ok() {}
            // The only thread is held for as long as fifty pings take.
            let hung = pings.recv_timeout(Duration::from_millis(50));
            assert!(hung.is_err(), "it pinged although nothing else could run");
        });
    }
}
