//! The connections that are being served: counted, waited for, and cut when time is up.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

/// Where a server is on its way to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The listeners are closed; what is open may finish, for a while.
    Draining,
    /// It takes what comes. A server that has not begun to serve is in this phase too.
    Serving,
    /// It takes what comes, and whoever asks whether it is ready should be told that it is not: a balancer
    /// in front of it has time to send new clients elsewhere.
    Unready,
}

/// The tasks that serve connections.
#[derive(Debug)]
pub(crate) struct Live {
    tasks: Mutex<Tasks>,
    changed: Notify,
    waiting: AtomicBool,
    cut: AtomicBool,
    phase: watch::Sender<Phase>,
    /// Connections that are served on tasks of somebody else's.
    elsewhere: AtomicUsize,
}

/// How long after it connected a client's first octets may take when the server begins to drain: a round
/// trip to far away.
const FIRST_WORD: Duration = Duration::from_millis(250);

/// Counts a connection that is served on a task of somebody else's, until it is dropped.
#[derive(Debug)]
pub(crate) struct Elsewhere<'a>(&'a Live);

#[derive(Debug, Default)]
struct Tasks {
    next: u64,
    handles: HashMap<u64, AbortHandle>,
}

pin_project! {
    /// A task's future and its place on the list. An async block would hold the future twice.
    struct Listed<W> {
        #[pin]
        work: W,
        entry: Entry,
    }
}

impl<W: Future<Output = ()>> Future for Listed<W> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().work.poll(cx)
    }
}

/// Takes a task off the list when it ends, however it ends.
struct Entry {
    live: Arc<Live>,
    key: u64,
}

impl Live {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            tasks: Mutex::default(),
            changed: Notify::new(),
            waiting: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            phase: watch::Sender::new(Phase::Serving),
            elsewhere: AtomicUsize::new(0),
        })
    }

    /// Counts a connection that this list has no task for.
    pub(crate) fn elsewhere(&self) -> Elsewhere<'_> {
        self.elsewhere.fetch_add(1, Ordering::Relaxed);
        Elsewhere(self)
    }

    /// How many connections there are, whoever's tasks they are served on.
    pub(crate) fn connections(&self) -> usize {
        self.len() + self.elsewhere.load(Ordering::Relaxed)
    }

    /// Runs a future as a task that [`Live::drained`] waits for and [`Live::cut`] ends.
    pub(crate) fn spawn(self: &Arc<Self>, work: impl Future<Output = ()> + Send + 'static) {
        // The lock is held over the spawn, so that a task that ends at once finds itself listed.
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let key = tasks.next;
        tasks.next += 1;
        let entry = Entry {
            live: Arc::clone(self),
            key,
        };
        let handle = tokio::spawn(Listed { work, entry });
        tasks.handles.insert(key, handle.abort_handle());
    }

    /// Where the server is on its way to its end.
    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Completes when the server stops taking new requests.
    pub(crate) async fn drains(&self) {
        let mut phase = self.phase.subscribe();
        // The sender is part of `self`, so the wait ends only when it is over.
        let _ = phase.wait_for(|phase| *phase == Phase::Draining).await;
    }

    /// Completes when a connection that has not said anything need not be waited for any longer: a moment
    /// after [`Live::drains`]. What a client sends as soon as it is connected may still be on its way.
    pub(crate) async fn drains_silent(&self) {
        self.drains().await;
        tokio::time::sleep(FIRST_WORD).await;
    }

    /// Enters a phase. Of [`Phase::Draining`], connections that wait for another request learn by it that
    /// they are to close.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// Waits until no task is left.
    pub(crate) async fn drained(&self) {
        self.waiting.store(true, Ordering::SeqCst);
        loop {
            let changed = self.changed.notified();
            if self.len() == 0 {
                return;
            }
            changed.await;
        }
    }

    /// Ends all tasks that are left and says how many there were.
    pub(crate) fn cut(&self) -> usize {
        self.cut.store(true, Ordering::SeqCst);
        // Aborting a task that is not running drops it here and now, and its entry takes this lock.
        let handles: Vec<AbortHandle> = {
            let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            tasks.handles.values().cloned().collect()
        };
        for handle in &handles {
            handle.abort();
        }
        handles.len()
    }

    /// Whether tasks that are left are being ended.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }

    pub(crate) fn len(&self) -> usize {
        self.tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .handles
            .len()
    }
}

impl Drop for Elsewhere<'_> {
    fn drop(&mut self) {
        self.0.elsewhere.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut tasks = self
            .live
            .tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        tasks.handles.remove(&self.key);
        drop(tasks);
        if self.live.waiting.load(Ordering::SeqCst) {
            self.live.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_for_the_last_task() {
        let live = Live::new();
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        live.spawn(async {});
        live.spawn(async move { gone.await.unwrap() });
        let mut drained = tokio_test::task::spawn(live.drained());
        tokio_test::assert_pending!(drained.poll());
        go.send(()).unwrap();
        drained.await;
        assert_eq!(live.len(), 0);
    }

    #[tokio::test]
    async fn cuts_what_does_not_end() {
        let live = Live::new();
        live.spawn(std::future::pending());
        live.spawn(std::future::pending());
        assert_eq!(live.cut(), 2);
        live.drained().await;
    }

    /// Tasks end on other threads while somebody begins to wait for them; no order of the two loses the call.
    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn waits_for_tasks_that_are_just_ending() {
        let rounds = if cfg!(miri) { 10 } else { 2000 };
        for round in 0..rounds {
            let live = Live::new();
            for _ in 0..round % 3 + 1 {
                live.spawn(tokio::task::yield_now());
            }
            live.drained().await;
            assert_eq!(live.len(), 0);
        }
    }
}
