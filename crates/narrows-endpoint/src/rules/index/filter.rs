//! [`Filter`]: a Bloom filter, so that names which are in no rule touch no more than one word of it.

/// Bits for each key: with three of them set, about one key in three hundred is let through in vain.
const BITS_PER_KEY: usize = 16;

/// Which hashes may have been added. All bits of one key are in one word.
#[derive(Debug)]
pub(super) struct Filter(Box<[u64]>);

impl Filter {
    pub(super) fn new(keys: usize) -> Self {
        let words = (keys * BITS_PER_KEY).div_ceil(64).next_power_of_two();
        Self(vec![0; words].into())
    }

    pub(super) fn add(&mut self, hash: u64) {
        let at = self.word(hash);
        self.0[at] |= bits(hash);
    }

    /// Whether the hash may have been added; never no for one that was.
    #[inline]
    pub(super) fn may_have(&self, hash: u64) -> bool {
        let bits = bits(hash);
        self.0[self.word(hash)] & bits == bits
    }

    /// The upper half chooses the word, because the table's buckets are chosen by the lower.
    #[inline]
    const fn word(&self, hash: u64) -> usize {
        (hash >> 32) as usize & (self.0.len() - 1)
    }
}

/// Three bits by the lowest eighteen bits of the hash.
#[inline]
const fn bits(hash: u64) -> u64 {
    1 << (hash & 63) | 1 << (hash >> 6 & 63) | 1 << (hash >> 12 & 63)
}
