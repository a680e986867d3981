//! What the allowlist service answers: a JSON array of names.

use std::collections::BTreeSet;

use narrows_endpoint::{Host, MAX_NAME};

/// More names than any region has, by a factor of ten: one answer cannot fill a firewall.
pub const MAX_NAMES: usize = 4096;

/// Why an answer is not a list of names. An answer is taken whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// There are no names in it.
    #[error("the answer has no names")]
    Empty,
    /// A name that is not one, or not below the suffix: nothing else is opened on the word of a
    /// service.
    #[error("the answer has {0:?}, which is not a name below {1}")]
    Foreign(String, String),
    /// It is not a JSON array of strings.
    #[error("the answer is not a JSON array of strings: {0}")]
    NotJson(String),
    /// There are more names than [`MAX_NAMES`].
    #[error("the answer has {0} names; more than {MAX_NAMES} are not taken")]
    TooMany(usize),
}

/// Reads the names of an answer: lower case, sorted, each once, every one below `suffix`.
///
/// # Errors
///
/// [`AnswerError`]: the answer is not used at all then.
pub fn names(answer: &[u8], suffix: &str) -> Result<Vec<String>, AnswerError> {
    let texts: Vec<String> =
        serde_json::from_slice(answer).map_err(|error| AnswerError::NotJson(error.to_string()))?;
    if texts.is_empty() {
        return Err(AnswerError::Empty);
    }
    if texts.len() > MAX_NAMES {
        return Err(AnswerError::TooMany(texts.len()));
    }
    let names: Result<BTreeSet<String>, _> = texts.iter().map(|text| name(text, suffix)).collect();
    Ok(names?.into_iter().collect())
}

fn name(text: &str, suffix: &str) -> Result<String, AnswerError> {
    let host: Option<Host> = text.parse().ok();
    let name = host
        .as_ref()
        .and_then(Host::name)
        .map(narrows_endpoint::Name::as_str);
    name.filter(|name| {
        name.strip_suffix(suffix)
            .is_some_and(|front| front.ends_with('.'))
    })
    .map(str::to_owned)
    .ok_or_else(|| {
        let text = text.chars().take(MAX_NAME).collect();
        AnswerError::Foreign(text, suffix.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SUFFIX: &str = "servicebus.windows.net";

    #[test]
    fn an_answer_is_sorted_and_each_name_is_there_once() {
        let answer = br#"["G1-prod-b-sb.servicebus.windows.net","azgn-x.servicebus.windows.net.",
            "g1-prod-b-sb.servicebus.windows.net"]"#;
        assert_eq!(
            names(answer, SUFFIX).unwrap(),
            [
                "azgn-x.servicebus.windows.net",
                "g1-prod-b-sb.servicebus.windows.net"
            ]
        );
    }

    #[test]
    fn what_is_not_below_the_suffix_is_refused_with_the_whole_answer() {
        for text in [
            "evil.example",
            "servicebus.windows.net",
            "xservicebus.windows.net",
            "*.servicebus.windows.net",
            "a.servicebus.windows.net:443",
            "https://a.servicebus.windows.net",
            "a b.servicebus.windows.net",
            "192.0.2.1",
        ] {
            let answer = format!(r#"["a.servicebus.windows.net",{text:?}]"#);
            let error = names(answer.as_bytes(), SUFFIX).unwrap_err();
            assert!(matches!(error, AnswerError::Foreign(..)), "{text}: {error}");
        }
        assert_eq!(names(b"[]", SUFFIX), Err(AnswerError::Empty));
        assert!(matches!(names(b"{}", SUFFIX), Err(AnswerError::NotJson(_))));
        assert!(matches!(
            names(b"<html>", SUFFIX),
            Err(AnswerError::NotJson(_))
        ));
        let many = serde_json::to_vec(&vec!["a.servicebus.windows.net"; MAX_NAMES + 1]).unwrap();
        assert_eq!(
            names(&many, SUFFIX),
            Err(AnswerError::TooMany(MAX_NAMES + 1))
        );
    }

    proptest! {
        #[test]
        fn whatever_comes_every_name_taken_is_below_the_suffix(answer in ".{0,200}") {
            for name in names(answer.as_bytes(), SUFFIX).unwrap_or_default() {
                prop_assert!(name.ends_with(".servicebus.windows.net"));
            }
        }
    }
}
