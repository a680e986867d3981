//! Foreign bytes as text for people: bounded, one line.

/// The bytes as UTF-8, replaced where they are not; at most `max` characters, the last one `…` if cut.
pub(crate) fn lossy(bytes: &[u8], max: usize) -> String {
    // Four octets are the longest character, so the rest of a huge field is never decoded.
    let bytes = &bytes[..bytes.len().min(4 * (max + 1))];
    cut(String::from_utf8_lossy(bytes).into_owned(), max)
}

/// The first bytes of a foreign answer, everything that is not visible ASCII escaped.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(EXCERPT + 1)];
    cut(head.escape_ascii().to_string(), EXCERPT)
}

fn cut(mut text: String, max: usize) -> String {
    if text.chars().count() > max {
        let keep = text.char_indices().nth(max - 1).map_or(0, |(at, _)| at);
        text.truncate(keep);
        text.push('…');
    }
    text
}

/// Characters of a foreign answer that an error shows.
const EXCERPT: usize = 80;
