//! [`Paging`]: what a query asks for.

use std::borrow::Cow;

/// Which part of a list a query asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paging {
    /// Only tunnels with a higher number.
    pub(crate) after: u64,
    /// Only targets that contain this; in the API's `explain`, the target.
    pub(crate) host: String,
    pub(crate) limit: usize,
}

/// What an answer has unless more is asked for, and the most that it has.
const LIMIT: usize = 100;
const MOST: usize = 1000;

impl Paging {
    /// Reads a query. What it does not know, or cannot read, it leaves out.
    pub(crate) fn parse(query: &str) -> Self {
        let mut paging = Self {
            after: 0,
            host: String::new(),
            limit: LIMIT,
        };
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "after" => paging.after = value.parse().unwrap_or(0),
                "host" => paging.host = decode(value).into_owned(),
                "limit" => paging.limit = value.parse().unwrap_or(LIMIT).clamp(1, MOST),
                _ => {}
            }
        }
        paging
    }
}

/// Takes the percent signs out, and `+` for a space; what is no UTF-8 then becomes U+FFFD.
fn decode(value: &str) -> Cow<'_, str> {
    if !value.contains(['%', '+']) {
        return value.into();
    }
    let mut octets = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = (*first == b'%').then(|| after.get(..2)).flatten();
        // `from_str_radix` would take a sign.
        let hex = escaped.filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        let hex = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        let escaped = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let (left, octet) = match (escaped, first) {
            (Some(octet), _) => (&after[2..], octet),
            (None, b'+') => (after, b' '),
            (None, other) => (after, *other),
        };
        octets.push(octet);
        rest = left;
    }
    String::from_utf8_lossy(&octets).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_knows() {
        let paging = Paging::parse("limit=5&host=a%2Eb%3A443&after=7&x=y");
        assert_eq!(
            paging,
            Paging {
                after: 7,
                host: "a.b:443".to_owned(),
                limit: 5
            }
        );
        assert_eq!(Paging::parse("limit=999999").limit, MOST);
        assert_eq!(Paging::parse("limit=0").limit, 1);
        assert_eq!(Paging::parse("limit=x&host").limit, LIMIT);
    }

    #[test]
    fn odd_escapes_stay() {
        for (text, decoded) in [
            ("%", "%"),
            ("%4", "%4"),
            ("%zz+", "%zz "),
            ("%C3%A9%C3", "é\u{fffd}"),
            ("%+1", "% 1"),
        ] {
            assert_eq!(decode(text), decoded, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_query_is_read(query in ".*") {
            let paging = Paging::parse(&query);
            proptest::prop_assert!((1..=MOST).contains(&paging.limit));
        }
    }
}
