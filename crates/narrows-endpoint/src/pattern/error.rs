//! Why a text is not a pattern, and what to write instead.

use ipnet::IpNet;

use crate::host::HostError;

/// A text that is not a pattern: the text, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pattern {text:?}: {problem}")]
pub struct PatternError {
    text: Box<str>,
    problem: PatternProblem,
}

/// What is wrong with a pattern. The message says what to write instead, where that can be known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternProblem {
    /// `192.168.1.*`: stars do not stand in addresses.
    #[error("an address has no stars; write a network such as {instead}")]
    AddressStar {
        /// A network that is probably meant.
        instead: Box<str>,
    },
    /// `**`.
    #[error("two stars in a row mean no more than one; *.example.com covers every depth already")]
    DoubleStar,
    /// Nothing at all.
    #[error("the pattern is empty; write a name, an address or a network")]
    Empty,
    /// The part that is no pattern syntax is not a host either.
    #[error("{0}")]
    Host(#[from] HostError),
    /// `10.1.2.3/8`: the address says more than the prefix keeps.
    #[error("address bits are set after the prefix; write {instead}")]
    HostBits {
        /// The network that contains the address.
        instead: IpNet,
    },
    /// `*example.com`: does it mean names below `example.com`, or names that end so?
    #[error("the star is glued to a name; write {instead}")]
    GluedStar {
        /// The pattern that is probably meant.
        instead: Box<str>,
    },
    /// A star beside international characters: punycode has no place for it.
    #[error("a label with a star must be ASCII; write the punycode form or leave the star out")]
    InternationalStar,
    /// `.example.com`: some programs mean the name too, some do not.
    #[error(
        "a leading dot is ambiguous; write {name} for the name, *.{name} for all names below it"
    )]
    LeadingDot {
        /// The name behind the dot.
        name: Box<str>,
    },
    /// `*` alone.
    #[error(
        "a lone star is no rule; set the default route, or write a suffix such as *.example.com"
    )]
    LoneStar,
    /// `*.a*.example.com`: any depth, and a fixed number of labels.
    #[error("a leading *. covers any depth and cannot be joined with stars inside labels; use one")]
    MixedStars,
    /// `*.` without a name.
    #[error("there is no name after the star; write *.example.com")]
    NoSuffix,
    /// Something after the host that is neither a port nor a prefix length.
    #[error("a pattern has no path; write {instead}")]
    Path {
        /// The part in front of the path.
        instead: Box<str>,
    },
    /// Neither a port nor a range.
    #[error(
        "ports are plain decimal numbers from 1 to 65535, as in :443 or :8000-8099; leave them out for every port"
    )]
    Port,
    /// `:8099-8000`.
    #[error("the port range runs backwards; write :{low}-{high}")]
    PortsReversed {
        /// The lower port.
        low: u16,
        /// The higher port.
        high: u16,
    },
    /// Not a prefix length of the address's family.
    #[error("the prefix length is not a number from 0 to {longest}")]
    PrefixLength {
        /// The longest prefix of the family, in bits.
        longest: u8,
    },
    /// `*.com`: everything that anyone registers there.
    #[error(
        "it covers the public suffix {suffix}, where anyone can register a name; write *.example.{suffix}"
    )]
    PublicSuffix {
        /// The public suffix.
        suffix: Box<str>,
    },
    /// `https://example.com`.
    #[error("a pattern is no URL; write {instead}")]
    Scheme {
        /// Host and port of the URL.
        instead: Box<str>,
    },
    /// `a.*.example.com`, `*.*.example.com` or `example.*`.
    #[error(
        "a star that is a whole label stands only in front, as in *.example.com; name the label"
    )]
    StarNotFirst,
    /// `example.c*`.
    #[error(
        "the last label must be written in full; a star there covers names that anyone can register"
    )]
    TopLabelStar,
}

// === impl PatternError ===

impl PatternError {
    pub(super) fn new(text: &str, problem: PatternProblem) -> Self {
        Self {
            text: text.into(),
            problem,
        }
    }

    /// The offending text, as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is wrong with it.
    pub const fn problem(&self) -> &PatternProblem {
        &self.problem
    }
}
