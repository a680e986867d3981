//! [`Limits`] for heads, and [`Status`], what a push parser answers.

/// The most header lines that a head may have, whatever [`Limits`] say: their places are on the stack.
pub const MAX_HEADERS: usize = 128;

/// What a push parser has after the bytes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status<T> {
    /// The whole head, judged.
    Complete(T),
    /// Nothing wrong so far; give the same bytes and more.
    Partial,
}

impl<T> Status<T> {
    /// The head, unless it is still partial.
    pub fn complete(self) -> Option<T> {
        match self {
            Self::Complete(head) => Some(head),
            Self::Partial => None,
        }
    }
}

/// How large a head may grow before it is refused.
///
/// Limits on time belong to whoever reads the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of the head, its blank line included; for a response, its 1xx heads too.
    pub max_bytes: usize,
    /// Header lines in one head. Values above [`MAX_HEADERS`] count as that.
    pub max_headers: usize,
}

impl Default for Limits {
    /// 16 KiB and 100 header lines: room for the largest Negotiate tokens, little for an attacker.
    fn default() -> Self {
        Self {
            max_bytes: 16 * 1024,
            max_headers: 100,
        }
    }
}
