//! [`Plan`]: what a seed has the peers of one run do.

use std::io::ErrorKind;
use std::time::Duration;

use narrows_tunnel::Side;

use crate::seeds::Dice;

/// Tunnels that run beside each other, and whether they take turns.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) tunnels: Vec<TunnelPlan>,
    pub(crate) turns: bool,
}

#[derive(Debug)]
pub(crate) struct TunnelPlan {
    pub(crate) client: PeerPlan,
    pub(crate) far: PeerPlan,
    pub(crate) idle: Option<Duration>,
    pub(crate) lifetime: Option<Duration>,
    /// When the relay's future is dropped, if it is still there.
    pub(crate) dropped: Option<Dropped>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Dropped {
    After(Duration),
    /// After it was polled so many times: also while it stands in the line.
    Polls(u64),
}

#[derive(Debug, Default)]
pub(crate) struct PeerPlan {
    pub(crate) early: usize,
    pub(crate) says: Vec<Say>,
    pub(crate) ending: Ending,
    /// How its writes are taken, over and over; empty takes everything.
    pub(crate) takes: Vec<Take>,
    /// After so many octets it takes no more.
    pub(crate) last: Option<(u64, Refusal)>,
    /// Whether it holds back what it takes until it is flushed.
    pub(crate) holds: bool,
    /// What each flush takes, over and over.
    pub(crate) flushes: Vec<Pause>,
    pub(crate) flush_fails: Option<ErrorKind>,
    pub(crate) shutdown: Option<Pause>,
    pub(crate) shutdown_fails: Option<ErrorKind>,
}

/// What its reader finds, step by step.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Say {
    /// Nothing, until so many octets have reached this peer.
    Heard(u64),
    Octets(usize),
    Pause(Pause),
}

/// What its reader finds after that.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Ending {
    Fails(ErrorKind),
    #[default]
    Fin,
    /// Nothing, for ever.
    Silence,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Take {
    Pause(Pause),
    UpTo(usize),
}

/// Not ready.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pause {
    Millis(u64),
    /// And woken at once.
    Yield,
}

/// Why it takes no more.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refusal {
    Fails(ErrorKind),
    /// It is not ready, for ever.
    Stuck,
    /// It takes nothing and says that this went well.
    Zero,
}

/// What errors are reset into and what are not.
const ERRORS: [ErrorKind; 8] = [
    ErrorKind::BrokenPipe,
    ErrorKind::ConnectionAborted,
    ErrorKind::ConnectionReset,
    ErrorKind::HostUnreachable,
    ErrorKind::InvalidData,
    ErrorKind::NotConnected,
    ErrorKind::TimedOut,
    ErrorKind::UnexpectedEof,
];

impl Plan {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let many = dice.chance(15);
        let tunnels = if many { dice.size(2, 6) } else { 1 };
        Self {
            tunnels: (0..tunnels).map(|_| TunnelPlan::new(dice, many)).collect(),
            turns: dice.chance(if many { 90 } else { 20 }),
        }
    }
}

impl Plan {
    /// Nothing but bulk, so that all of them stand in the line, and some leave it.
    pub(crate) fn line(dice: &mut Dice) -> Self {
        Self {
            tunnels: (0..dice.between(3, 7))
                .map(|_| TunnelPlan::bulk(dice))
                .collect(),
            turns: true,
        }
    }
}

impl TunnelPlan {
    fn bulk(dice: &mut Dice) -> Self {
        let most = if dice.chance(20) { 5 } else { 0 };
        let pieces = (dice.between(0, most), dice.between(1, 5));
        let mut peer = |pieces| PeerPlan {
            says: (0..pieces)
                .map(|_| Say::Octets(dice.size(100_000, 300_000)))
                .collect(),
            ..PeerPlan::default()
        };
        let (client, far) = (peer(pieces.0), peer(pieces.1));
        Self {
            client,
            far,
            idle: dice.chance(50).then_some(Duration::from_millis(50)),
            lifetime: None,
            dropped: dice.chance(30).then(|| Dropped::Polls(dice.between(1, 5))),
        }
    }

