//! [`Seeds`]: which are tried, on how many threads, and what a failure says; [`Dice`]: what a seed decides.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

/// A row of seeds for one part of the model.
///
/// `NARROWS_MODEL_SEEDS`, `NARROWS_MODEL_FROM` and `NARROWS_MODEL_JOBS` say other numbers than the tests do.
pub(crate) struct Seeds {
    part: &'static str,
    from: u64,
    count: u64,
    jobs: u64,
    /// Somebody asked for these, and wants to read what came of them.
    asked: bool,
}

/// How often what has happened.
#[derive(Default)]
pub(crate) struct Tally {
    counts: BTreeMap<&'static str, u64>,
    complete: bool,
}

/// Numbers that a seed decides: splitmix64.
pub(crate) struct Dice(u64);

// === impl Seeds ===

impl Seeds {
    pub(crate) fn of(part: &'static str, count: u64) -> Self {
        // An interpreter is a thousand times slower.
        let count = if cfg!(miri) { count.min(20) } else { count };
        let asked = variable("SEEDS");
        Self {
            part,
            from: variable("FROM").unwrap_or(0),
            count: asked.unwrap_or(count),
            jobs: variable("JOBS").unwrap_or(1).max(1),
            asked: asked.is_some(),
        }
    }

    /// Tries all of them; panics with the first that fails, and how to run it again.
    pub(crate) fn run(&self, one: fn(u64, &mut Tally) -> Result<(), String>) -> Tally {
        let started = Instant::now();
        let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        let work = || self.worker(&next, &stop, one);
        let results: Vec<Result<Tally, String>> = thread::scope(|scope| {
            let workers: Vec<_> = (0..self.jobs).map(|_| scope.spawn(work)).collect();
            let joined = workers.into_iter().map(|worker| worker.join().unwrap());
            joined.collect()
        });
        let mut all = Tally::default();
        for result in results {
            match result {
                Ok(tally) => all.add(&tally),
                Err(failure) => panic!("{failure}"),
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "model {}: {} seeds from {}, {:.0} seeds/s, {:?}",
            self.part,
            self.count,
            self.from,
            self.count as f64 / seconds,
            all.counts,
        );
        all.complete = !self.asked && !cfg!(miri);
        all
    }

    fn worker(
        &self,
        next: &AtomicU64,
        stop: &AtomicBool,
        one: fn(u64, &mut Tally) -> Result<(), String>,
    ) -> Result<Tally, String> {
        let mut tally = Tally::default();
        while !stop.load(Ordering::Relaxed) {
            let offset = next.fetch_add(1, Ordering::Relaxed);
            if offset >= self.count {
                break;
            }
            let seed = self.from.wrapping_add(offset);
            let result = catch_unwind(AssertUnwindSafe(|| one(seed, &mut tally)));
            let why = match result {
                Ok(Ok(())) => continue,
                Ok(Err(why)) => why,
                Err(_) => "it panicked, see above".to_owned(),
            };
            stop.store(true, Ordering::Relaxed);
            let part = self.part;
            return Err(format!(
                "seed {seed} of the model's part {part}: {why}\n\
                 run it again: scripts/model.sh --part {part} --from {seed} --seeds 1"
            ));
        }
        Ok(tally)
    }
}

fn variable<T: FromStr>(name: &str) -> Option<T> {
    let name = format!("NARROWS_MODEL_{name}");
    let value = std::env::var(&name).ok()?;
    let parsed = value.parse().ok();
    Some(parsed.unwrap_or_else(|| panic!("{name}={value} is no number")))
}

// === impl Tally ===

impl Tally {
    pub(crate) fn note(&mut self, what: &'static str) {
        self.note_many(what, 1);
    }

    pub(crate) fn note_many(&mut self, what: &'static str, times: u64) {
        *self.counts.entry(what).or_default() += times;
    }

    /// A model that never comes to some of these has lost its point. Whoever asks for other seeds than the
    /// tests' own may ask for few.
    pub(crate) fn must_have(&self, all: &[&str]) {
        let had = |what: &&&str| self.counts.contains_key(**what);
        let missing: Vec<_> = all.iter().filter(|what| !had(what)).collect();
        assert!(missing.is_empty() || !self.complete, "never: {missing:?}");
    }

    fn add(&mut self, other: &Self) {
        for (what, times) in &other.counts {
            self.note_many(what, *times);
        }
    }
}

// === impl Dice ===

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// From `least` to `most`, both included.
    pub(crate) const fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    pub(crate) fn size(&mut self, least: usize, most: usize) -> usize {
        let number = self.between(least as u64, most as u64);
        usize::try_from(number).unwrap()
    }

    /// True so many times in a hundred.
    pub(crate) const fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.size(0, from.len() - 1)]
    }

    /// How much one piece is: mostly little, now and then more than one read takes.
    pub(crate) fn piece(&mut self, bulk: bool) -> usize {
        match self.between(0, 99) {
            0..25 => self.size(1, 16),
            25..55 => self.size(1, 2000),
            55..80 if bulk => self.size(140_000, 300_000),
            55..95 => self.size(2000, 40_000),
            _ => self.size(40_000, 140_000),
        }
    }
}
