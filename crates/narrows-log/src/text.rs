//! [`Text`]: somebody's words in a log line, bounded.

use std::fmt;
use std::ops::Deref;

use crate::quote::push_escaped;

/// The most characters of a [`Text`].
pub const MAX_TEXT: usize = 512;

/// Words that are not ours to choose (a client's target, an operating system's message), bounded.
///
/// At most [`MAX_TEXT`] characters; longer texts are cut when they become one and end in `…`, so that
/// what is logged is what is parsed back. Any character may be inside: lines quote it.
///
/// # Examples
///
/// ```
/// use narrows_log::{MAX_TEXT, Text};
///
/// let text = Text::new("a".repeat(4096));
/// assert_eq!(text.chars().count(), MAX_TEXT);
/// assert!(text.ends_with('…'));
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(Box<str>);

impl Text {
    /// Takes the words, cut if they are too long.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        // As many octets as characters at least, so short texts need no count.
        if text.len() > MAX_TEXT && text.chars().count() > MAX_TEXT {
            let last = text.char_indices().nth(MAX_TEXT - 1);
            text.truncate(last.map_or(0, |(at, _)| at));
            text.push('…');
        }
        Self(text.into())
    }

    /// The words with what cannot be seen escaped, so that no terminal has to fear them.
    #[must_use]
    pub fn visible(&self) -> Self {
        let mut out = String::new();
        push_escaped(&mut out, &self.0);
        Self::new(out)
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Text {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
