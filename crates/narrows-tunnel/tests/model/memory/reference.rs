//! [`Reference`]: what the relay may do with its two streams, call by call, and how it must end.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use narrows_tunnel::{Counts, End, Side};
use tokio::time::Instant;

use crate::noise::{Way, noise};

/// A clock that counts milliseconds rounds them up.
pub(super) const TICK: Duration = Duration::from_millis(1);

/// The state that a relay must be in, by what its streams have answered so far. Any breach stays.
pub(super) struct Reference {
    breach: Option<String>,
    broke: Option<(Side, ErrorKind)>,
    counts: Arc<Counts>,
    idle: Option<Duration>,
    lifetime: Option<Duration>,
    /// When an octet was taken the last time.
    moved: Instant,
    /// Grows with everything that is not in vain.
    progress: u64,
    /// When it grew the last time.
    active: Instant,
    reset: [bool; 2],
    started: Instant,
    ways: [Direction; 2],
}

/// One direction.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Direction {
    /// What its reader had: early data too.
    pub(super) said: u64,
    /// What its writer took.
    pub(super) heard: u64,
    /// Its reader is at the end.
    pub(super) ended: bool,
    /// Its writer knows.
    pub(super) shut: bool,
    /// Reads that brought something since the other direction had its turn.
    running: u32,
}

impl Reference {
    pub(super) fn new(
        counts: Arc<Counts>,
        early: [usize; 2],
        idle: Option<Duration>,
        lifetime: Option<Duration>,
    ) -> Self {
        let now = Instant::now();
        let [client, far] = early.map(|octets| Direction {
            said: octets as u64,
            ..Direction::default()
        });
        let mut ways = [Direction::default(); 2];
        ways[Way::Up as usize] = client;
        ways[Way::Down as usize] = far;
        Self {
            breach: None,
            broke: None,
            counts,
            idle,
            lifetime,
            moved: now,
            progress: 0,
            active: now,
            reset: [false; 2],
            started: now,
            ways,
        }
    }

    pub(super) const fn way(&self, way: Way) -> &Direction {
        &self.ways[way as usize]
    }

    pub(super) const fn breach(&self) -> Option<&String> {
        self.breach.as_ref()
    }

    pub(super) const fn progress(&self) -> u64 {
        self.progress
    }

    /// Whether something went on at this very moment: a limit may strike in the middle of it.
    pub(super) fn is_active(&self) -> bool {
        self.active + TICK >= Instant::now()
    }

    /// Notes what must not be; the first is the one that counts.
    pub(super) fn forbid(&mut self, wrong: bool, why: impl FnOnce(&Self) -> String) {
        if wrong && self.breach.is_none() {
            self.breach = Some(format!("{} ({:?})", why(self), self.ways));
        }
    }

    /// Something went on, if only that a peer was not ready.
    pub(super) fn goes_on(&mut self) {
        self.progress += 1;
        self.active = Instant::now();
    }

    // --- what the relay calls. After a breach it gets errors, so that it cannot go on for ever.

    /// The reader of a direction is polled.
    pub(super) fn reads(&mut self, way: Way) -> io::Result<()> {
        self.polled(way);
        let direction = self.ways[way as usize];
        self.forbid(direction.ended, |_| format!("{way:?} read after its end"));
        let behind = direction.said != direction.heard;
        self.forbid(behind, |_| {
            format!("{way:?} read before all was delivered that had been read")
        });
        self.go_on()
    }

    pub(super) fn read(&mut self, way: Way, octets: usize) {
        let direction = &mut self.ways[way as usize];
        direction.said += octets as u64;
        direction.running += 1;
        let starves = direction.running > 1 && !self.ways[way.other() as usize].shut;
        self.forbid(starves, |_| format!("{way:?} has the other's turn too"));
        self.goes_on();
    }

    pub(super) fn ended(&mut self, way: Way) {
        self.ways[way as usize].ended = true;
        self.goes_on();
    }

    /// The writer of a direction is offered these octets.
    pub(super) fn writes(&mut self, way: Way, bytes: &[u8]) -> io::Result<()> {
        self.polled(way);
        let direction = self.ways[way as usize];
        self.forbid(direction.shut, |_| format!("{way:?} written after its end"));
        self.forbid(bytes.is_empty(), |_| format!("{way:?}: an empty write"));
        let made_up = direction.heard + bytes.len() as u64 > direction.said;
        self.forbid(made_up, |_| {
            format!(
                "{way:?}: {} octets offered, more than were read",
                bytes.len()
            )
        });
        self.forbid(bytes != noise(way, direction.heard, bytes.len()), |_| {
            format!("{way:?}: other octets than were said")
        });
        self.go_on()
    }

