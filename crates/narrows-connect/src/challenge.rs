//! Scheme names out of `Proxy-Authenticate` values.

use crate::credentials::is_token;

/// The scheme names of all challenges, in lower case, each once, in the order offered.
///
/// A value is a list of challenges whose parameters are separated by commas too (RFC 9110 §11.6.1): an
/// item starts a challenge unless it is `name=value`.
pub(crate) fn schemes<'a>(values: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let mut schemes = Vec::new();
    for value in values {
        for item in split_outside_quotes(&String::from_utf8_lossy(value)) {
            let (word, rest) = item.split_once([' ', '\t']).unwrap_or((item, ""));
            let scheme = word.to_ascii_lowercase();
            let parameter = rest.trim_start().starts_with('=');
            if is_token(word) && !parameter && !schemes.contains(&scheme) {
                schemes.push(scheme);
            }
        }
    }
    schemes
}

fn split_outside_quotes(text: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let comma = move |c: char| {
        let literal = std::mem::take(&mut escaped);
        match c {
            '"' if !literal => quoted = !quoted,
            '\\' if quoted && !literal => escaped = true,
            _ => {}
        }
        c == ',' && !quoted
    };
    text.split(comma).map(str::trim)
}

#[cfg(test)]
mod tests;
