//! Hashes of a name and of each of its suffixes, in one pass from the right, eight bytes at a time.
//!
//! A hash is a fold of the full eight-byte blocks behind the part's beginning, counted from the end of the
//! name, and then of what is left of the block in which it begins. So all suffixes share the work on the
//! blocks.
//!
//! Not for keys that want to collide: keys come from rules, not from clients, and every hit is compared
//! with the real text.

/// Odd numbers without a pattern.
const SEED: u64 = 0x243f_6a88_85a3_08d3;
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
const WHOLE: u64 = 0xd6e8_feb8_6659_fd93;
const SUFFIX: u64 = 0xa076_1d64_78bd_642f;

/// A proper suffix of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Suffix {
    pub(super) hash: u64,
    /// Where it begins in the name, behind a dot.
    pub(super) start: usize,
}

/// The hash of a text as a proper suffix of names.
pub(super) fn of_suffix(text: &str) -> u64 {
    let (state, rest) = walk(text.as_bytes(), |_, _, _| {});
    finish(state, rest, text.len(), SUFFIX)
}

/// The hash of a whole name.
pub(super) fn of_whole(name: &str) -> u64 {
    with_suffixes(name, |_| {})
}

/// Calls `visit` with every proper suffix of the name, the shortest first, and returns the hash of the
/// whole name.
#[inline]
pub(super) fn with_suffixes(name: &str, mut visit: impl FnMut(Suffix)) -> u64 {
    let bytes = name.as_bytes();
    let (state, rest) = walk(bytes, |state, word, end| {
        let mut dots = dots_in(word);
        while dots != 0 {
            let dot = 63 - dots.leading_zeros();
            let start = end + dot as usize / 8 - 7;
            // In two steps, because behind the last byte of the word is nothing.
            let behind = word >> dot >> 1;
            visit(Suffix {
                hash: finish(state, behind, bytes.len() - start, SUFFIX),
                start,
            });
            dots ^= 1 << dot;
        }
    });
    finish(state, rest, bytes.len(), WHOLE)
}

/// Goes through the blocks from the right, each with the state behind it and its end. Returns the state of
/// all full blocks, and the bytes in front of them.
#[inline]
fn walk(bytes: &[u8], mut block: impl FnMut(u64, u64, usize)) -> (u64, u64) {
    let mut state = SEED;
    let mut end = bytes.len();
    while end >= 8 {
        let word = word_before(bytes, end);
        block(state, word, end);
        state = fold(state ^ word, STEP);
        end -= 8;
    }
    if end == 0 {
        return (state, 0);
    }
    let word = word_before(bytes, end);
    block(state, word, end);
    (state, word >> (64 - 8 * end))
}

/// Up to eight bytes before `end`, the last one in the most significant place, zeros for those that lie
/// before the beginning.
#[inline]
fn word_before(bytes: &[u8], end: usize) -> u64 {
    if let Some(chunk) = bytes[..end].last_chunk() {
        return u64::from_le_bytes(*chunk);
    }
    match bytes.first_chunk() {
        Some(chunk) => u64::from_le_bytes(*chunk) << (64 - 8 * end),
        None => {
            bytes[..end]
                .iter()
                .rev()
                .fold((0, 64), |(word, at), &byte| {
                    (word | u64::from(byte) << (at - 8), at - 8)
                })
                .0
        }
    }
}

/// The highest bit of every byte that is a dot. Exact for ASCII, which names are.
#[inline]
const fn dots_in(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let differs = word ^ (ONES * b'.' as u64);
    !(differs.wrapping_add(ONES * 0x7f)) & (ONES * 0x80)
}

/// Mixes in the bytes in front of the full blocks, at most seven, and the length, which tells them from
/// zeros.
#[inline]
const fn finish(state: u64, rest: u64, len: usize, kind: u64) -> u64 {
    fold(state ^ (rest | (len as u64) << 56), kind)
}

/// Multiplies to 128 bits and folds the halves together: every bit in changes every bit out.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the halves are taken apart"
)]
const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every suffix has the hash that it has alone, at every length and distance of dots.
    #[test]
    fn suffixes_hash_like_themselves() {
        for len in 1..40 {
            for gap in 2..12 {
                let name: String = (0..len)
                    .map(|at| match (len - at) % gap {
                        0 => '.',
                        left => char::from(b'a' + u8::try_from(left).unwrap()),
                    })
                    .collect();
                let mut found = Vec::new();
                with_suffixes(&name, |suffix| found.push((suffix.hash, suffix.start)));
                let expected: Vec<_> = name
                    .rmatch_indices('.')
                    .map(|(dot, _)| (of_suffix(&name[dot + 1..]), dot + 1))
                    .collect();
                assert_eq!(found, expected, "{name}");
            }
        }
    }

    #[test]
    fn different_texts_have_different_hashes() {
        let texts = [
            "a",
            "b",
            "ab",
            "ba",
            "a.b",
            "aaaaaaaa",
            "aaaaaaaaa",
            "baaaaaaaa",
            "aaaaaaaab",
        ];
        let mut hashes: Vec<_> = texts
            .map(of_suffix)
            .into_iter()
            .chain(texts.map(of_whole))
            .collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 2 * texts.len());
    }
}
