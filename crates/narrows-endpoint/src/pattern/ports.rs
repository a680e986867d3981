//! [`Ports`]: one port, a range, or every port.

use std::fmt;
use std::num::NonZeroU16;

use crate::target::parse_port;

use super::PatternProblem;

/// A range of ports, both ends included, at least one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Ports {
    low: u16,
    high: u16,
}

impl Ports {
    /// Every port. `1-65535` is another way to write it, and not told apart.
    pub(crate) const EVERY: Self = Self {
        low: 1,
        high: u16::MAX,
    };

    pub(crate) const fn one(port: u16) -> Self {
        Self {
            low: port,
            high: port,
        }
    }

    pub(super) fn or_one(self, port: NonZeroU16) -> Self {
        if self == Self::EVERY {
            Self::one(port.get())
        } else {
            self
        }
    }

    pub(crate) const fn contains(self, port: u16) -> bool {
        self.low <= port && port <= self.high
    }

    /// One less than the number of ports.
    pub(super) const fn width(self) -> u16 {
        self.high - self.low
    }

    /// Reads `443` or `8000-8099`.
    pub(super) fn parse(text: &str) -> Result<Self, PatternProblem> {
        let (low, high) = text.split_once('-').unwrap_or((text, text));
        let port = |text| parse_port(text).map_err(|_| PatternProblem::Port);
        let (low, high) = (port(low)?.get(), port(high)?.get());
        if low > high {
            return Err(PatternProblem::PortsReversed {
                low: high,
                high: low,
            });
        }
        Ok(Self { low, high })
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::EVERY => Ok(()),
            Self { low, high } if low == high => write!(f, ":{low}"),
            Self { low, high } => write!(f, ":{low}-{high}"),
        }
    }
}
