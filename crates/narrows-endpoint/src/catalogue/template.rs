//! [`Template`]: a name pattern with tokens for the parts that differ by place and customer.

use std::fmt;
use std::str::FromStr;

use crate::pattern::{Pattern, PatternError};

/// A name pattern in which tokens such as `<region>` may stand for a label or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Template(Box<str>);

/// A template with some of its tokens filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filled {
    /// The text; tokens without a value are left as they are.
    pub(super) text: String,
    /// The same with a star for each of those tokens.
    pub(super) starred: String,
    /// The names of the tokens without a value.
    pub(super) missing: Vec<Box<str>>,
}

/// A run of text, or the name of a token.
enum Piece<'a> {
    Text(&'a str),
    Token(&'a str),
}

// === impl Template ===

impl Template {
    /// The text, tokens and all.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names of the tokens, without brackets, in the order they stand in.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.pieces().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Token(name) => Some(name),
        })
    }

    pub(super) fn fill<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> Filled {
        let mut filled = Filled {
            text: String::new(),
            starred: String::new(),
            missing: Vec::new(),
        };
        for piece in self.pieces() {
            let known = match piece {
                Piece::Text(text) => text,
                Piece::Token(name) => match value(name) {
                    Some(value) => value,
                    None => {
                        filled.text.extend(["<", name, ">"]);
                        filled.starred.push('*');
                        filled.missing.push(name.into());
                        continue;
                    }
                },
            };
            filled.text.push_str(known);
            filled.starred.push_str(known);
        }
        filled
    }

    /// Pieces of a text whose brackets are known to be balanced.
    fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        self.0.split('<').enumerate().flat_map(|(at, run)| {
            let (token, text) = match (at, run.split_once('>')) {
                (1.., Some((token, text))) => (Some(Piece::Token(token)), text),
                _ => (None, run),
            };
            let text = (!text.is_empty()).then_some(Piece::Text(text));
            token.into_iter().chain(text)
        })
    }
}

impl FromStr for Template {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let template = Self(text.into());
        // Any label will do: it only has to be a pattern once the tokens are gone. A stray bracket stays
        // in the text and is refused there.
        template
            .fill(|name| is_token(name).then_some("x"))
            .text
            .parse::<Pattern>()?;
        Ok(template)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
