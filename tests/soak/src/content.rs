//! Octets that are known by their tunnel, their direction and their place.

use std::sync::LazyLock;

/// A prime, so that a lost, doubled or swapped buffer of any usual size shows.
const PERIOD: usize = 65_521;
/// The longest slice.
pub(crate) const LONGEST: usize = 1 << 16;

/// Long enough that a slice of [`LONGEST`] can start anywhere in the period.
static BLOCK: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state = 0x9e37_79b9_u32;
    let period = (0..PERIOD).map(|_| {
        // xorshift32 (Marsaglia 2003): no run of it looks like another.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    });
    let period: Vec<u8> = period.collect();
    period.repeat(3)
});

/// One direction of one tunnel. Another tunnel's octets, or the other direction's, are wrong here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content {
    at: usize,
}

// === impl Content ===

impl Content {
    /// The content that this number names.
    pub(crate) fn new(name: u64) -> Self {
        let at = usize::try_from(crate::dice::mix(name) % PERIOD as u64).unwrap_or_default();
        Self { at }
    }

    /// The next octets: at most [`LONGEST`], and none of them used up.
    pub(crate) fn next(&self, most: usize) -> &'static [u8] {
        &BLOCK[self.at..self.at + most.min(LONGEST)]
    }

    /// Uses octets up.
    pub(crate) const fn advance(&mut self, octets: usize) {
        self.at = (self.at + octets) % PERIOD;
    }

    /// Compares the next octets with these, and uses them up.
    pub(crate) fn is_next(&mut self, octets: &[u8]) -> bool {
        let mut same = true;
        for piece in octets.chunks(LONGEST) {
            same &= self.next(piece.len()) == piece;
            self.advance(piece.len());
        }
        same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_any_size_are_the_same_octets() {
        let (mut one, mut other) = (Content::new(7), Content::new(7));
        for size in [1, 2, 65_520, 65_521, 65_522, 3, LONGEST] {
            for piece in one.next(size).chunks(1000) {
                assert!(other.is_next(piece));
            }
            one.advance(size);
        }
    }

    #[test]
    fn a_lost_a_doubled_and_a_foreign_octet_show() {
        let mine = Content::new(7).next(100);
        assert!(!Content::new(7).is_next(&mine[1..]));
        assert!(!Content::new(7).is_next(&[&mine[..50], &mine[49..99]].concat()));
        assert!(!Content::new(8).is_next(mine));
    }
}
