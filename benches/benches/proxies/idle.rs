//! Many tunnels in which nothing happens.

use std::time::{Duration, Instant};

use crate::bed::Bed;
use crate::peers::Running;
use crate::tunnel::Tunnel;
use crate::{Failure, setups};

/// Set-ups at a time beside the idle tunnels.
const BESIDE: usize = 16;
/// What each tunnel moves, each way, before it is idle again.
const USED: usize = 64 * 1024;
/// Until a proxy has come to rest.
const REST: Duration = Duration::from_secs(1);

/// What so many idle tunnels cost.
#[derive(Debug)]
pub(crate) struct Cost {
    /// KiB for each tunnel that was never used.
    pub(crate) fresh: f64,
    /// KiB for each after it was used.
    pub(crate) used: f64,
    /// Descriptors for each.
    pub(crate) descriptors: f64,
    /// Share of a core while nothing happens.
    pub(crate) processor: f64,
    /// Set-ups beside them, for each second of the proxy's processor.
    pub(crate) setups: f64,
}

/// Measures a proxy that has just been started.
pub(crate) fn cost(
    proxy: &Running,
    bed: &Bed,
    count: usize,
    span: Duration,
) -> Result<Cost, Failure> {
    // What a proxy makes for its first tunnel, it makes for all of them.
    Tunnel::open(Some(proxy), bed, 0)?.exchange(b"first")?;
    std::thread::sleep(REST);
    let process = &proxy.process;
    let (memory, descriptors) = (process.memory(), process.descriptors());
    let grown = || (process.memory() as f64 - memory as f64) / count as f64;
    let mut tunnels = Vec::with_capacity(count);
    for turn in 0..count {
        let tunnel = Tunnel::open(Some(proxy), bed, turn);
        tunnels.push(tunnel.map_err(|error| format!("after {turn} tunnels: {error}"))?);
    }
    std::thread::sleep(REST);
    let fresh = grown();
    let descriptors = (process.descriptors() as f64 - descriptors as f64) / count as f64;
    let octets = vec![b'u'; USED];
    for tunnel in &mut tunnels {
        tunnel.exchange(&octets)?;
    }
    std::thread::sleep(REST);
    let used = grown();
    let (start, before) = (Instant::now(), process.processor_finely());
    std::thread::sleep(span.max(REST));
    let processor =
        (process.processor_finely() - before).as_secs_f64() / start.elapsed().as_secs_f64();
    let setups = setups::rate(proxy, bed, BESIDE, span)?;
    if let Some(tunnel) = tunnels.first_mut() {
        tunnel.exchange(b"still there")?;
    }
    Ok(Cost {
        fresh,
        used,
        descriptors,
        processor,
        setups,
    })
}
