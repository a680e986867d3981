//! What a proxy asks for in `Proxy-Authenticate` (RFC 9110 §11.6.1): schemes with parameters.

use narrows_connect::list_items;

/// One challenge: its scheme in lower case, and its parameters with names in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) scheme: String,
    pub(crate) parameters: Vec<(String, String)>,
}

/// Reads all challenges of all values, in order. What is neither a scheme nor a parameter is left out, and
/// so are parameters that are not visible ASCII: they would be sent back.
pub(crate) fn offers<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    for value in values {
        let value = String::from_utf8_lossy(value);
        for item in list_items(&value) {
            let (word, rest) = item.split_once([' ', '\t']).unwrap_or((item, ""));
            let rest = rest.trim();
            let parameter = if is_token(word) && !rest.starts_with('=') {
                offers.push(Offer {
                    scheme: word.to_ascii_lowercase(),
                    parameters: Vec::new(),
                });
                rest
            } else {
                item
            };
            if let (Some(offer), Some(read)) = (offers.last_mut(), read_parameter(parameter)) {
                offer.parameters.push(read);
            }
        }
    }
    offers
}

fn read_parameter(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let (name, value) = (name.trim_end(), value.trim_start());
    let value = match value.strip_prefix('"') {
        None => value.to_owned(),
        Some(quoted) => unquote(quoted.strip_suffix('"')?),
    };
    let visible = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    (is_token(name) && visible).then(|| (name.to_ascii_lowercase(), value))
}

fn unquote(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        // A backslash at the end stands for itself.
        plain.push(if c == '\\' {
            rest.next().unwrap_or(c)
        } else {
            c
        });
    }
    plain
}

fn is_token(text: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(token)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(values: &[&str]) -> Vec<(String, Vec<(String, String)>)> {
        let offers = offers(values.iter().map(|value| value.as_bytes()));
        let pairs = offers
            .into_iter()
            .map(|offer| (offer.scheme, offer.parameters));
        pairs.collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        owned.collect()
    }

    #[test]
    fn challenges_with_their_parameters() {
        assert_eq!(
            read(&[
                "Negotiate, NTLM",
                "Digest realm=\"a, \\\"b\\\"\", nonce = \"n==\", QOP=\"auth,auth-int\", stale=false, Basic realm=x",
            ]),
            [
                ("negotiate".to_owned(), vec![]),
                ("ntlm".to_owned(), vec![]),
                (
                    "digest".to_owned(),
                    pairs(&[
                        ("realm", "a, \"b\""),
                        ("nonce", "n=="),
                        ("qop", "auth,auth-int"),
                        ("stale", "false"),
                    ])
                ),
                ("basic".to_owned(), pairs(&[("realm", "x")])),
            ]
        );
        assert_eq!(read(&["realm=x, \"", "", ","]), []);
    }

    proptest! {
        #[test]
        fn anything_is_read_and_what_is_kept_is_visible(value in "\\PC*|Digest [a-z]=\"\\PC*\"") {
            for (_, parameters) in read(&[&value]) {
                for (_, text) in parameters {
                    prop_assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
                }
            }
        }
    }
}
