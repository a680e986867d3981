//! [`Pace`]: whether a direction carries bulk.

/// What a read must bring to count as bulk, in octets. From about 8 KiB on, two copies cost more than
/// the calls that splicing adds.
const HEAVY: usize = 16 * 1024;

/// Reads of the other kind, in succession, that change the mind.
const PATIENCE: u8 = 2;

/// How heavy the last reads of a direction were.
#[derive(Debug)]
pub(super) struct Pace {
    bulk: bool,
    /// Reads in succession that spoke against `bulk`.
    doubts: u8,
    /// Whether bulk makes a difference for this relay.
    splices: bool,
}

impl Pace {
    pub(super) const fn new(splices: bool) -> Self {
        Self {
            bulk: false,
            doubts: 0,
            splices,
        }
    }

    /// Whether the last reads were heavy.
    pub(super) const fn is_bulk(&self) -> bool {
        self.bulk
    }

    /// Whether the next read should be spliced.
    pub(super) const fn splices(&self) -> bool {
        self.splices && self.bulk
    }

    /// Notes what one read brought.
    pub(super) const fn note(&mut self, octets: usize) {
        if (octets >= HEAVY) == self.bulk {
            self.doubts = 0;
            return;
        }
        self.doubts += 1;
        if self.doubts == PATIENCE {
            self.doubts = 0;
            self.bulk = !self.bulk;
        }
    }

    /// Copies on, and tries again when the direction has shown anew that it is worth it.
    pub(super) const fn refused(&mut self) {
        self.bulk = false;
        self.doubts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reads: &[usize], splices: bool) {
        let mut pace = Pace::new(true);
        reads.iter().for_each(|&octets| pace.note(octets));
        assert_eq!(pace.splices(), splices, "{reads:?}");
    }

    #[test]
    fn two_heavy_reads_running_are_bulk() {
        check(&[], false);
        check(&[HEAVY], false);
        check(&[HEAVY, HEAVY], true);
        check(&[HEAVY, 1, HEAVY, 1, HEAVY], false);
    }

    #[test]
    fn two_light_reads_running_are_not() {
        check(&[HEAVY, HEAVY, 1], true);
        check(&[HEAVY, HEAVY, 1, HEAVY, 1], true);
        check(&[HEAVY, HEAVY, 1, 1], false);
        check(&[HEAVY, HEAVY, 1, 1, HEAVY], false);
    }

    #[test]
    fn a_refusal_starts_anew() {
        let mut pace = Pace::new(true);
        [HEAVY; 3].iter().for_each(|&octets| pace.note(octets));
        pace.refused();
        pace.note(HEAVY);
        assert!(!pace.splices());
        pace.note(HEAVY);
        assert!(pace.splices());
    }

    #[test]
    fn some_relays_never_splice() {
        let mut pace = Pace::new(false);
        [HEAVY; 3].iter().for_each(|&octets| pace.note(octets));
        assert!(!pace.splices());
    }
}
