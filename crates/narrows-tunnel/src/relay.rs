//! The relay: two legs, two directions, exact counts, one reason to end.

use std::fmt;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use narrows_endpoint::Hop;
use pin_project_lite::pin_project;
use tokio::task::yield_now;
use tokio::time::Sleep;

use crate::leg::{Leg, Transport};
pub use counts::Counts;
use flow::Flow;
use patience::Patience;
use turns::Turn;
pub use turns::Turns;

mod counts;
mod flow;
mod pace;
mod patience;
mod scratch;
#[cfg(target_os = "linux")]
mod splice;
#[cfg(not(target_os = "linux"))]
#[path = "relay/copy_only.rs"]
mod splice;
mod turns;

/// How many turns each direction gets before the task goes back to the scheduler.
const TURNS: usize = 8;

/// How many octets it may move until then. A turn that splices may move as much again, and is the last one.
///
/// Much less would cost: the kernel wakes the receiver for each piece, and that takes longer than to move it.
const OCTETS: u64 = 512 * 1024;

/// Carries bytes between the client and the far side until both directions have ended.
///
/// - **Early data** of both legs is delivered first, once and in order.
/// - **Half-close**: each direction runs to its own end of file, which becomes a shutdown of the
///   other side's write half. The opposite direction lives on.
/// - **Reset**: when one side is reset, the other is reset too, unless everything for it had already
///   been delivered and ended. A tunnel that ends by a limit, or is dropped, is reset on both sides in
///   the same way: half an answer never looks whole.
/// - **Back-pressure**: a direction reads no more than it can hand on. What one read brought and the
///   other side did not take is the most that is held, and only while it is not taken.
/// - **Zero copy**: on Linux, a direction between two plain sockets ([`Transport::socket`]) that carries
///   bulk is moved with splice(2), through a pipe that it holds only while bytes are in it. Where no
///   pipe is to be had it is copied, and nothing else changes.
/// - **Idle limit**: over both directions together; any delivered byte starts it anew.
/// - **Lifetime**: a tunnel may be ended at a certain age, however busy it is.
///
/// The future never fails: the [`End`] is the answer, and `counts` holds what was delivered however it
/// ended. Both legs are closed when the future is dropped.
///
/// # Panics
///
/// Outside of a tokio runtime with timers, if there is a limit on time.
///
/// # Cancel safety
///
/// Dropping the future resets both legs. `counts` stays exact; bytes that were read and not yet
/// delivered are lost with the legs.
pub fn relay<C, F>(
    client: Leg<C>,
    far: Leg<F>,
    counts: Arc<Counts>,
    options: &RelayOptions,
) -> Relay<C, F>
where
    C: Transport,
    F: Transport,
{
    let patience = Patience::new(options);
    let sockets = client.io.socket().is_some() && far.io.socket().is_some();
    let splices = options.splice && sockets;
    Relay {
        timer: patience.timer(),
        client: client.io,
        counts,
        ended: false,
        far: far.io,
        first: None,
        patience,
        receiving: Flow::new(far.early, splices),
        sending: Flow::new(client.early, splices),
        turn: Turn::new(options.turns.clone()),
    }
}

pin_project! {
    /// The future of [`relay`]. All that an idle tunnel keeps is in it.
    #[must_use = "futures do nothing unless polled"]
    pub struct Relay<C: Transport, F: Transport> {
        client: C,
        counts: Arc<Counts>,
        ended: bool,
        far: F,
        first: Option<Side>,
        patience: Patience,
        receiving: Flow,
        sending: Flow,
        #[pin]
        timer: Option<Sleep>,
        turn: Turn,
    }

    impl<C: Transport, F: Transport> PinnedDrop for Relay<C, F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            this.turn.leave();
            if !*this.ended {
                pass_reset_on(None, this.client, this.far, this.sending, this.receiving);
            }
        }
    }
}

