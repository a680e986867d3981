//! Bytes that can be checked wherever they arrive: every octet is known by its place.

use std::sync::LazyLock;

use bytes::Bytes;

/// A prime, so that a lost, doubled or swapped buffer of any usual size shows.
const PERIOD: usize = 65_521;

/// One period, twice over, so that a slice can start anywhere in it.
static BLOCK: LazyLock<Bytes> = LazyLock::new(|| {
    let mut state = 0x9e37_79b9_u32;
    let period: Vec<u8> = (0..PERIOD)
        .map(|_| {
            // xorshift32 (Marsaglia 2003): no run of it looks like another.
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[0]
        })
        .collect();
    period.repeat(2).into()
});

/// The octets of the pattern from `offset` on: at most `limit`, at most one period.
///
/// # Panics
///
/// Never on machines whose `usize` has 32 bits or more.
pub fn slice(offset: u64, limit: u64) -> Bytes {
    let start = usize::try_from(offset % PERIOD as u64).expect("below the period");
    let length = usize::try_from(limit.min(PERIOD as u64)).expect("at most the period");
    BLOCK.slice(start..start + length)
}

/// The first `length` octets of the pattern.
pub fn bytes(length: u64) -> Vec<u8> {
    let mut all = Vec::new();
    while (all.len() as u64) < length {
        let offset = all.len() as u64;
        all.extend_from_slice(&slice(offset, length - offset));
    }
    all
}

/// Compares what arrives with the pattern, octet by octet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checker {
    /// Octets that arrived so far.
    pub count: u64,
    /// The place of the first wrong octet's buffer.
    pub wrong_at: Option<u64>,
}

impl Checker {
    /// Takes the next octets.
    pub fn feed(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            let expected = slice(self.count, data.len() as u64);
            let (now, later) = data.split_at(expected.len());
            if now != expected && self.wrong_at.is_none() {
                self.wrong_at = Some(self.count);
            }
            self.count += now.len() as u64;
            data = later;
        }
    }
}
