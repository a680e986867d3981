//! [`Labels`]: names with stars inside labels. A star never crosses a dot.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};

use super::below;

/// A name pattern with a fixed number of labels, at least one of which has a star beside letters.
///
/// The labels behind the last star are literal, so that the pattern is found by looking them up.
#[derive(Clone)]
pub(crate) struct Labels(Arc<Inner>);

struct Inner {
    text: Box<str>,
    /// Where the literal suffix begins in `text`.
    suffix: usize,
    /// The labels in front of the literal suffix, from the right to the left.
    heads: Box<[Label]>,
}

enum Label {
    Literal(Box<str>),
    /// One star: what stands before it and after it says everything.
    Star {
        prefix: Box<str>,
        suffix: Box<str>,
    },
    /// Several stars.
    Stars(GlobMatcher),
}

// === impl Labels ===

impl Labels {
    /// Joins checked parts: `heads` holds lower-case labels with single stars and dots between them,
    /// `suffix` is a canonical name.
    pub(super) fn new(heads: &str, suffix: &str) -> Result<Self, globset::Error> {
        let labels = heads.rsplit('.').map(Label::new);
        Ok(Self(Arc::new(Inner {
            text: format!("{heads}.{suffix}").into(),
            suffix: heads.len() + 1,
            heads: labels.collect::<Result<_, _>>()?,
        })))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The literal labels behind the last star.
    pub(crate) fn suffix(&self) -> &str {
        &self.0.text[self.0.suffix..]
    }

    /// Characters other than stars.
    pub(super) fn literal_len(&self) -> usize {
        self.0.text.bytes().filter(|&byte| byte != b'*').count()
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        below(name, self.suffix()).is_some_and(|head| self.matches_head(head))
    }

    /// Matches what stands in front of the literal suffix, without the dot between.
    pub(crate) fn matches_head(&self, head: &str) -> bool {
        let mut labels = head.rsplit('.');
        self.0
            .heads
            .iter()
            .all(|pattern| labels.next().is_some_and(|label| pattern.matches(label)))
            && labels.next().is_none()
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Labels {}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

// === impl Label ===

impl Label {
    fn new(text: &str) -> Result<Self, globset::Error> {
        let Some((prefix, suffix)) = text.split_once('*') else {
            return Ok(Self::Literal(text.into()));
        };
        if suffix.contains('*') {
            let glob = GlobBuilder::new(text).build()?;
            return Ok(Self::Stars(glob.compile_matcher()));
        }
        Ok(Self::Star {
            prefix: prefix.into(),
            suffix: suffix.into(),
        })
    }

    fn matches(&self, label: &str) -> bool {
        match self {
            Self::Literal(text) => **text == *label,
            Self::Star { prefix, suffix } => {
                label.len() >= prefix.len() + suffix.len()
                    && label.starts_with(&**prefix)
                    && label.ends_with(&**suffix)
            }
            Self::Stars(glob) => glob.is_match(label),
        }
    }
}
