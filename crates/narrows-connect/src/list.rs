//! [`list_items`]: the items of a field that is a list.

/// The items of a field that is a list (RFC 9110 §5.6.1), without the space around them. A comma inside a
/// quoted string separates nothing. Empty items, which a list may have, are given too.
///
/// # Examples
///
/// ```
/// use narrows_connect::list_items;
///
/// let items: Vec<_> = list_items(r#"Basic realm="a, b", Negotiate"#).collect();
/// assert_eq!(items, [r#"Basic realm="a, b""#, "Negotiate"]);
/// ```
pub fn list_items(value: &str) -> impl Iterator<Item = &str> {
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
    value.split(comma).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_together_and_escapes_hold_quotes() {
        for (value, items) in [
            ("", &[""][..]),
            ("a,b", &["a", "b"]),
            (" a ,, b ", &["a", "", "b"]),
            ("\"a,b\",c", &["\"a,b\"", "c"]),
            ("\"a\\\",b\",c", &["\"a\\\",b\"", "c"]),
            // Outside of quotes a backslash is nothing special; what is never closed goes to the end.
            ("a\\,b", &["a\\", "b"]),
            ("\"a,b", &["\"a,b"]),
        ] {
            let found: Vec<_> = list_items(value).collect();
            assert_eq!(found, items, "{value}");
        }
    }
}
