//! Bypass lists: azcmagent's keywords, and patterns.

use std::sync::Arc;

use narrows_endpoint::{Catalogue, Pattern, PatternError};

/// Why an entry of a bypass list is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BypassError {
    /// A name without a dot that is nearly a keyword.
    #[error("{text:?} is no bypass keyword (did you mean {near:?}?)")]
    Keyword {
        /// The entry.
        text: Box<str>,
        /// The keyword that it resembles most.
        near: Arc<str>,
    },
    /// Neither a keyword nor a pattern.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

/// How much a name of one label may look like a keyword (Jaro-Winkler) before it is taken for a typo.
const TYPO: f64 = 0.8;

impl BypassError {
    /// What to write instead, unless the message says so.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Keyword { .. } => Some(
                "write AAD, ARM, AMA, Arc or ArcData, or a pattern such as *.corp.example or 10.0.0.0/8",
            ),
            Self::Pattern(_) => None,
        }
    }
}

/// Reads one entry: a keyword of `catalogue` in any case, or a pattern.
///
/// # Errors
///
/// [`BypassError`]. A name without a dot that is nearly a keyword is refused too, since it is more
/// likely a typo than a host.
pub fn read(catalogue: &Catalogue, text: &str) -> Result<Vec<Pattern>, BypassError> {
    if let Ok(keyword) = catalogue.bypass(text) {
        return Ok(keyword.patterns.clone());
    }
    let pattern = text.parse()?;
    if text.contains(['.', ':']) {
        return Ok(vec![pattern]);
    }
    let lower = text.to_lowercase();
    let likeness = |known: &str| strsim::jaro_winkler(&known.to_lowercase(), &lower);
    let near = catalogue
        .bypass_keywords()
        .iter()
        .map(|known| (likeness(&known.keyword), &known.keyword))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > TYPO);
    match near {
        Some((_, near)) => Err(BypassError::Keyword {
            text: text.into(),
            near: Arc::clone(near),
        }),
        None => Ok(vec![pattern]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, BypassError> {
        let patterns = super::read(Catalogue::built_in(), text)?;
        Ok(patterns.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn keywords_in_any_case() {
        for text in ["Arc", "arc", "ARC"] {
            assert!(
                read(text)
                    .unwrap()
                    .contains(&"*.his.arc.azure.com".to_owned()),
                "{text}"
            );
        }
        assert_eq!(read("ARM").unwrap(), ["management.azure.com"]);
    }

    #[test]
    fn patterns_and_hosts() {
        for text in [
            "*.corp.example",
            "10.0.0.0/8",
            "[::1]",
            "intranet",
            "node01:8080",
        ] {
            assert_eq!(read(text).unwrap(), [text], "{text}");
        }
    }

    #[test]
    fn typos_and_refused_patterns() {
        for (text, part) in [
            ("ARC-Data", "did you mean \"ArcData\"?"),
            ("AAMA", "did you mean \"AMA\"?"),
            ("*corp.example", "*.corp.example"),
            ("https://corp.example/", "corp.example"),
            ("*", "default route"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
