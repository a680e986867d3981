//! One octet to and fro through an open tunnel.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use narrows_benches::table::percentile;

use crate::Failure;
use crate::bed::Bed;
use crate::peers::Running;
use crate::sockets::unless_waiting;
use crate::tunnel::Tunnel;

/// How long it takes, half of the time, in a tunnel with nothing else in the proxy; on the proxy's core,
/// so that no other one has to be woken.
pub(crate) fn alone(
    proxy: Option<&Running>,
    bed: &Bed,
    span: Duration,
) -> Result<Duration, Failure> {
    let mut tunnel = Tunnel::open(proxy, bed, 0)?;
    bed.cores.go_to_proxy()?;
    let trips = time(&mut tunnel, span);
    bed.cores.go_to_load()?;
    percentile(&trips?, 50).ok_or_else(|| "too short to be measured".into())
}

fn time(tunnel: &mut Tunnel, span: Duration) -> Result<Vec<Duration>, Failure> {
    let (start, warm) = (Instant::now(), span / 5);
    let mut trips = Vec::new();
    let mut octet = [b'o'];
    while start.elapsed() < warm + span {
        let begun = Instant::now();
        tunnel.client.write_all(&octet)?;
        tunnel.target.read_exact(&mut octet)?;
        tunnel.target.write_all(&octet)?;
        tunnel.client.read_exact(&mut octet)?;
        if start.elapsed() > warm {
            trips.push(begun.elapsed());
        }
    }
    Ok(trips)
}

// === impl Trips ===

/// Trips that are timed while something else is done, by looking often.
#[derive(Debug)]
pub(crate) struct Trips {
    tunnel: Tunnel,
    begun: Instant,
    /// It has reached the target.
    back: bool,
    all: Vec<Duration>,
}

impl Trips {
    pub(crate) fn start(proxy: &Running, bed: &Bed) -> Result<Self, Failure> {
        let mut tunnel = Tunnel::open(Some(proxy), bed, 0)?;
        tunnel.unblock()?;
        tunnel.client.write_all(b"o")?;
        Ok(Self {
            tunnel,
            begun: Instant::now(),
            back: false,
            all: Vec::new(),
        })
    }

    /// Sends the octet on if it has arrived.
    pub(crate) fn look(&mut self) -> Result<(), Failure> {
        let mut octet = [0];
        let end = if self.back {
            &mut self.tunnel.client
        } else {
            &mut self.tunnel.target
        };
        match unless_waiting(end.read(&mut octet))? {
            None => return Ok(()),
            Some(0) => return Err("the timed tunnel was closed".into()),
            Some(_) => {}
        }
        if self.back {
            self.all.push(self.begun.elapsed());
            self.begun = Instant::now();
        }
        end.write_all(&octet)?;
        self.back = !self.back;
        Ok(())
    }

    /// Trips up to now do not count.
    pub(crate) fn forget(&mut self) {
        self.all.clear();
    }

    /// How long all but so many per cent took.
    pub(crate) fn percentile(&self, per_cent: usize) -> Option<Duration> {
        percentile(&self.all, per_cent)
    }
}
