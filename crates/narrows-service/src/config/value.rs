//! The kinds of values in a configuration file, each with an error that says what is expected.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// A text that its type accepted. The error repeats the text and says why it was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked<T>(pub T);

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole<const MIN: u32, const MAX: u32>(pub u32);

/// A time of more than nothing and at most [`Seconds::MAX`], as a number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub Duration);

impl Seconds {
    /// One week: longer than any tunnel's silence is worth waiting for.
    pub const MAX: u32 = 7 * 24 * 3600;
}

impl<'de, T> Deserialize<'de> for Checked<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_str(CheckedVisitor(PhantomData))
            .map(Self)
    }
}

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_u32(WholeVisitor::<MIN, MAX>)
            .map(Self)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_f64(SecondsVisitor).map(Self)
    }
}

struct CheckedVisitor<T>(PhantomData<T>);

impl<T> Visitor<'_> for CheckedVisitor<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text in quotes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse()
            .map_err(|error| E::custom(format_args!("{text:?}: {error}")))
    }
}

struct WholeVisitor<const MIN: u32, const MAX: u32>;

impl<const MIN: u32, const MAX: u32> Visitor<'_> for WholeVisitor<MIN, MAX> {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {MIN} to {MAX}")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u32, E> {
        match u32::try_from(number) {
            Ok(small) if (MIN..=MAX).contains(&small) => Ok(small),
            _ => Err(E::invalid_value(Unexpected::Signed(number), &self)),
        }
    }
}

struct SecondsVisitor;

impl Visitor<'_> for SecondsVisitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number of seconds above 0, at most {}", Seconds::MAX)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Duration, E> {
        match Duration::try_from_secs_f64(number) {
            Ok(time) if !time.is_zero() && number <= Seconds::MAX.into() => Ok(time),
            _ => Err(E::invalid_value(Unexpected::Float(number), &self)),
        }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Duration, E> {
        match u32::try_from(number) {
            Ok(seconds @ 1..=Seconds::MAX) => Ok(Duration::from_secs(seconds.into())),
            _ => Err(E::invalid_value(Unexpected::Signed(number), &self)),
        }
    }
}
