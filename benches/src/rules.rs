//! Rules and targets in the manner of the catalogue, as many as wanted and the same in every run.

#![expect(
    clippy::expect_used,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use narrows_endpoint::{Catalogue, Level, Route, Routes, RuleSet, Source, Target};

const TARGETS: usize = 1_000;

/// Exact names, suffixes and some in-label stars: the catalogue's at first, then names in its manner.
#[must_use]
pub fn patterns(count: usize) -> Vec<String> {
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

/// A thousand targets: a third are names in the rules, a third are below a suffix in the rules, a third are in
/// no rule.
#[must_use]
pub fn targets(patterns: &[String]) -> Vec<Target> {
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

/// Rules that carry all of these.
#[must_use]
pub fn rule_set(patterns: &[String]) -> RuleSet {
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
