//! Octets that would break a line, as three or four that do not.

/// How an octet is written that may not stand for itself.
#[derive(Clone, Copy)]
pub(super) enum Escape {
    /// `%0A`, as in URLs and in Squid's log.
    Percent,
    /// `\x0a`, as in Apache's log.
    Slash,
}

impl Escape {
    const fn sign(self) -> char {
        match self {
            Self::Percent => '%',
            Self::Slash => '\\',
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Percent => "%",
            Self::Slash => "\\x",
        }
    }
}

/// Appends one field: no white space, no quotes, printable ASCII only, and never the lone `-` that stands
/// for an absent field.
pub(super) fn push(out: &mut String, field: &str, escape: Escape) {
    let lone = field == "-";
    for byte in field.bytes() {
        let special = byte == escape.sign() as u8 || byte == b'"' || byte == b'\\' || lone;
        if byte.is_ascii_graphic() && !special {
            out.push(char::from(byte));
        } else {
            out.push_str(escape.prefix());
            for digit in [byte >> 4, byte & 15] {
                out.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
            }
        }
    }
}

/// Reads a field. An escape that is none stands for itself: foreign logs have them; octets that are not
/// UTF-8 are replaced.
pub(super) fn read(field: &str, escape: Escape) -> String {
    if !field.contains(escape.sign()) {
        return field.to_owned();
    }
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some(at) = rest.find(escape.sign()) {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at..];
        match octet(rest, escape) {
            Some((byte, after)) => {
                bytes.push(byte);
                rest = after;
            }
            None => {
                bytes.push(rest.as_bytes()[0]);
                rest = &rest[1..];
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn octet(text: &str, escape: Escape) -> Option<(u8, &str)> {
    let (digits, rest) = text.strip_prefix(escape.prefix())?.split_at_checked(2)?;
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let byte = hex.then(|| u8::from_str_radix(digits, 16).ok()).flatten()?;
    Some((byte, rest))
}
