//! Scheme names out of `Proxy-Authenticate` values.

use crate::credentials::is_token;
use crate::list::list_items;

/// The scheme names of all challenges, in lower case, each once, in the order offered.
///
/// A value is a list of challenges whose parameters are separated by commas too (RFC 9110 §11.6.1): an
/// item starts a challenge unless it is `name=value`.
pub(crate) fn schemes<'a>(values: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let mut schemes = Vec::new();
    for value in values {
        for item in list_items(&String::from_utf8_lossy(value)) {
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

#[cfg(test)]
mod tests;
