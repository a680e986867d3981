//! Quoting as Go does it: `strconv.Quote`, and when `slog`'s TextHandler uses it.

use std::fmt::Write as _;

/// Why a quoted text cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

/// Appends the text, quoted if `slog` would quote it: empty, or with a space, an equals sign, a quote
/// or anything that is not printable.
pub(crate) fn push_value(out: &mut String, text: &str) {
    if text.is_empty() || text.chars().any(needs_quotes) {
        push_quoted(out, text);
    } else {
        out.push_str(text);
    }
}

/// Appends the text as `strconv.Quote` gives it: one line, visible.
pub(crate) fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    push_escaped(out, text);
    out.push('"');
}

/// Appends what stands between the quotes.
pub(crate) fn push_escaped(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !is_plain(byte)) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = special.chars();
        if let Some(c) = chars.next() {
            push_char(out, c);
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}

/// Reads a quoted text at the start of `text`; gives the text and what follows the closing quote.
///
/// Octal and hexadecimal escapes are octets in Go; where they are not UTF-8 they are replaced.
pub(crate) fn unquote_prefix(text: &str) -> Result<(String, &str), Damaged> {
    let mut rest = text.strip_prefix('"').ok_or(Damaged)?;
    let mut bytes = Vec::new();
    loop {
        let at = rest.find(['"', '\\', '\n']).ok_or(Damaged)?;
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let special = rest.as_bytes()[at];
        rest = &rest[at + 1..];
        match special {
            b'"' => break,
            b'\\' => rest = unescape(rest, &mut bytes)?,
            _ => return Err(Damaged),
        }
    }
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Ok((text, rest))
}

/// Appends a number in decimal: the standard form costs twice as much, and a line has eight.
pub(crate) fn decimal(out: &mut String, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b"0123456789"[(number % 10) as usize];
        number /= 10;
        if number == 0 {
            break;
        }
    }
    // Digits are ASCII, so the fallback is never taken.
    out.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

/// Reads a plain decimal number, without sign.
pub(crate) fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// What stands for itself inside quotes.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')
}

/// `slog` leaves backslashes and DEL alone in a value that has no other reason for quotes.
fn needs_quotes(c: char) -> bool {
    match c {
        '\0'..=' ' | '"' | '=' => true,
        '!'..='\x7f' => false,
        // Go takes it for the sign of bad UTF-8.
        char::REPLACEMENT_CHARACTER => true,
        _ => !is_printable(c),
    }
}

fn push_char(out: &mut String, c: char) {
    match c {
        '"' | '\\' => out.extend(['\\', c]),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\x0b' => out.push_str("\\v"),
        '\x0c' => out.push_str("\\f"),
        '\r' => out.push_str("\\r"),
        _ if is_printable(c) => out.push(c),
        _ => {
            let code = u32::from(c);
            // Writing to a growing buffer cannot fail, so the result says nothing.
            let _ = match code {
                0..=0x7f => write!(out, "\\x{code:02x}"),
                0x80..=0xffff => write!(out, "\\u{code:04x}"),
                _ => write!(out, "\\U{code:08x}"),
            };
        }
    }
}

/// Go's `unicode.IsPrint` for characters beyond ASCII: letters, marks, numbers, punctuation, symbols.
///
/// The standard library keeps the same table behind `escape_debug`. A character that is not first in
/// its text is escaped there exactly if it is not printable; the first one also if it combines.
pub(crate) fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let mut buffer = [b'x'; 5];
    let len = 1 + c.encode_utf8(&mut buffer[1..]).len();
    // An `x` and a whole character are UTF-8, so the fallback is never taken.
    let text = std::str::from_utf8(&buffer[..len]).unwrap_or_default();
    text.escape_debug().count() == 2
}

/// Reads one escape after its backslash; gives what follows.
fn unescape<'a>(rest: &'a str, bytes: &mut Vec<u8>) -> Result<&'a str, Damaged> {
    let kind = *rest.as_bytes().first().ok_or(Damaged)?;
    let simple = match kind {
        b'a' => 0x07,
        b'b' => 0x08,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 0x0b,
        b'f' => 0x0c,
        b'r' => b'\r',
        b'"' | b'\\' => kind,
        b'0'..=b'7' => {
            let (code, rest) = code(rest, 3, 8)?;
            bytes.push(u8::try_from(code).map_err(|_| Damaged)?);
            return Ok(rest);
        }
        b'x' => {
            let (code, rest) = code(&rest[1..], 2, 16)?;
            bytes.push(u8::try_from(code).map_err(|_| Damaged)?);
            return Ok(rest);
        }
        b'u' | b'U' => {
            let (code, rest) = code(&rest[1..], if kind == b'u' { 4 } else { 8 }, 16)?;
            let c = char::from_u32(code).ok_or(Damaged)?;
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(rest);
        }
        _ => return Err(Damaged),
    };
    bytes.push(simple);
    Ok(&rest[1..])
}

/// Reads exactly `width` digits of a base.
fn code(rest: &str, width: usize, base: u32) -> Result<(u32, &str), Damaged> {
    let (digits, rest) = rest.split_at_checked(width).ok_or(Damaged)?;
    // The standard parser takes a sign, which is no digit.
    let plain = digits.chars().all(|c| c.is_digit(base));
    let code = plain.then(|| u32::from_str_radix(digits, base).ok());
    Ok((code.flatten().ok_or(Damaged)?, rest))
}

#[cfg(test)]
mod tests;
