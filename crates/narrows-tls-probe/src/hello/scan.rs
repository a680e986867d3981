//! Reading numbers and vectors off the front of a slice (RFC 5246 §4), with no panic on any input.

/// Takes `count` octets.
pub(super) fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

/// Takes a number of `width` octets, at most 4.
pub(super) fn number(bytes: &mut &[u8], width: usize) -> Option<usize> {
    let taken = take(bytes, width)?;
    Some(
        taken
            .iter()
            .fold(0, |sum, &octet| sum << 8 | usize::from(octet)),
    )
}

/// Takes a number of two octets.
pub(super) fn pair(bytes: &mut &[u8]) -> Option<u16> {
    let taken = take(bytes, 2)?;
    Some(u16::from_be_bytes([taken[0], taken[1]]))
}

/// Takes a vector whose length stands before it in `width` octets.
pub(super) fn vector<'a>(bytes: &mut &'a [u8], width: usize) -> Option<&'a [u8]> {
    let length = number(bytes, width)?;
    take(bytes, length)
}
