//! [`Plan`]: what a seed has two peers say to each other, and over what.

use narrows_tunnel::Side;

use crate::noise::MOST;
use crate::seeds::Dice;

/// One tunnel between two peers.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) client: PeerPlan,
    pub(super) far: PeerPlan,
    /// Between plain sockets, if both are that.
    pub(super) splice: bool,
}

#[derive(Debug)]
pub(super) struct PeerPlan {
    pub(super) tls: Option<Tls>,
    /// How much of what it says the relay is given beside the stream.
    pub(super) early: usize,
    pub(super) says: Vec<Say>,
    pub(super) ending: Ending,
    /// The most that it reads at once, over and over.
    pub(super) reads: Vec<usize>,
    /// What its system holds of what it sends, in octets; `None` as the system likes.
    pub(super) buffers: Option<usize>,
}

/// The peer's part, and the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tls {
    pub(super) serves: bool,
    pub(super) old: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Say {
    /// Waits until it has heard so many octets.
    Heard(u64),
    Octets(usize),
    /// Lets the others run so many times.
    Yield(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Closes when it has said all, without a word to TLS, if there is TLS.
    Cut,
    /// Says that it has said all, and listens to the end.
    Fin,
    /// The same, and resets when it has heard so many octets.
    FinReset(u64),
    Reset,
}

impl Plan {
    pub(super) fn new(dice: &mut Dice, [client, far]: [bool; 2]) -> Self {
        // The relay serves its client and is served by the far side; the other way round now and then.
        let mut client = PeerPlan::new(dice, client.then_some(false));
        let mut far = PeerPlan::new(dice, far.then_some(true));
        let said = converse(dice, &mut client, &mut far);
        client.ending = Ending::new(dice, said[1]);
        far.ending = Ending::new(dice, said[0]);
        let splice = dice.chance(75);
        Self {
            client,
            far,
            splice,
        }
    }

    pub(super) const fn peer(&self, side: Side) -> &PeerPlan {
        match side {
            Side::Client => &self.client,
            Side::Far => &self.far,
        }
    }
}

impl PeerPlan {
    fn new(dice: &mut Dice, serves: Option<bool>) -> Self {
        let early = if dice.chance(30) {
            dice.size(1, 3000)
        } else {
            0
        };
        let reads = (0..dice.between(1, 3)).map(|_| match dice.between(0, 2) {
            0 => dice.size(1, 2000),
            _ => dice.size(2000, MOST),
        });
        Self {
            early,
            says: Vec::new(),
            ending: Ending::Fin,
            reads: reads.collect(),
            buffers: dice.chance(40).then(|| dice.size(2000, 40_000)),
            tls: serves.map(|serves| Tls {
                serves: serves != dice.chance(20),
                old: dice.chance(25),
            }),
        }
    }

    /// What it says in all, if it comes to that.
    pub(super) fn whole(&self) -> u64 {
        let octets = self.says.iter().map(|say| match say {
            Say::Octets(octets) => *octets as u64,
            Say::Heard(_) | Say::Yield(_) => 0,
        });
        self.early as u64 + octets.sum::<u64>()
    }
}

/// What both say, in an order in which nobody waits for what is never said; how much the client and the
/// far side say in all.
fn converse(dice: &mut Dice, client: &mut PeerPlan, far: &mut PeerPlan) -> [u64; 2] {
    let mut said = [client.early as u64, far.early as u64];
    let bulk = dice.chance(60);
    for _ in 0..dice.between(0, 10) {
        let (peer, own) = if dice.chance(50) {
            (&mut *client, 0)
        } else {
            (&mut *far, 1)
        };
        let step = match dice.between(0, 9) {
            0..6 => Say::Octets(dice.piece(bulk)),
            6..9 => Say::Heard(said[1 - own]),
            _ => Say::Yield(dice.between(1, 5)),
        };
        if let Say::Octets(octets) = step {
            said[own] += octets as u64;
        }
        peer.says.push(step);
    }
    said
}

impl Ending {
    fn new(dice: &mut Dice, hears: u64) -> Self {
        match dice.between(0, 99) {
            0..75 => Self::Fin,
            75..82 => Self::Cut,
            82..89 => Self::FinReset(dice.between(0, hears)),
            _ => Self::Reset,
        }
    }
}
