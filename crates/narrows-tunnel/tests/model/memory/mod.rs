//! Relays over streams in memory, on a paused clock.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use narrows_tunnel::{Counts, End, Leg, Relay, RelayOptions, Side, Turns, relay};
use tokio::time::{Instant, timeout};

use crate::noise::{Way, noise};
use crate::seeds::{Dice, Tally};
use peer::{Peer, Play, Tunnel, lock};
use plan::{Dropped, Plan, TunnelPlan};
use reference::Reference;

mod peer;
mod plan;
mod reference;
mod stall;

/// Far beyond all pauses and limits of a plan together.
const NEVER: Duration = Duration::from_secs(24 * 3600);

/// Polls in succession that may come to nothing: as many as there may be in a line, and a few.
const IN_VAIN: u32 = 50;

/// One seed: anything may happen.
pub(crate) fn run(seed: u64, tally: &mut Tally) -> Result<(), String> {
    play(Plan::new(&mut Dice::new(seed)), tally)
}

/// One seed: bulk that takes turns, over many tunnels.
pub(crate) fn run_line(seed: u64, tally: &mut Tally) -> Result<(), String> {
    play(Plan::line(&mut Dice::new(seed)), tally)
}

fn play(plan: Plan, tally: &mut Tally) -> Result<(), String> {
    let said = format!("{plan:?}");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let ends = runtime.block_on(run_all(plan));
    for end in ends {
        match end {
            Ok(end) => tally.note(name(end)),
            Err(breach) => return Err(format!("{breach}\n{said}")),
        }
    }
    Ok(())
}

fn name(end: Option<End>) -> &'static str {
    match end {
        None => "dropped",
        Some(End::Closed) => "closed",
        Some(End::Expired) => "expired",
        Some(End::Failed { .. }) => "failed",
        Some(End::Idle) => "idle",
        Some(End::Reset { .. }) => "reset",
    }
}

async fn run_all(plan: Plan) -> Vec<Result<Option<End>, String>> {
    let turns = plan.turns.then(|| Turns::new(std::num::NonZeroUsize::MIN));
    let tasks: Vec<_> = plan
        .tunnels
        .into_iter()
        .map(|plan| tokio::spawn(run_tunnel(plan, turns.clone())))
        .collect();
    let mut ends = Vec::new();
    for task in tasks {
        let joined = task.await.map_err(|error| error.to_string());
        ends.push(joined.and_then(std::convert::identity));
    }
    ends
}

/// How the relay ended, `None` for dropped, if that was right.
async fn run_tunnel(plan: TunnelPlan, turns: Option<Arc<Turns>>) -> Result<Option<End>, String> {
    let counts = Arc::<Counts>::default();
    let early = [plan.client.early, plan.far.early];
    let tunnel = Arc::new(Mutex::new(Tunnel {
        reference: Reference::new(Arc::clone(&counts), early, plan.idle, plan.lifetime),
        client: Play::new(plan.client),
        far: Play::new(plan.far),
    }));
    let mut options = RelayOptions::default()
        .with_idle(plan.idle)
        .with_lifetime(plan.lifetime);
    options.turns = turns;
    let leg = |side, octets| {
        let early = noise(Way::sent_by(side), 0, octets);
        Leg::new(
            Peer::new(side, Arc::clone(&tunnel)),
            Bytes::from_static(early),
        )
    };
    let (client, far) = (leg(Side::Client, early[0]), leg(Side::Far, early[1]));
    let (limit, polls) = match plan.dropped {
        None => (NEVER, u64::MAX),
        Some(Dropped::After(limit)) => (limit, u64::MAX),
        Some(Dropped::Polls(polls)) => (NEVER, polls),
    };
    let watched = Watched {
        relay: Box::pin(relay(client, far, counts, &options)),
        tunnel: Arc::clone(&tunnel),
        polls,
        in_vain: 0,
        last: (0, Instant::now()),
    };
    // Whoever waits for the limit drops the relay.
    let end = match timeout(limit, watched).await {
        Ok(end) => end?,
        Err(_) if limit < NEVER => None,
        Err(_) => {
            let ways = Way::BOTH.map(|way| *lock(&tunnel).reference.way(way));
            return Err(format!("it does not end ({ways:?})"));
        }
    };
    if Arc::strong_count(&tunnel) != 1 {
        return Err("a stream outlived the relay".to_owned());
    }
    let mut tunnel = lock(&tunnel);
    tunnel.judge(end);
    tunnel
        .reference
        .breach()
        .map_or(Ok(end), |breach| Err(breach.clone()))
}

impl Tunnel {
    fn judge(&mut self, end: Option<End>) {
        self.reference.judge(end);
        if end == Some(End::Idle) && !self.reference.is_active() {
            for way in Way::BOTH {
                let waits = self.waits(way);
                let why = |_: &Reference| format!("{way:?} had nothing to wait for");
                self.reference.forbid(!waits, why);
            }
        }
    }

    /// Whether a direction cannot go on for now.
    fn waits(&self, way: Way) -> bool {
        let direction = self.reference.way(way);
        let (from, to) = (self.play(way.from()), self.play(way.to()));
        if direction.shut {
            true
        } else if direction.heard < direction.said {
            to.writing.waits() || to.is_stuck(direction.heard)
        } else if direction.ended {
            to.shutting.waits()
        } else {
            let flushed = to.has == direction.heard || to.flushing.waits();
            (from.reading.waits() || from.is_silent()) && flushed
        }
    }
}

/// A relay that must not be polled in vain for ever, and is not polled any more when it has done wrong.
struct Watched {
    relay: Pin<Box<Relay<Peer, Peer>>>,
    tunnel: Arc<Mutex<Tunnel>>,
    /// How many are left until it is dropped.
    polls: u64,
    in_vain: u32,
    /// What had been done by the last poll, and when that was.
    last: (u64, Instant),
}

impl Future for Watched {
    /// `None` when it is to be dropped.
    type Output = Result<Option<End>, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls == 0 {
            return Poll::Ready(Ok(None));
        }
        self.polls -= 1;
        let end = self.relay.as_mut().poll(cx);
        let (breach, progress) = {
            let tunnel = lock(&self.tunnel);
            (
                tunnel.reference.breach().cloned(),
                tunnel.reference.progress(),
            )
        };
        if let Some(breach) = breach {
            return Poll::Ready(Err(breach));
        }
        let now = (progress, Instant::now());
        self.in_vain = if now == self.last {
            self.in_vain + 1
        } else {
            0
        };
        self.last = now;
        if self.in_vain > IN_VAIN {
            return Poll::Ready(Err("it spins".to_owned()));
        }
        match end {
            Poll::Pending if self.polls == 0 => Poll::Ready(Ok(None)),
            end => end.map(|end| Ok(Some(end))),
        }
    }
}
