//! [`Names`]: one table for whole names and for suffixes, of every level.

use std::collections::HashMap;

use crate::pattern::Hosts;
use crate::rules::Rule;

use super::chains::{Chains, Link, NONE};
use super::filter::Filter;
use super::{Entry, hash};

/// Finds the rules for a name.
///
/// For each part of a name that could be in a rule one word of a filter is read; the table and the text of
/// a rule are touched only if that says so. Labels counts that no suffix has are not asked about.
#[derive(Debug)]
pub(super) struct Names {
    filter: Filter,
    /// Open addressing with linear probing; at most two thirds are taken.
    buckets: Box<[Option<Bucket>]>,
    /// The texts of all keys, one behind the other.
    texts: Box<str>,
    /// A bit for each number of labels that a suffix has; the highest bit stands for all beyond.
    depths: u64,
}

/// One name or suffix and the rules for it.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// The lower half of the hash, to tell most other keys apart without their text.
    check: u32,
    text: u32,
    len: u8,
    chain: Link,
}

/// Collects what [`Names`] holds.
#[derive(Debug, Default)]
pub(super) struct NamesBuilder {
    whole: HashMap<Box<str>, Link>,
    suffixes: HashMap<Box<str>, Link>,
}

// === impl NamesBuilder ===

impl NamesBuilder {
    pub(super) fn exact(&mut self, name: &str, entry: Entry, chains: &mut Chains) {
        add(&mut self.whole, name, entry, chains);
    }

    pub(super) fn suffix(&mut self, suffix: &str, entry: Entry, chains: &mut Chains) {
        add(&mut self.suffixes, suffix, entry, chains);
    }

    /// None if the texts are longer together than 32 bits count.
    pub(super) fn build(self) -> Option<Names> {
        let keys = self.whole.len() + self.suffixes.len();
        let mut names = Names {
            filter: Filter::new(keys),
            buckets: vec![None; keys + keys / 2 + 1].into(),
            texts: Box::default(),
            depths: 0,
        };
        let mut texts = String::new();
        for (text, chain) in &self.whole {
            names.insert(hash::of_whole(text), text, *chain, &mut texts)?;
        }
        for (text, chain) in &self.suffixes {
            names.insert(hash::of_suffix(text), text, *chain, &mut texts)?;
            names.depths |= depth_bit(text.split('.').count());
        }
        names.texts = texts.into();
        Some(names)
    }
}

fn add(keys: &mut HashMap<Box<str>, Link>, text: &str, entry: Entry, chains: &mut Chains) {
    let chain = chains.push(keys.get(text).copied(), entry);
    keys.insert(text.into(), chain);
}

// === impl Names ===

impl Names {
    /// The first rule that matches; [`NONE`] if none does.
    #[inline]
    pub(super) fn find(&self, name: &str, port: u16, chains: &Chains, rules: &[Rule]) -> u32 {
        let mut best = NONE;
        let mut depth = 1;
        let whole = hash::with_suffixes(name, |suffix| {
            let possible = self.depths & depth_bit(depth) != 0;
            depth += 1;
            if possible && self.filter.may_have(suffix.hash) {
                let (head, text) = (&name[..suffix.start - 1], &name[suffix.start..]);
                if let Some(chain) = self.get(suffix.hash, text) {
                    let fits = |rule| fits(rules, rule, head);
                    best = chains.better(chain, best, port, fits);
                }
            }
        });
        if self.filter.may_have(whole)
            && let Some(chain) = self.get(whole, name)
        {
            best = chains.better(chain, best, port, |_| false);
        }
        best
    }

    /// The rules for exactly this text. Hashes of whole names and of suffixes differ, so both can be here.
    fn get(&self, hash: u64, text: &str) -> Option<Link> {
        let mut at = self.home(hash);
        loop {
            let bucket = self.buckets[at]?;
            if bucket.check == check(hash) && self.text(&bucket) == text {
                return Some(bucket.chain);
            }
            at = self.after(at);
        }
    }

    fn insert(&mut self, hash: u64, text: &str, chain: Link, texts: &mut String) -> Option<()> {
        let mut at = self.home(hash);
        while self.buckets[at].is_some() {
            at = self.after(at);
        }
        self.buckets[at] = Some(Bucket {
            check: check(hash),
            text: u32::try_from(texts.len()).ok()?,
            len: u8::try_from(text.len()).ok()?,
            chain,
        });
        texts.push_str(text);
        self.filter.add(hash);
        Some(())
    }

    fn text(&self, bucket: &Bucket) -> &str {
        let start = bucket.text as usize;
        &self.texts[start..start + usize::from(bucket.len)]
    }

    /// Where a key is looked for first: the hash as a fraction of the table.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "less than the number of buckets"
    )]
    const fn home(&self, hash: u64) -> usize {
        ((hash as u128 * self.buckets.len() as u128) >> 64) as usize
    }

    const fn after(&self, at: usize) -> usize {
        if at + 1 < self.buckets.len() {
            at + 1
        } else {
            0
        }
    }
}

/// Whether the stars of a rule match what stands before its literal suffix.
fn fits(rules: &[Rule], rule: u32, head: &str) -> bool {
    match rules[rule as usize].pattern.hosts() {
        Hosts::Labels(labels) => labels.matches_head(head),
        _ => true,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "half of the hash")]
const fn check(hash: u64) -> u32 {
    hash as u32
}

const fn depth_bit(depth: usize) -> u64 {
    if depth < 63 { 1 << depth } else { 1 << 63 }
}