    fn new(dice: &mut Dice, bulk: bool) -> Self {
        let (mut client, mut far) = (PeerPlan::default(), PeerPlan::default());
        let said = converse(dice, &mut client, &mut far, bulk);
        client.misbehave(dice, said[1], bulk);
        far.misbehave(dice, said[0], bulk);
        let needs_limit = client.may_stall_for_ever() || far.may_stall_for_ever();
        let millis = |some: bool, millis| some.then(|| Duration::from_millis(millis));
        Self {
            client,
            far,
            idle: millis(needs_limit || dice.chance(50), dice.between(20, 1000)),
            lifetime: millis(dice.chance(15), dice.between(1, 400)),
            dropped: dice
                .chance(if bulk { 25 } else { 10 })
                .then(|| Dropped::new(dice)),
        }
    }
}

impl Dropped {
    fn new(dice: &mut Dice) -> Self {
        match dice.between(0, 2) {
            0 => Self::After(Duration::from_millis(dice.between(0, 200))),
            _ => Self::Polls(dice.between(0, 30)),
        }
    }
}

/// What both say, in an order in which nobody waits for what is never said; how much the client and the
/// far side say in all.
fn converse(dice: &mut Dice, client: &mut PeerPlan, far: &mut PeerPlan, bulk: bool) -> [u64; 2] {
    let early = |dice: &mut Dice| match dice.between(0, 9) {
        0..5 => 0,
        5..9 => dice.size(1, 3000),
        _ => dice.size(3000, 100_000),
    };
    (client.early, far.early) = (early(dice), early(dice));
    let mut said = [client.early as u64, far.early as u64];
    for _ in 0..dice.between(0, 12) {
        let side = dice.pick(&[Side::Client, Side::Far]);
        let (peer, own) = match side {
            Side::Client => (&mut *client, 0),
            Side::Far => (&mut *far, 1),
        };
        let step = match dice.between(0, 9) {
            0..5 => Say::Octets(dice.piece(bulk)),
            5..8 => Say::Heard(said[1 - own]),
            _ => Say::Pause(Pause::new(dice)),
        };
        if let Say::Octets(octets) = step {
            said[own] += octets as u64;
        }
        peer.says.push(step);
    }
    said
}

impl PeerPlan {
    /// Everything else; `hears` is what it is to hear.
    fn misbehave(&mut self, dice: &mut Dice, hears: u64, bulk: bool) {
        self.ending = match dice.between(0, 99) {
            0..72 => Ending::Fin,
            72..90 => Ending::Fails(dice.pick(&ERRORS)),
            _ => Ending::Silence,
        };
        // Whoever takes little at once never has its sender stand in a line.
        if dice.chance(if bulk { 30 } else { 70 }) {
            self.takes = (0..dice.between(0, 4)).map(|_| Take::new(dice)).collect();
            self.takes.push(Take::UpTo(dice.size(500, 100_000)));
        }
        if dice.chance(14) {
            let refusal = match dice.between(0, 9) {
                0..6 => Refusal::Fails(dice.pick(&ERRORS)),
                6..8 => Refusal::Stuck,
                _ => Refusal::Zero,
            };
            self.last = Some((dice.between(0, hears), refusal));
        }
        self.holds = dice.chance(30);
        self.flushes = (0..dice.between(0, 2)).map(|_| Pause::new(dice)).collect();
        self.flush_fails = dice.chance(3).then(|| dice.pick(&ERRORS));
        self.shutdown = dice.chance(30).then(|| Pause::new(dice));
        self.shutdown_fails = dice.chance(10).then(|| dice.pick(&ERRORS));
    }

    const fn may_stall_for_ever(&self) -> bool {
        let stuck = matches!(self.last, Some((_, Refusal::Stuck)));
        stuck || matches!(self.ending, Ending::Silence)
    }
}

impl Take {
    fn new(dice: &mut Dice) -> Self {
        match dice.between(0, 2) {
            0 => Self::Pause(Pause::new(dice)),
            _ => Self::UpTo(dice.size(1, 5000)),
        }
    }
}

impl Pause {
    fn new(dice: &mut Dice) -> Self {
        match dice.between(0, 1) {
            0 => Self::Millis(dice.between(1, 120)),
            _ => Self::Yield,
        }
    }
}
