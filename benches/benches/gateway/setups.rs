//! Tunnels opened, used for one octet each way and closed, as fast as they go.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use narrows_benches::table::{number, percentile, print};
use tokio::task::JoinSet;

use crate::Failure;
use crate::bed::{Bed, Distance};
use crate::leg::{self, Leg};
use crate::options::Options;
use crate::target::{Ask, ask};

/// Clients at a time.
const CLIENTS: usize = 32;

/// Everybody on loopback; the relays without CONNECT make a TLS session for each tunnel, as h1 does.
pub(crate) async fn measure(bed: &Bed, options: &Options) -> Result<(), Failure> {
    let legs = bed.contenders(Distance::Near, &options.leg).await?;
    let mut figures = vec![(Vec::new(), Vec::new()); legs.len()];
    for _ in 0..options.rounds {
        for (leg, (by_clock, by_processor)) in legs.iter().zip(&mut figures) {
            let (start, before) = (Instant::now(), leg.processor());
            round(leg, options.setups).await?;
            let tunnels = options.setups as f64;
            by_clock.push(tunnels / start.elapsed().as_secs_f64());
            by_processor.push(tunnels / (leg.processor() - before).as_secs_f64());
        }
    }
    let rows: Vec<_> = legs
        .iter()
        .zip(&figures)
        .map(|(leg, (by_clock, by_processor))| {
            vec![
                leg.name.clone(),
                number(percentile(by_clock, 50), 0),
                number(percentile(by_processor, 50), 0),
            ]
        })
        .collect();
    let title = format!("Tunnels set up, {CLIENTS} at a time, no delay");
    print(
        &title,
        &["", "a second", "a CPU second of both parties"],
        &rows,
    );
    Ok(())
}

async fn round(leg: &Leg, tunnels: usize) -> Result<(), Failure> {
    let begun = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (entry, target, begun) = (leg.entry, leg.target, Arc::clone(&begun));
        clients.spawn(async move {
            while begun.fetch_add(1, Ordering::Relaxed) < tunnels {
                let (mut stream, _) = leg::open(entry, target).await?;
                ask(&mut stream, Ask::Echo).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    Ok(())
}
