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
use narrows_endpoint::{Catalogue, Level, Pattern, Route, Routes, RuleSet, Source, Target};

const TARGETS: usize = 1_000;

/// Numbers that look random and are the same in every run.
struct Scatter(u64);

impl Scatter {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap_or_default() % limit
    }
}

/// Exact names, suffixes and some in-label stars: the catalogue's at first, then names in its manner.
fn patterns(count: usize) -> Vec<String> {
    let carried = Catalogue::built_in().carried().map(|pattern| {
        let text = pattern.to_string();
        let host = text.rsplit_once(':').map(|(host, _)| host.to_owned());
        host.unwrap_or(text)
    });
    // Twenty rules should be of every kind too, so the list is not taken from its beginning.
    let mut patterns: Vec<_> = carried.step_by(9).collect();
    patterns.push("azgn*.servicebus.windows.net".to_owned());
    let more = (patterns.len()..).map(|at| match at % 100 {
        0 => format!("app{at}-*-prod.azurewebsites{at}.net"),
        1..=25 => format!("*.customer{at}.region{}.example.net", at % 40),
        26..=60 => format!("st{at:06}prod.blob.core.windows.net"),
        _ => format!("vault-{at}.region{}.vault.azure.net", at % 40),
    });
    patterns.truncate(count);
    let missing = count - patterns.len();
    patterns.extend(more.take(missing));
    patterns
}

fn targets(patterns: &[String]) -> Vec<Target> {
    let mut scatter = Scatter(7);
    let unknown = [
        "windows.net",
        "core.windows.net",
        "westeurope.azure.com",
        "example.org",
    ];
    (0..TARGETS)
        .map(|at| {
            let pattern = &patterns[scatter.below(patterns.len())];
            let host = match at % 3 {
                0 => format!("unknown{at}.{}", unknown[scatter.below(unknown.len())]),
                _ => match pattern.strip_prefix("*.") {
                    Some(suffix) => format!("node{}.{suffix}", at % 7),
                    None => pattern.replace('*', "japaneast-1"),
                },
            };
            format!("{host}:443")
                .parse()
                .expect("a name like those of Azure")
        })
        .collect()
}

fn rule_set(patterns: &[String]) -> RuleSet {
    let routes = Routes {
        never: Route::Direct,
        default: Route::Direct,
    };
    let add = |rules, pattern: &String| -> Result<_, _> {
        narrows_endpoint::RuleSetBuilder::text(rules, Level::Carried, pattern, Source::BuiltIn)
    };
    let rules = patterns.iter().try_fold(RuleSet::builder(routes), add);
    rules.expect("good patterns").build().expect("good rules")
}

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
