//! Seeded randomness, the same on every machine.

/// `SplitMix64` (Steele, Lea and Flood 2014): also as a hash of numbers.
pub(crate) const fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A sequence that its name determines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice(u64);

// === impl Dice ===

impl Dice {
    pub(crate) const fn new(name: u64) -> Self {
        Self(mix(name))
    }

    /// A number from `low` to `high`, both included.
    pub(crate) const fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        low + mix(self.0) % (high - low + 1)
    }

    /// Likewise, but each doubling is as likely as the next.
    pub(crate) const fn doublings(&mut self, low: u64, high: u64) -> u64 {
        let reach = self.between(low.ilog2() as u64, high.ilog2() as u64);
        let number = (1 << reach) + self.between(0, (1 << reach) - 1);
        if number < low {
            low
        } else if number > high {
            high
        } else {
            number
        }
    }
}
