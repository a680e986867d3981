//! As many octets as go through, the same for every tunnel if the proxy is fair.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::epoll::EventFlags;
use rustix::fs::{MemfdFlags, memfd_create, sendfile};
use rustix::net::{RecvFlags, recv};

use crate::Failure;
use crate::bed::Bed;
use crate::peers::Running;
use crate::sockets::{Epoll, unless_waiting};
use crate::trips::Trips;
use crate::tunnel::Tunnel;

/// Octets that are sent at once.
const CHUNK: usize = 256 * 1024;
/// After so many octets every stream begins anew; no power of two, so that a chunk that is lost or sent
/// twice is seen.
const PERIOD: usize = 1_000_003;
/// One read in so many is compared with what was sent; the others do not even copy it.
const SAMPLE: u64 = 64;
/// How long what is under way may take once nothing is sent any more.
const DRAIN: Duration = Duration::from_secs(10);

/// Which tunnels are filled, and which way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) tunnels: usize,
    /// Up too, and not only down.
    pub(crate) both: bool,
}

/// What went through.
#[derive(Debug)]
pub(crate) struct Moved {
    /// Octets for each second of the proxy's processor.
    pub(crate) rate: f64,
    /// Jain's index of all directions of all tunnels.
    pub(crate) fairness: f64,
}

/// Fills the tunnels for a while; one more of them carries one octet to and fro if there is one to time it.
pub(crate) fn fill(
    proxy: &Running,
    bed: &Bed,
    shape: Shape,
    span: Duration,
    mut beside: Option<&mut Trips>,
) -> Result<Moved, Failure> {
    let mut bulk = Bulk::open(proxy, bed, shape)?;
    bulk.run(span / 5, beside.as_deref_mut())?;
    if let Some(trips) = beside.as_deref_mut() {
        trips.forget();
    }
    bulk.flows.iter_mut().for_each(|flow| flow.begun = flow.got);
    let before = proxy.process.processor();
    bulk.run(span, beside)?;
    let used = proxy.process.processor() - before;
    let got: Vec<f64> = bulk
        .flows
        .iter()
        .map(|flow| (flow.got - flow.begun) as f64)
        .collect();
    bulk.drain()?;
    if used.is_zero() {
        return Err("too short to be measured".into());
    }
    let (sum, squares) = (
        got.iter().sum::<f64>(),
        got.iter().map(|one| one * one).sum::<f64>(),
    );
    Ok(Moved {
        rate: sum / used.as_secs_f64(),
        fairness: sum * sum / (got.len() as f64 * squares),
    })
}

struct Bulk {
    tunnels: Vec<Tunnel>,
    flows: Vec<Flow>,
    epoll: Epoll,
    pattern: Pattern,
    buffer: Vec<u8>,
}

/// One direction of one tunnel.
struct Flow {
    tunnel: usize,
    down: bool,
    sent: u64,
    got: u64,
    /// What it had got when the measurement began.
    begun: u64,
    reads: u64,
}

impl Bulk {
    fn open(proxy: &Running, bed: &Bed, shape: Shape) -> Result<Self, Failure> {
        let epoll = Epoll::new()?;
        let mut tunnels = Vec::new();
        let mut flows = Vec::new();
        for tunnel in 0..shape.tunnels {
            let opened = Tunnel::open(Some(proxy), bed, tunnel)?;
            opened.unblock()?;
            let (reads, writes) = (EventFlags::IN, EventFlags::OUT);
            let more = if shape.both {
                reads | writes
            } else {
                EventFlags::empty()
            };
            epoll.add(&opened.client, tunnel, reads | more)?;
            epoll.add(&opened.target, tunnel, writes | more)?;
            tunnels.push(opened);
            let ways = if shape.both {
                [true, false].iter()
            } else {
                [true].iter()
            };
            flows.extend(ways.map(|&down| Flow {
                tunnel,
                down,
                sent: 0,
                got: 0,
                begun: 0,
                reads: 0,
            }));
        }
        let pattern = Pattern::make()?;
        Ok(Self {
            tunnels,
            flows,
            epoll,
            pattern,
            buffer: vec![0; 4 * CHUNK],
        })
    }

