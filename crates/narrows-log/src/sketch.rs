//! [`Sketch`]: how values are spread, in a bounded place.

/// A histogram on a logarithmic scale: percentiles of any number of values in at most a kibibyte.
///
/// Values below 16 are kept exactly. Above, each doubling has eight buckets, so that a percentile is
/// within 6.25 % of a value that stands at its rank. Values from 2^34 on count as one bucket; the
/// largest is exact whatever it is.
///
/// # Examples
///
/// ```
/// use narrows_log::Sketch;
///
/// let mut sketch = Sketch::default();
/// (1..=1000).for_each(|value| sketch.add(value));
/// let median = sketch.percentile(50).unwrap_or_default();
/// assert!(median.abs_diff(500) <= 32);
/// assert_eq!(sketch.max(), Some(1000));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    counts: Vec<u32>,
    max: u64,
    total: u64,
}

impl Sketch {
    /// Adds a value.
    pub fn add(&mut self, value: u64) {
        let at = index(value);
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] = self.counts[at].saturating_add(1);
        self.max = self.max.max(value);
        self.total += 1;
    }

    /// Adds all values of another sketch: the same as if each had been added here.
    pub fn merge(&mut self, other: &Self) {
        if other.counts.len() > self.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.max = self.max.max(other.max);
        self.total += other.total;
    }

    /// How many values were added.
    pub const fn len(&self) -> u64 {
        self.total
    }

    /// Whether no value was added.
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The largest value; none if there is no value.
    pub fn max(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.max)
    }

    /// The value that `percent` of a hundred do not exceed, within 6.25 %; none if there is no value.
    pub fn percentile(&self, percent: u8) -> Option<u64> {
        let rank = (u128::from(self.total) * u128::from(percent.min(100))).div_ceil(100);
        let rank = rank.max(1);
        let mut seen = 0;
        let at = self.counts.iter().position(|&count| {
            seen += u128::from(count);
            seen >= rank
        })?;
        Some(middle(at).min(self.max))
    }
}

fn index(value: u64) -> usize {
    let value = value.min(LARGEST);
    let index = match value.checked_ilog2() {
        Some(doubling @ 4..) => {
            let eighth = (value >> (doubling - 3)) & 7;
            16 + u64::from(doubling - 4) * 8 + eighth
        }
        _ => value,
    };
    // At most 256, by the line above and `LARGEST`.
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// The middle of a bucket.
const fn middle(index: usize) -> u64 {
    let index = index as u64;
    if index < 16 {
        return index;
    }
    let (doubling, eighth) = ((index - 16) / 8 + 4, (index - 16) % 8);
    let width = 1 << (doubling - 3);
    (8 + eighth) * width + width / 2
}

/// More than half a year, in milliseconds.
const LARGEST: u64 = (1 << 34) - 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_percentile_is_near_the_value_at_its_rank(
            mut values in proptest::collection::vec(0..LARGEST, 1..200),
            percent in 0u8..=100,
        ) {
            let mut whole = Sketch::default();
            let mut halves = [Sketch::default(), Sketch::default()];
            for (at, &value) in values.iter().enumerate() {
                whole.add(value);
                halves[at % 2].add(value);
            }
            let [mut left, right] = halves;
            left.merge(&right);
            prop_assert_eq!(&left, &whole);
            values.sort_unstable();
            let rank = (values.len() * usize::from(percent)).div_ceil(100).max(1);
            let (exact, found) = (values[rank - 1], whole.percentile(percent).unwrap());
            prop_assert!(found.abs_diff(exact) * 16 <= exact, "{} for {}", found, exact);
        }

        #[test]
        fn no_value_takes_more_room_than_said(value: u64) {
            let mut sketch = Sketch::default();
            sketch.add(value);
            prop_assert!(sketch.counts.len() <= 256);
            prop_assert_eq!(sketch.max(), Some(value));
        }
    }
}