    pub(super) fn wrote(&mut self, way: Way, octets: usize) {
        self.ways[way as usize].heard += octets as u64;
        self.moved = Instant::now();
        self.goes_on();
    }

    /// The writer of a direction is flushed.
    pub(super) fn flushes(&mut self, way: Way) -> io::Result<()> {
        self.polled(way);
        let shut = self.ways[way as usize].shut;
        self.forbid(shut, |_| format!("{way:?} flushed after its end"));
        self.go_on()
    }

    /// The writer of a direction is shut down.
    pub(super) fn shuts(&mut self, way: Way) -> io::Result<()> {
        self.polled(way);
        let direction = self.ways[way as usize];
        self.forbid(direction.shut, |_| format!("{way:?} shut down twice"));
        self.forbid(!direction.ended, |_| {
            format!("{way:?} shut down before its reader was at the end")
        });
        let short = direction.heard != direction.said;
        self.forbid(short, |_| {
            format!("{way:?} shut down before all was delivered")
        });
        self.go_on()
    }

    pub(super) fn shut(&mut self, way: Way) {
        self.ways[way as usize].shut = true;
        self.goes_on();
    }

    /// A stream has answered with an error.
    pub(super) fn broke(&mut self, side: Side, kind: ErrorKind) {
        self.broke = Some((side, kind));
        self.goes_on();
    }

    pub(super) const fn resets(&mut self, side: Side) {
        self.reset[side as usize] = true;
    }

    fn go_on(&self) -> io::Result<()> {
        match self.breach {
            None => Ok(()),
            Some(_) => Err(io::Error::other("it has done wrong")),
        }
    }

    /// Anything at all is polled.
    fn polled(&mut self, way: Way) {
        let over = self.expected_end().is_some();
        self.forbid(over, |_| format!("{way:?} polled when all was over"));
        self.ways[way.other() as usize].running = 0;
        let counts = (self.counts.sent(), self.counts.received());
        let heard = (self.way(Way::Up).heard, self.way(Way::Down).heard);
        self.forbid(counts != heard, |_| format!("the counts are {counts:?}"));
    }

    // --- what must come of it

    /// The end that the streams' answers make.
    fn expected_end(&self) -> Option<End> {
        use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
        match self.broke {
            Some((by, BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected)) => {
                Some(End::Reset { by })
            }
            Some((side, kind)) => Some(End::Failed { side, kind }),
            None if self.ways.iter().all(|way| way.shut) => Some(End::Closed),
            None => None,
        }
    }

    /// The relay is gone: with an end, or because it was dropped.
    pub(super) fn judge(&mut self, end: Option<End>) {
        self.judge_end(end);
        let counts = (self.counts.sent(), self.counts.received());
        let heard = (self.way(Way::Up).heard, self.way(Way::Down).heard);
        self.forbid(counts != heard, |_| {
            format!("the counts are {counts:?} in the end")
        });
        let spliced = self.counts.spliced();
        self.forbid(spliced != 0, |_| format!("{spliced} octets spliced"));
        let by = end.and_then(End::side);
        for side in [Side::Client, Side::Far] {
            let must = by != Some(side) && !self.way(Way::heard_by(side)).shut;
            let was = self.reset[side as usize];
            self.forbid(was != must, |_| format!("{side:?} reset: {was}, {end:?}"));
        }
    }

    fn judge_end(&mut self, end: Option<End>) {
        let now = Instant::now();
        let idle = self.idle.map(|limit| self.moved + limit);
        let expires = self.lifetime.map(|limit| self.started + limit);
        let first = idle.into_iter().chain(expires).min();
        let late = first.is_some_and(|first| now > first + TICK);
        self.forbid(late, |_| format!("{end:?} after its time"));
        let expected = self.expected_end();
        let right = match end {
            Some(End::Idle) => expected.is_none() && idle.is_some_and(|at| at <= now),
            Some(End::Expired) => expected.is_none() && expires.is_some_and(|at| at <= now),
            Some(_) => end == expected,
            None => expected.is_none(),
        };
        self.forbid(!right, |_| format!("{end:?} and not {expected:?}"));
    }
}
