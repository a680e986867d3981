//! [`Windows`]: how much the client may send ahead on each tunnel of its connection.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use h2::server::Connection;
use h2::{Ping, PingPong};
use narrows_tunnel::Transport;
use narrows_upstream::window::{self, Meter};
use tokio::sync::Notify;
use tokio::time::Instant;

/// The windows of one connection: all of its tunnels have the same, and it grows and shrinks with them.
#[derive(Debug)]
pub(super) struct Windows {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    /// A tunnel was limited by its window.
    hungry: bool,
    rtt: Option<Duration>,
    tunnels: usize,
    /// In octets.
    window: u32,
}

/// One tunnel's part in it.
#[derive(Debug)]
pub(super) struct Share {
    meter: Meter,
    windows: Arc<Windows>,
}

// === impl Windows ===

impl Windows {
    pub(super) fn new() -> Self {
        let state = State {
            hungry: false,
            rtt: None,
            tunnels: 0,
            window: window::FIRST,
        };
        Self {
            state: Mutex::new(state),
            changed: Notify::new(),
        }
    }

    /// Measures the round trip, once, while the path is still quiet.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: nothing is measured then, and windows stay as they are.
    pub(super) async fn measure(&self, mut pings: PingPong) {
        let start = Instant::now();
        // A connection that ends before the answer has no use for it.
        if pings.ping(Ping::opaque()).await.is_ok() {
            self.state().rtt = Some(start.elapsed());
        }
    }

    /// Counts a tunnel until its share is dropped.
    pub(super) fn share(self: &Arc<Self>) -> Share {
        let mut state = self.state();
        state.tunnels += 1;
        if state.tunnels > window::streams(state.window) {
            self.changed.notify_one();
        }
        Share {
            meter: Meter::new(),
            windows: Arc::clone(self),
        }
    }

    /// Waits until the windows may need another size.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Gives the tunnels the windows that they need and may have.
    pub(super) fn resize<S: Transport>(&self, h2: &mut Connection<S, Bytes>) {
        let mut state = self.state();
        let hungry = std::mem::take(&mut state.hungry);
        let larger = hungry.then(|| window::larger(state.window, state.tunnels));
        let size = larger
            .flatten()
            .unwrap_or_else(|| window::fitting(state.window, state.tunnels));
        // While an earlier change is not acknowledged the next one waits: whoever is hungry, and the next
        // tunnel, will ask again.
        if size != state.window && h2.set_initial_window_size(size).is_ok() {
            state.window = size;
        }
    }

    /// Locks what no panic leaves half changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Share ===

impl Share {
    /// Counts what was received; asks for a larger window if this one is the limit.
    pub(super) fn received(&mut self, octets: usize) {
        let mut state = self.windows.state();
        if self.meter.is_limited(octets, state.window, state.rtt) {
            state.hungry = true;
            self.windows.changed.notify_one();
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut state = self.windows.state();
        state.tunnels -= 1;
    }
}
