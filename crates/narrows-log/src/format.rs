//! [`Format`]: the form of a log's lines.

use std::fmt;
use std::str::FromStr;

use crate::access::AccessFormat;

/// The form of a log's lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// A request in one line, written when it has ended.
    Access(AccessFormat),
    /// arcproxy's: a request in two lines or more, each a [`Record`](crate::Record).
    #[default]
    Arcproxy,
}

/// A word that names no form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of arcproxy, clf, json, squid")]
pub struct UnknownFormat;

impl Format {
    /// Every form, for tables and parsers.
    pub const ALL: [Self; 4] = [
        Self::Arcproxy,
        Self::Access(AccessFormat::Clf),
        Self::Access(AccessFormat::Json),
        Self::Access(AccessFormat::Squid),
    ];

    /// The word that settings use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access(format) => format.as_str(),
            Self::Arcproxy => "arcproxy",
        }
    }

    /// Whether it has lines for what is no request, such as a start.
    pub const fn has_records(self) -> bool {
        matches!(self, Self::Arcproxy | Self::Access(AccessFormat::Json))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, UnknownFormat> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == word)
            .ok_or(UnknownFormat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_names_every_form() {
        let error = UnknownFormat.to_string();
        for format in Format::ALL {
            assert!(error.contains(format.as_str()), "{format}");
            assert_eq!(format.as_str().parse(), Ok(format));
        }
    }
}
