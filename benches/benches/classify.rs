//! What a decision costs, with few rules and with many, beside `globset` and beside a linear search.
//!
//! Each iteration decides about one of a thousand targets in turn: a third are names in the rules, a third
//! are below a suffix in the rules, a third are in no rule, and some of each meet stars inside labels.

#![expect(
    clippy::expect_used,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use globset::{Glob, GlobSet, GlobSetBuilder};
use narrows_benches::rules::{patterns, rule_set, targets};
use narrows_endpoint::{Catalogue, Pattern};

fn glob_set(patterns: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern).expect("a good glob"));
    }
    set.build().expect("a good set")
}

fn classify(c: &mut Criterion) {
    let mut group = c.benchmark_group("classify");
    for count in [20, 1_000, 100_000] {
        let patterns = patterns(count);
        let targets = targets(&patterns);
        let hosts: Vec<_> = targets
            .iter()
            .map(|target| target.host().to_string())
            .collect();

        let rules = rule_set(&patterns);
        group.bench_function(BenchmarkId::new("narrows", count), |b| {
            let mut turn = targets.iter().cycle();
            b.iter(|| rules.decide(black_box(turn.next().expect("endless"))).route);
        });

        let set = glob_set(&patterns);
        group.bench_function(BenchmarkId::new("globset", count), |b| {
            let mut turn = hosts.iter().cycle();
            b.iter(|| set.is_match(black_box(turn.next().expect("endless"))));
        });

        let list: Vec<Pattern> = patterns
            .iter()
            .map(|text| text.parse().expect("good"))
            .collect();
        group.bench_function(BenchmarkId::new("linear", count), |b| {
            let mut turn = targets.iter().cycle();
            b.iter(|| {
                let target = black_box(turn.next().expect("endless"));
                list.iter().position(|pattern| pattern.matches(target))
            });
        });
    }
    group.finish();
}

fn catalogue(c: &mut Criterion) {
    let text = include_str!("../../crates/narrows-endpoint/data/endpoints.csv");
    c.bench_function("catalogue/parse", |b| {
        b.iter(|| {
            black_box(text)
                .parse::<Catalogue>()
                .expect("the built-in table")
        });
    });
}

criterion_group!(benches, classify, catalogue);
criterion_main!(benches);