    fn run(&mut self, span: Duration, mut beside: Option<&mut Trips>) -> Result<(), Failure> {
        let start = Instant::now();
        while start.elapsed() < span {
            let mut moved = false;
            for flow in &mut self.flows {
                if let Some(trips) = beside.as_deref_mut() {
                    trips.look()?;
                }
                moved |= flow.receive(&self.tunnels, &self.pattern, &mut self.buffer)?;
                moved |= flow.send(&self.tunnels, &self.pattern)?;
            }
            // Who times an octet has no time to wait for others.
            if !moved && beside.is_none() {
                let _ = self.epoll.wait(Duration::from_millis(20))?;
            }
        }
        Ok(())
    }

    /// Waits until all that was sent has arrived.
    fn drain(&mut self) -> Result<(), Failure> {
        let start = Instant::now();
        while self.flows.iter().any(|flow| flow.got < flow.sent) {
            if start.elapsed() > DRAIN {
                return Err("octets were lost, or are on their way for ever".into());
            }
            for flow in &mut self.flows {
                flow.receive(&self.tunnels, &self.pattern, &mut self.buffer)?;
            }
        }
        Ok(())
    }
}

impl Flow {
    /// Whether something came.
    fn receive(
        &mut self,
        tunnels: &[Tunnel],
        pattern: &Pattern,
        buffer: &mut [u8],
    ) -> Result<bool, Failure> {
        let tunnel = &tunnels[self.tunnel];
        let end = if self.down {
            &tunnel.client
        } else {
            &tunnel.target
        };
        let compare = self.reads.is_multiple_of(SAMPLE);
        let flags = if compare {
            RecvFlags::empty()
        } else {
            RecvFlags::TRUNC
        };
        let received = recv(end, &mut *buffer, flags).map_err(io::Error::from);
        let Some((_, received)) = unless_waiting(received)? else {
            return Ok(false);
        };
        if received == 0 {
            return Err("closed".into());
        }
        if compare && !pattern.continues(self.got, &buffer[..received]) {
            return Err("other octets arrived than were sent".into());
        }
        self.reads += 1;
        self.got += received as u64;
        Ok(true)
    }

    /// Whether something went.
    fn send(&mut self, tunnels: &[Tunnel], pattern: &Pattern) -> Result<bool, Failure> {
        let tunnel = &tunnels[self.tunnel];
        let end = if self.down {
            &tunnel.target
        } else {
            &tunnel.client
        };
        let mut offset = self.sent % PERIOD as u64;
        let left = PERIOD as u64 - offset;
        let chunk = CHUNK.min(usize::try_from(left).unwrap_or(CHUNK));
        let sent = sendfile(end, &pattern.file, Some(&mut offset), chunk);
        let sent = unless_waiting(sent.map_err(io::Error::from))?;
        self.sent += sent.unwrap_or(0) as u64;
        Ok(sent.is_some())
    }
}

/// What every stream holds, in memory and in a file from which it is sent without being copied.
struct Pattern {
    octets: Vec<u8>,
    file: OwnedFd,
}

impl Pattern {
    fn make() -> io::Result<Self> {
        let mut state = 7_u64;
        let octets: Vec<u8> = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state.to_be_bytes()[0]
        })
        .take(PERIOD)
        .collect();
        let file = memfd_create("pattern", MemfdFlags::CLOEXEC)?;
        let mut rest = &octets[..];
        while !rest.is_empty() {
            let written = rustix::io::write(&file, rest)?;
            rest = &rest[written..];
        }
        Ok(Self { octets, file })
    }

    /// Whether a stream goes on like this after so many octets.
    fn continues(&self, after: u64, mut octets: &[u8]) -> bool {
        let mut at = usize::try_from(after % PERIOD as u64).unwrap_or(0);
        while !octets.is_empty() {
            let most = octets.len().min(PERIOD - at);
            if octets[..most] != self.octets[at..at + most] {
                return false;
            }
            octets = &octets[most..];
            at = 0;
        }
        true
    }
}
