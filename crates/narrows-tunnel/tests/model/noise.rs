//! What is said: octets in which a piece that is lost, doubled or moved shows.

use std::sync::LazyLock;

use narrows_tunnel::Side;

/// One of the two directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To the client.
    Down,
    /// To the far side.
    Up,
}

/// The most that is asked for at once, in octets.
pub(crate) const MOST: usize = 128 * 1024;

/// A prime, so that no size of a buffer is a multiple.
const PERIOD: usize = 131_071;

/// Where the other direction begins.
const APART: u64 = 54_321;

static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let mut noise: Vec<u8> = std::iter::repeat_with(next).take(PERIOD).collect();
    noise.extend_from_within(..PERIOD);
    noise
});

/// So many octets of a direction, after so many others.
pub(crate) fn noise(way: Way, after: u64, octets: usize) -> &'static [u8] {
    assert!(octets <= MOST);
    let after = after + if way == Way::Down { APART } else { 0 };
    let start = usize::try_from(after).unwrap() % PERIOD;
    &NOISE[start..start + octets]
}

impl Way {
    pub(crate) const BOTH: [Self; 2] = [Self::Up, Self::Down];

    /// The direction that a side sends into.
    pub(crate) const fn sent_by(side: Side) -> Self {
        match side {
            Side::Client => Self::Up,
            Side::Far => Self::Down,
        }
    }

    /// The direction that a side receives.
    pub(crate) const fn heard_by(side: Side) -> Self {
        Self::sent_by(side).other()
    }

    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Down => Self::Up,
            Self::Up => Self::Down,
        }
    }

    /// Who receives.
    pub(crate) const fn to(self) -> Side {
        match self {
            Self::Down => Side::Client,
            Self::Up => Side::Far,
        }
    }

    /// Who sends.
    pub(crate) const fn from(self) -> Side {
        self.other().to()
    }
}
