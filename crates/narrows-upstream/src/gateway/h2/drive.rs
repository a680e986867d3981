//! The task that drives a shared session: frames, pings, windows.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use h2::client::Connection;
use h2::{Ping, PingPong};
use tokio::time::{Instant, sleep_until};

use super::State;
use crate::gateway::lock;
use crate::gateway::overheard::Overheard;
use crate::{Timeouts, window};

/// Drives a session until it ends: by the gateway, by silence, or because nobody uses it any more.
///
/// However it ends, tunnels that are still open on it end with a reset, never with a clean end.
pub(super) async fn drive(
    mut connection: Connection<Overheard, Bytes>,
    state: Arc<State>,
    heard: Arc<AtomicU64>,
    timeouts: Timeouts,
) {
    let _ended = Ended(&state);
    let Some(pings) = connection.ping_pong() else {
        return;
    };
    let mut pulse = Pulse::new(pings, heard, timeouts);
    loop {
        tokio::select! {
            // What has arrived is read before silence is judged: when this process was stopped or hung, the
            // answer and the deadline are both there at once.
            biased;
            // How it ended is told to each of its tunnels; there is nobody else to tell.
            _ = &mut connection => return,
            () = pulse.beat(&state) => {
                state.silent.store(true, Ordering::Release);
                return;
            }
            () = state.resize.notified() => resize(&mut connection, &state),
        }
    }
}

/// Lets go whoever waits for news of a session that has ended.
struct Ended<'a>(&'a State);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.settled.close();
    }
}

/// Gives the streams larger windows, or the first ones again when there are none.
fn resize(connection: &mut Connection<Overheard, Bytes>, state: &State) {
    let mut load = lock(&state.load);
    let hungry = std::mem::take(&mut load.hungry);
    let size = match load.streams {
        0 => window::FIRST,
        streams if hungry => window::larger(load.window, streams).unwrap_or(load.window),
        _ => return,
    };
    // While an earlier change is not acknowledged the next one waits: whoever is hungry will ask again.
    if size != load.window && connection.set_initial_window_size(size).is_ok() {
        load.window = size;
    }
}

/// Keep-alive pings, which measure the round trip too.
struct Pulse {
    pings: PingPong,
    heard: Arc<AtomicU64>,
    timeouts: Timeouts,
    /// When the ping that waits for its answer was sent.
    sent: Option<Instant>,
    /// What had been heard when it was last looked at.
    known: u64,
    next: Instant,
}

impl Pulse {
    /// The first beat is at once, to learn the round trip.
    fn new(pings: PingPong, heard: Arc<AtomicU64>, timeouts: Timeouts) -> Self {
        Self {
            pings,
            heard,
            timeouts,
            sent: None,
            known: 0,
            next: Instant::now(),
        }
    }

    /// Pings and listens; ends when the gateway is silent.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the state is kept in `self`.
    async fn beat(&mut self, state: &State) {
        loop {
            tokio::select! {
                biased;
                _ = poll_fn(|cx| self.pings.poll_pong(cx)), if self.sent.is_some() => {
                    self.answered(state);
                }
                () = sleep_until(self.next) => if self.is_silent() {
                    return;
                },
            }
        }
    }

    fn answered(&mut self, state: &State) {
        if let Some(sent) = self.sent.take() {
            let rtt = sent.elapsed();
            let mut load = lock(&state.load);
            load.rtt = Some(load.rtt.map_or(rtt, |known| known.min(rtt)));
            // The gateway's settings stand before any pong.
            state.settled.close();
        }
        self.next = Instant::now() + self.timeouts.keep_alive;
    }

    /// At each deadline: sends the next ping, or says that the last one was in vain. A session over which
    /// anything arrives lives, however late its pong.
    fn is_silent(&mut self) -> bool {
        let heard = self.heard.load(Ordering::Relaxed);
        if self.sent.is_some() && heard == self.known {
            return true;
        }
        if self.sent.is_none() && self.pings.send_ping(Ping::opaque()).is_ok() {
            self.sent = Some(Instant::now());
        }
        self.known = heard;
        self.next = Instant::now() + self.timeouts.pong;
        false
    }
}