impl<C: Transport, F: Transport> Future for Relay<C, F> {
    type Output = End;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<End> {
        let mut this = self.project();
        let before = this.counts.total();
        let bulk = this.sending.carries_bulk() || this.receiving.carries_bulk();
        let mut outcome = Poll::Pending;
        if this.turn.begin(cx, bulk) {
            let step = poll_both(
                cx,
                this.client,
                this.far,
                this.sending,
                this.receiving,
                this.counts,
                this.first,
            );
            let moved = this.counts.total() - before;
            let enough = this.turn.end(moved);
            match step {
                Step::Ended(end) => outcome = Poll::Ready(end),
                Step::Waits if !enough => {}
                // Behind all that is ready, and behind what the sockets have to say: a task that wakes
                // itself would be run again before the runtime looks at them.
                Step::Waits | Step::HasMore => drop(pin!(yield_now()).poll(cx)),
            }
            if moved > 0 {
                this.patience.moved();
            }
        }
        if outcome.is_pending() {
            outcome = this.patience.poll(cx, this.timer.as_mut());
        }
        let end = ready!(outcome);
        *this.ended = true;
        this.turn.leave();
        let side = end.side();
        *this.first = this.first.or(side);
        pass_reset_on(side, this.client, this.far, this.sending, this.receiving);
        Poll::Ready(end)
    }
}

impl<C: Transport, F: Transport> Relay<C, F> {
    /// The side that was the first to end: with its end of file, which the other side has by now, or by a
    /// failure. `None` as long as neither has, when both did at once, and when a limit ended the tunnel.
    pub const fn first_to_end(&self) -> Option<Side> {
        self.first
    }
}

impl<C: Transport, F: Transport> fmt::Debug for Relay<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

/// Gives each direction its turns, alternating, until both are done, stuck or out of turns.
fn poll_both<C: Transport, F: Transport>(
    cx: &mut Context<'_>,
    client: &mut C,
    far: &mut F,
    sending: &mut Flow,
    receiving: &mut Flow,
    counts: &Counts,
    first: &mut Option<Side>,
) -> Step {
    let enough = counts.total().saturating_add(OCTETS);
    scratch::with(|buffer| {
        for _ in 0..TURNS {
            let sent = sending.turn(cx, client, far, buffer, counts.of_sent());
            if let Poll::Ready(Err(broken)) = sent {
                return Step::Ended(End::broken(broken, Side::Client, Side::Far));
            }
            let received = receiving.turn(cx, far, client, buffer, counts.of_received());
            if let Poll::Ready(Err(broken)) = received {
                return Step::Ended(End::broken(broken, Side::Far, Side::Client));
            }
            match (sending.is_done(), receiving.is_done()) {
                (true, true) => return Step::Ended(End::Closed),
                (true, false) => *first = first.or(Some(Side::Client)),
                (false, true) => *first = first.or(Some(Side::Far)),
                (false, false) => {}
            }
            if sent.is_pending() && received.is_pending() {
                return Step::Waits;
            }
            if counts.total() >= enough {
                break;
            }
        }
        Step::HasMore
    })
}

/// What giving both directions their turns came to.
enum Step {
    Ended(End),
    HasMore,
    /// For one of the sockets.
    Waits,
}

/// Tells the side that is still there that the tunnel did not end cleanly.
fn pass_reset_on<C: Transport, F: Transport>(
    end: Option<Side>,
    client: &mut C,
    far: &mut F,
    sending: &Flow,
    receiving: &Flow,
) {
    // A side that has everything, its end of file too, keeps what is still on its way to it: a reset
    // would discard that. Closing is enough, its next byte is answered with RST.
    if end != Some(Side::Far) && !sending.is_done() {
        far.reset_on_drop();
    }
    if end != Some(Side::Client) && !receiving.is_done() {
        client.reset_on_drop();
    }
}

