//! [`Date`]: a calendar day.

use std::fmt;
use std::str::FromStr;

/// A day of the Gregorian calendar, written `2026-02-17`. It only compares and prints; there is no
/// arithmetic and no clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// A text that is not a day written `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a date is written YYYY-MM-DD")]
pub struct DateError;

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
            true => text.parse::<u16>().map_err(|_| DateError),
            false => Err(DateError),
        };
        let mut parts = text.split('-');
        let (Some(year), Some(month), Some(day), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(DateError);
        };
        if (year.len(), month.len(), day.len()) != (4, 2, 2) {
            return Err(DateError);
        }
        let (year, month, day) = (number(year)?, number(month)?, number(day)?);
        if day == 0 || day > days_in(year, month) {
            return Err(DateError);
        }
        let small = |number| u8::try_from(number).map_err(|_| DateError);
        Ok(Self {
            year,
            month: small(month)?,
            day: small(day)?,
        })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day } = self;
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// Zero for a month that does not exist, so that no day fits it.
const fn days_in(year: u16, month: u16) -> u16 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 0,
    }
}
