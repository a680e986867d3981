//! Two peers that talk through a relay, over pipes in memory or over sockets, plain or inside TLS.
//!
//! What a peer sees of the other is the other's own doing: the verdict needs to know nothing of the relay.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use narrows_tunnel::{Counts, End, Leg, RelayOptions, Side, relay};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::noise::{Way, noise};
use crate::seeds::{Dice, Tally};
use carrier::{Carrier, in_memory, on_sockets};
use peer::{Played, play};
use plan::Plan;
use verdict::judge;

mod carrier;
mod peer;
mod pipe;
mod plan;
mod tls;
mod verdict;

/// Over pipes, on a paused clock: all of them inside TLS at one end at least, but for a few.
pub(crate) fn over_pipes(seed: u64, tally: &mut Tally) -> Result<(), String> {
    let mut dice = Dice::new(seed);
    let tls = match dice.between(0, 9) {
        0..3 => [true, false],
        3..6 => [false, true],
        6..9 => [true, true],
        _ => [false, false],
    };
    let plan = Plan::new(&mut dice, tls);
    let runtime = runtime(
        Builder::new_current_thread()
            .enable_time()
            .start_paused(true),
    );
    run(
        &runtime,
        plan,
        tally,
        Duration::from_secs(24 * 3600),
        async |plan| {
            let client = in_memory(&mut dice, &plan.client).await;
            (client, in_memory(&mut dice, &plan.far).await)
        },
    )
}

/// Over sockets: most of them plain, and of these most may be spliced.
pub(crate) fn over_sockets(seed: u64, tally: &mut Tally) -> Result<(), String> {
    let mut dice = Dice::new(seed);
    let tls = match dice.between(0, 11) {
        0 => [true, false],
        1 => [false, true],
        2 => [true, true],
        _ => [false, false],
    };
    let plan = Plan::new(&mut dice, tls);
    let runtime = runtime(Builder::new_current_thread().enable_all());
    run(
        &runtime,
        plan,
        tally,
        Duration::from_secs(120),
        async |plan| {
            let client = on_sockets(&plan.client).await;
            (client, on_sockets(&plan.far).await)
        },
    )
}

fn runtime(builder: &mut Builder) -> Runtime {
    builder.build().unwrap()
}

/// What is known of a tunnel when it is over.
#[derive(Debug)]
struct Course {
    client: Played,
    far: Played,
    end: End,
    /// Octets sent, received, and spliced.
    counts: [u64; 3],
}

/// The ends of a leg: the peer's and the relay's.
type Ends = (Carrier, Carrier);

fn run(
    runtime: &Runtime,
    plan: Plan,
    tally: &mut Tally,
    limit: Duration,
    connect: impl AsyncFnOnce(&Plan) -> (Ends, Ends),
) -> Result<(), String> {
    let plan = Arc::new(plan);
    let course = runtime.block_on(async {
        let (client, far) = connect(&plan).await;
        timeout(limit, talk(&plan, client, far)).await
    });
    let course = course.map_err(|_| format!("it does not end\n{plan:?}"))?;
    note(&course, tally);
    judge(&plan, &course).map_err(|why| format!("{why}\n{course:?}\n{plan:?}"))
}

fn note(course: &Course, tally: &mut Tally) {
    tally.note(match course.end {
        End::Closed => "closed",
        End::Failed { .. } => "failed",
        End::Reset { .. } => "reset",
        End::Expired | End::Idle => "limit",
    });
    if course.counts[2] > 0 {
        tally.note("spliced");
    }
}

async fn talk(plan: &Arc<Plan>, client: Ends, far: Ends) -> Course {
    let counts = Arc::<Counts>::default();
    let options = RelayOptions::default()
        .with_idle(None)
        .with_splice(plan.splice);
    let leg = |side, io| {
        let early = noise(Way::sent_by(side), 0, plan.peer(side).early);
        Leg::new(io, Bytes::from_static(early))
    };
    // A task of its own, so that nobody wakes it but its streams.
    let relay = tokio::spawn(relay(
        leg(Side::Client, client.1),
        leg(Side::Far, far.1),
        Arc::clone(&counts),
        &options,
    ));
    let (client, far, end) = tokio::join!(
        play(Side::Client, client.0, &plan.client),
        play(Side::Far, far.0, &plan.far),
        relay
    );
    Course {
        client,
        far,
        end: end.unwrap(),
        counts: [counts.sent(), counts.received(), counts.spliced()],
    }
}
