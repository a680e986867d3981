//! How often each reason was given, of a bounded number of them.

use std::collections::HashMap;

use super::report::ReasonRow;
use super::visible;

/// Reasons and how often each was given.
#[derive(Clone, Debug, Default)]
pub(super) struct Reasons {
    counts: HashMap<Box<str>, u64>,
    others: u64,
}

impl Reasons {
    pub(super) fn add(&mut self, reason: &str) {
        let reason = visible(reason);
        if let Some(count) = self.counts.get_mut(reason.as_str()) {
            *count += 1;
        } else if self.counts.len() < MAX_REASONS {
            self.counts.insert(reason.as_str().into(), 1);
        } else {
            self.others += 1;
        }
    }

    /// The most frequent first; what had no place last.
    pub(super) fn rows(&self) -> Vec<ReasonRow> {
        let rows = self.counts.iter().map(|(reason, count)| ReasonRow {
            reason: reason.to_string(),
            count: *count,
        });
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.reason.cmp(&b.reason)));
        if self.others > 0 {
            rows.push(ReasonRow {
                reason: "all other reasons".into(),
                count: self.others,
            });
        }
        rows
    }
}

/// The most reasons told apart.
const MAX_REASONS: usize = 256;
