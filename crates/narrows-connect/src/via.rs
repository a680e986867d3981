//! [`Via`]: the proxies that a request has passed.

use crate::request::Version;

/// The proxies that a request has passed: the value of `Via` (RFC 9110 §7.6.3), empty if there were none.
///
/// Visible ASCII and spaces by type, so it fits into a header. What is longer than [`MAX_VIA`] octets loses
/// its oldest entries.
///
/// # Examples
///
/// ```
/// use narrows_connect::{Version, Via};
///
/// let via = Via::read([b"1.1 first (Squid/6), 2 second".as_slice()]);
/// assert!(via.names("second") && !via.names("Squid/6"));
/// let via = via.then(Version::Http11, "third");
/// assert_eq!(via.as_str(), "1.1 first (Squid/6), 2 second, 1.1 third");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Via(Box<str>);

/// The longest [`Via`], in octets: dozens of proxies, which is more than any path has.
pub const MAX_VIA: usize = 1024;

// === impl Via ===

impl Via {
    /// Reads the values of all header lines of that name, in order. Lines with other octets than visible
    /// ASCII, spaces and tabs are left out.
    pub fn read<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut text = String::new();
        for value in values {
            push(&mut text, value);
        }
        Self(newest(&text).into())
    }

    /// Whether a proxy of this name is among them; names compare without case.
    pub fn names(&self, pseudonym: &str) -> bool {
        let received_by = |entry: &str| {
            let name = entry.split_whitespace().nth(1)?;
            Some(name.eq_ignore_ascii_case(pseudonym))
        };
        self.0
            .split(',')
            .any(|entry| received_by(entry) == Some(true))
    }

    /// These, and then the proxy of this name, which received the request in this version.
    ///
    /// A name that is not visible ASCII is not added.
    #[must_use]
    pub fn then(&self, received: Version, pseudonym: &str) -> Self {
        let mut text = String::from(&*self.0);
        let version = match received {
            Version::Http10 => "1.0",
            Version::Http11 => "1.1",
            Version::Http2 => "2",
        };
        push(&mut text, format!("{version} {pseudonym}").as_bytes());
        Self(newest(&text).into())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of the header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Appends a header line's value to a list.
fn push(list: &mut String, value: &[u8]) {
    let Ok(value) = std::str::from_utf8(value) else {
        return;
    };
    let value = value.trim_matches([' ', '\t', ',']);
    if value.is_empty()
        || !value
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~' | b'\t'))
    {
        return;
    }
    if !list.is_empty() {
        list.push_str(", ");
    }
    list.extend(value.chars().map(|c| if c == '\t' { ' ' } else { c }));
}

/// As many whole entries from the end as fit; empty ones before them go with what is forgotten.
fn newest(list: &str) -> &str {
    let mut list = list;
    while list.len() > MAX_VIA {
        list = list
            .split_once(',')
            .map_or("", |(_, rest)| rest.trim_start_matches([' ', ',']));
    }
    list
}

#[cfg(test)]
mod tests;
