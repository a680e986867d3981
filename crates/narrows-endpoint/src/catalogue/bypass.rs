//! The keywords of `proxy.bypass`.

use std::sync::Arc;

use crate::pattern::Pattern;

/// A keyword of `proxy.bypass` and what it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BypassKeyword {
    /// The keyword in the case that Microsoft shows: `ArcData`.
    pub keyword: Arc<str>,
    /// The names that it covers, on every port and in every region.
    pub patterns: Vec<Pattern>,
}

/// A word that is no keyword of `proxy.bypass`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no bypass keyword {word:?}; the keywords are {}", .known.join(", "))]
pub struct UnknownKeyword {
    word: Box<str>,
    known: Vec<Arc<str>>,
}

// === impl UnknownKeyword ===

impl UnknownKeyword {
    /// What was asked for.
    pub fn word(&self) -> &str {
        &self.word
    }

    /// The keywords that there are.
    pub fn known(&self) -> impl Iterator<Item = &str> {
        self.known.iter().map(|keyword| &**keyword)
    }
}

pub(super) fn find<'a>(
    keywords: &'a [BypassKeyword],
    word: &str,
) -> Result<&'a BypassKeyword, UnknownKeyword> {
    keywords
        .iter()
        .find(|known| known.keyword.eq_ignore_ascii_case(word))
        .ok_or_else(|| UnknownKeyword {
            word: word.into(),
            known: keywords
                .iter()
                .map(|known| Arc::clone(&known.keyword))
                .collect(),
        })
}
