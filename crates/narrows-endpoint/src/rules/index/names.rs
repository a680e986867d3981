//! [`Names`]: one table for whole names and for suffixes, of every level.

use std::collections::BTreeMap;

use crate::pattern::Hosts;
use crate::rules::Rule;

use super::Entry;
use super::chains::{Chains, Link, NONE};
use super::filter::Filter;
use super::hash::{self, Suffix};

/// Finds the rules for a name.
///
/// Parts of a length that no rule has are not asked about. For each other part one word of a filter is
/// read; the table and the text of a rule are touched only if that says so.
#[derive(Debug)]
pub(super) struct Names {
    filter: Filter,
    suffix_lengths: Lengths,
    whole_lengths: Lengths,
    /// Open addressing with linear probing; at most two thirds are taken.
    buckets: Box<[Option<Bucket>]>,
    /// The texts of all keys, one behind the other.
    texts: Box<[u8]>,
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

/// A bit for each length that a name can have.
#[derive(Debug, Default)]
struct Lengths([u64; 4]);

/// Collects what [`Names`] holds.
#[derive(Debug, Default)]
pub(super) struct NamesBuilder {
    wholes: BTreeMap<Box<str>, Link>,
    suffixes: BTreeMap<Box<str>, Link>,
}

// === impl NamesBuilder ===

impl NamesBuilder {
    pub(super) fn whole(&mut self, name: &str, entry: Entry, chains: &mut Chains) {
        add(&mut self.wholes, name, entry, chains);
    }

    pub(super) fn suffix(&mut self, suffix: &str, entry: Entry, chains: &mut Chains) {
        add(&mut self.suffixes, suffix, entry, chains);
    }

    /// None if the texts are longer together than 32 bits count.
    pub(super) fn build(self) -> Option<Names> {
        let keys = self.wholes.len() + self.suffixes.len();
        let mut names = Names {
            filter: Filter::new(keys),
            suffix_lengths: Lengths::default(),
            whole_lengths: Lengths::default(),
            buckets: vec![None; keys + keys / 2 + 1].into(),
            texts: Box::default(),
        };
        let mut texts = Vec::new();
        for (text, chain) in &self.wholes {
            names.insert(hash::of_whole(text), text, *chain, &mut texts)?;
            names.whole_lengths.add(text.len());
        }
        for (text, chain) in &self.suffixes {
            names.insert(hash::of_suffix(text), text, *chain, &mut texts)?;
            names.suffix_lengths.add(text.len());
        }
        names.texts = texts.into();
        Some(names)
    }
}

fn add(keys: &mut BTreeMap<Box<str>, Link>, text: &str, entry: Entry, chains: &mut Chains) {
    let chain = chains.push(keys.get(text).copied(), entry);
    keys.insert(text.into(), chain);
}

// === impl Names ===

impl Names {
    /// The first rule that matches; [`NONE`] if none does.
    #[inline]
    pub(super) fn find(&self, name: &str, port: u16, chains: &Chains, rules: &[Rule]) -> u32 {
        let mut best = NONE;
        let whole = hash::with_suffixes(name, |Suffix { hash, start }| {
            if self.suffix_lengths.has(name.len() - start)
                && self.filter.may_have(hash)
                && let Some(chain) = self.get(hash, &name.as_bytes()[start..])
            {
                let fits = |rule| fits(rules, rule, &name[..start - 1]);
                best = chains.better(chain, best, port, fits);
            }
        });
        if self.whole_lengths.has(name.len())
            && self.filter.may_have(whole)
            && let Some(chain) = self.get(whole, name.as_bytes())
        {
            best = chains.better(chain, best, port, |_| false);
        }
        best
    }

    /// The rules for exactly this text. Hashes of whole names and of suffixes differ, so both can be here.
    #[inline]
    fn get(&self, hash: u64, text: &[u8]) -> Option<Link> {
        let mut at = self.home(hash);
        loop {
            let bucket = self.buckets[at].as_ref()?;
            if bucket.check == check(hash) && self.text(bucket) == text {
                return Some(bucket.chain);
            }
            at = self.after(at);
        }
    }

    fn insert(&mut self, hash: u64, text: &str, chain: Link, texts: &mut Vec<u8>) -> Option<()> {
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
        texts.extend(text.bytes());
        self.filter.add(hash);
        Some(())
    }

    #[inline]
    fn text(&self, bucket: &Bucket) -> &[u8] {
        let start = bucket.text as usize;
        &self.texts[start..start + usize::from(bucket.len)]
    }

    /// Where a key is looked for first: the hash as a fraction of the table.
    #[inline]
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

// === impl Lengths ===

impl Lengths {
    const fn add(&mut self, len: usize) {
        self.0[len / 64 % 4] |= 1 << (len % 64);
    }

    #[inline]
    const fn has(&self, len: usize) -> bool {
        self.0[len / 64 % 4] >> (len % 64) & 1 == 1
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