/// How the relay behaves; see the fields.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RelayOptions {
    /// Ends a tunnel over which nothing was delivered for this long, in either direction. `None` never
    /// ends one.
    pub idle: Option<Duration>,
    /// Ends a tunnel after this long, however busy it is. `None` never ends one.
    pub lifetime: Option<Duration>,
    /// Lets the kernel move bulk between two plain sockets, where it can. What arrives is the same
    /// without it, at twice the cost or more.
    pub splice: bool,
    /// Whom the relay shares its runtime with: small messages of one need not wait for the bulk of the
    /// others.
    pub turns: Option<Arc<Turns>>,
}

/// One of the two ends of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Whoever asked for the tunnel.
    Client,
    /// The next hop towards the target.
    Far,
}

/// Why a relay ended. Every tunnel has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// Both directions ran to their end of file.
    Closed,
    /// A side failed otherwise than by a reset, for instance with a time-out of the network.
    Failed {
        /// Who failed.
        side: Side,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// The tunnel has lasted for as long as [`RelayOptions::lifetime`] allows.
    Expired,
    /// Nothing was delivered for as long as [`RelayOptions::idle`] allows.
    Idle,
    /// A side was reset: it sent RST, or was gone when bytes were to be delivered to it.
    Reset {
        /// Who was reset.
        by: Side,
    },
}

// === impl RelayOptions ===

impl Default for RelayOptions {
    /// Splicing, no turns with others, no limit on life, and an idle limit of one hour: far above the
    /// keep-alives of agents that hold WebSockets open, and low enough that a machine that vanished does not
    /// keep its tunnels for days.
    fn default() -> Self {
        Self {
            idle: Some(Duration::from_secs(3600)),
            lifetime: None,
            splice: true,
            turns: None,
        }
    }
}

impl RelayOptions {
    /// Sets the longest life of a tunnel.
    #[must_use]
    pub const fn with_lifetime(mut self, lifetime: Option<Duration>) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets the idle limit.
    #[must_use]
    pub const fn with_idle(mut self, idle: Option<Duration>) -> Self {
        self.idle = idle;
        self
    }

    /// Allows or forbids splicing.
    #[must_use]
    pub const fn with_splice(mut self, splice: bool) -> Self {
        self.splice = splice;
        self
    }

    /// Sets whom bulk takes turns with.
    #[must_use]
    pub fn with_turns(mut self, turns: Arc<Turns>) -> Self {
        self.turns = Some(turns);
        self
    }
}

// === impl End ===

impl End {
    /// Whether both directions ended by themselves.
    pub const fn is_clean(self) -> bool {
        matches!(self, Self::Closed)
    }

    /// The side that ended the tunnel, unless both did or nobody did.
    pub const fn side(self) -> Option<Side> {
        match self {
            Self::Closed | Self::Expired | Self::Idle => None,
            Self::Failed { side, .. } | Self::Reset { by: side } => Some(side),
        }
    }

    /// The party to name for this end: the client, `far` for the far side, or Narrows itself for an
    /// idle limit. `None` for a clean end.
    pub const fn party(self, far: Hop) -> Option<Hop> {
        match (self, self.side()) {
            (Self::Expired | Self::Idle, _) => Some(Hop::Narrows),
            (_, Some(Side::Client)) => Some(Hop::Client),
            (_, Some(Side::Far)) => Some(far),
            (_, None) => None,
        }
    }

    fn broken(broken: flow::Broken, from: Side, to: Side) -> Self {
        let (side, error) = match broken {
            flow::Broken::Read(error) => (from, error),
            flow::Broken::Write(error) => (to, error),
        };
        match error.kind() {
            io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::NotConnected => Self::Reset { by: side },
            kind => Self::Failed { side, kind },
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed"),
            Self::Expired => f.write_str("as old as a tunnel may get"),
            Self::Failed { kind, .. } => write!(f, "{kind}"),
            Self::Idle => f.write_str("idle for too long"),
            Self::Reset { .. } => f.write_str("reset"),
        }
    }
}
