//! [`Timestamp`]: a moment and the offset from UTC at which it is written.

use std::fmt;
use std::str::FromStr;

/// A moment in milliseconds and the offset from UTC at which a log shows it.
///
/// Displayed as RFC 3339 with milliseconds: `2024-07-17T04:14:46.339-07:00`, and `Z` for UTC. Both
/// parts are within what that form can say. Whoever has a clock makes them; this crate has none.
///
/// # Examples
///
/// ```
/// use narrows_log::Timestamp;
///
/// let time = Timestamp::new(1_721_214_886_339, -7 * 3600);
/// assert_eq!(time.to_string(), "2024-07-17T04:14:46.339-07:00");
/// assert_eq!(time.to_string().parse(), Ok(time));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp {
    unix_ms: i64,
    offset_minutes: i16,
}

/// A text that is no timestamp of this form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time like 2024-07-17T04:14:46.339-07:00")]
pub struct TimestampError;

// === impl Timestamp ===

impl Timestamp {
    /// A moment, in milliseconds since 1970-01-01T00:00:00Z, and an offset from UTC, in seconds east.
    ///
    /// The form has whole minutes of offset below a day and the years 0000 to 9999: the offset loses
    /// its odd seconds, and what lies outside becomes the nearest that lies inside.
    pub fn new(unix_ms: i64, offset_seconds: i32) -> Self {
        let minutes = (offset_seconds / 60).clamp(-MAX_OFFSET, MAX_OFFSET);
        let local = unix_ms.clamp(YEAR_0, YEAR_9999) + i64::from(minutes) * MINUTE;
        Self {
            unix_ms: local.clamp(YEAR_0, YEAR_9999) - i64::from(minutes) * MINUTE,
            offset_minutes: i16::try_from(minutes).unwrap_or_default(),
        }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn unix_ms(self) -> i64 {
        self.unix_ms
    }

    /// The offset from UTC in seconds east, a whole number of minutes.
    pub fn offset_seconds(self) -> i32 {
        i32::from(self.offset_minutes) * 60
    }

    /// The text in a fixed place, for writers that count nanoseconds.
    pub(crate) fn text(self) -> Text {
        let local = self.unix_ms + i64::from(self.offset_minutes) * MINUTE;
        let (days, ms) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (year, month, day) = civil(days);
        let mut text = Text {
            bytes: *b"0000-00-00T00:00:00.000Z00:00",
            len: 24,
        };
        text.put(0, 4, year);
        text.put(5, 2, month);
        text.put(8, 2, day);
        text.put(11, 2, ms / HOUR);
        text.put(14, 2, ms / MINUTE % 60);
        text.put(17, 2, ms / 1000 % 60);
        text.put(20, 3, ms % 1000);
        if self.offset_minutes != 0 {
            let minutes = i64::from(self.offset_minutes.unsigned_abs());
            text.bytes[23] = if self.offset_minutes < 0 { b'-' } else { b'+' };
            text.put(24, 2, minutes / 60);
            text.put(27, 2, minutes % 60);
            text.len = 29;
        }
        text
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        parse(text).ok_or(TimestampError)
    }
}

/// A timestamp's text; never longer than `2024-07-17T04:14:46.339-07:00`.
pub(crate) struct Text {
    bytes: [u8; 29],
    len: usize,
}

// === impl Text ===

impl Text {
    pub(crate) fn as_str(&self) -> &str {
        // Only ASCII was put there, so the fallback is never taken.
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }

    /// Puts the last `width` decimal digits of a number that is not negative.
    fn put(&mut self, at: usize, width: usize, mut number: i64) {
        for place in self.bytes[at..at + width].iter_mut().rev() {
            *place = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
        }
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let (local, zone) = (bytes.get(..23)?, &bytes[23..]);
    let punctuation = [
        (4, b'-'),
        (7, b'-'),
        (10, b'T'),
        (13, b':'),
        (16, b':'),
        (19, b'.'),
    ];
    if punctuation.iter().any(|&(at, byte)| local[at] != byte) {
        return None;
    }
    let (year, month) = (number(local, 0, 4, 9999)?, number(local, 5, 2, 12)?);
    let day = number(local, 8, 2, 31)?;
    let days = days_from_civil(year, month, day);
    if civil(days) != (year, month, day) {
        return None;
    }
    let ms = days * DAY
        + number(local, 11, 2, 23)? * HOUR
        + number(local, 14, 2, 59)? * MINUTE
        + number(local, 17, 2, 59)? * 1000
        + number(local, 20, 3, 999)?;
    let minutes = parse_offset(zone)?;
    let offset_minutes = i16::try_from(minutes).ok()?;
    Some(Timestamp {
        unix_ms: ms - minutes * MINUTE,
        offset_minutes,
    })
}

/// Minutes east out of `Z` or `-07:00`.
fn parse_offset(zone: &[u8]) -> Option<i64> {
    let sign = match zone {
        b"Z" => return Some(0),
        [b'+', _, _, b':', _, _] => 1,
        [b'-', _, _, b':', _, _] => -1,
        _ => return None,
    };
    Some(sign * (number(zone, 1, 2, 23)? * 60 + number(zone, 4, 2, 59)?))
}

/// The digits at a place as a number, if they are digits and not above `max`.
fn number(bytes: &[u8], at: usize, width: usize, max: i64) -> Option<i64> {
    let digits = &bytes[at..at + width];
    let number = digits.iter().try_fold(0, |number, &byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + i64::from(byte - b'0'))
    })?;
    (number <= max).then_some(number)
}

/// The year, month and day that lie `days` after 1970-01-01, in the Gregorian calendar.
///
/// Howard Hinnant's algorithm: years start in March, so that leap days come last; an era is the 400
/// years after which the calendar repeats.
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let first = (153 * month + 2) / 5;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + carry, month, day - first + 1)
}

/// The inverse of [`civil`]; a day that the month does not have runs into the next one.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year * 365 + year / 4 - year / 100 + day - 719_468
}

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// The largest offset that the form can say, 23:59, in minutes.
const MAX_OFFSET: i32 = 24 * 60 - 1;
/// Milliseconds of 0000-01-01T00:00:00.000 local time.
const YEAR_0: i64 = days_from_civil(0, 1, 1) * DAY;
/// Milliseconds of 9999-12-31T23:59:59.999 local time.
const YEAR_9999: i64 = days_from_civil(10_000, 1, 1) * DAY - 1;

#[cfg(test)]
mod tests;
