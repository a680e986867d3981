//! Time to an open tunnel: from CONNECT to its 200.

use std::time::Duration;

use narrows_benches::table::{ms, percentile, print};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::Failure;
use crate::bed::{Bed, Distance};
use crate::leg::{self, Leg};
use crate::options::Options;

/// Long enough for sessions to be made ready along the long path.
const REST: Duration = Duration::from_secs(3);
/// Between two tunnels that are opened one after the other.
const PAUSE: Duration = Duration::from_millis(50);
/// Tunnels opened one after the other in a round.
const ONE_BY_ONE: usize = 20;

/// One tunnel at a time, cold and warm.
pub(crate) async fn measure(bed: &Bed, options: &Options) -> Result<(), Failure> {
    let mut rows = Vec::new();
    let direct = bed.direct()?;
    rows.push(row(
        "direct, target on loopback",
        &one_by_one(&direct).await?,
    ));
    for protocol in ["h1", "h2"] {
        let (mut cold, mut warm) = (Vec::new(), Vec::new());
        for _ in 0..options.rounds {
            // A new proxy has never heard of the gateway.
            let leg = bed.narrows(protocol, Distance::Far).await?;
            cold.push(leg.open().await?.1);
            sleep(REST).await;
            warm.extend(one_by_one(&leg).await?);
        }
        rows.push(row(&format!("{protocol}, cold"), &cold));
        rows.push(row(&format!("{protocol}, warm"), &warm));
    }
    let title = format!(
        "Time from CONNECT to 200, round trip to the gateway {} (goal, warm: 0.8 to 1.2 of it)",
        ms(Some(bed.round_trip()))
    );
    print(&title, &HEAD, &rows);
    Ok(())
}

/// Many tunnels at the same moment: the first time after one tunnel was opened, and again.
pub(crate) async fn measure_bursts(bed: &Bed, options: &Options) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for protocol in ["h1", "h2"] {
        let (mut first, mut again) = (Vec::new(), Vec::new());
        for _ in 0..options.rounds {
            let leg = bed.narrows(protocol, Distance::Far).await?;
            leg.open().await?;
            sleep(REST).await;
            first.extend(burst(&leg, options.burst).await?);
            sleep(REST).await;
            again.extend(burst(&leg, options.burst).await?);
        }
        rows.push(row(&format!("{protocol}, first"), &first));
        rows.push(row(&format!("{protocol}, again"), &again));
    }
    let title = format!(
        "{} tunnels at once through a warm gateway, round trip {}",
        options.burst,
        ms(Some(bed.round_trip()))
    );
    print(&title, &HEAD, &rows);
    Ok(())
}

async fn one_by_one(leg: &Leg) -> Result<Vec<Duration>, Failure> {
    let mut times = Vec::new();
    for _ in 0..ONE_BY_ONE {
        times.push(leg.open().await?.1);
        sleep(PAUSE).await;
    }
    Ok(times)
}

/// All of them stay open until the last one is.
async fn burst(leg: &Leg, tunnels: usize) -> Result<Vec<Duration>, Failure> {
    let mut opening = JoinSet::new();
    for _ in 0..tunnels {
        opening.spawn(leg::open(leg.entry, leg.target));
    }
    let mut open = Vec::new();
    while let Some(opened) = opening.join_next().await {
        open.push(opened??);
    }
    Ok(open.into_iter().map(|(_, time)| time).collect())
}

const HEAD: [&str; 5] = ["", "tunnels", "p50", "p99", "max"];

fn row(name: &str, times: &[Duration]) -> Vec<String> {
    vec![
        name.to_owned(),
        times.len().to_string(),
        ms(percentile(times, 50)),
        ms(percentile(times, 99)),
        ms(percentile(times, 100)),
    ]
}
