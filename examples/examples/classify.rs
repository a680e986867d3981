//! Embeds the classifier: the built-in catalogue with rules of one's own, asked about a few targets.
//!
//! Run with `cargo run --example classify`, perhaps with targets as arguments.

use std::error::Error;

use narrows_endpoint::{Catalogue, Level, Route, Routes, RuleSet, Source};

/// As they would stand in a file.
const RULES: &str = "\
bypass  *.corp.example
bypass  10.0.0.0/8
deny    *.corp.example:23
deny    metrics*.example.net
carried *.example.org:8000-8099
";

const TARGETS: [&str; 9] = [
    "je.his.arc.azure.com:443",
    "gbl.his.arc.azure.com:443",
    "azgn1.servicebus.windows.net:443",
    "git.corp.example:443",
    "git.corp.example:23",
    "metrics-eu.example.net:443",
    "api.example.org:8080",
    "10.1.2.3:5432",
    "www.example.com:443",
];

#[expect(clippy::print_stdout, reason = "the answers are the output")]
fn main() -> Result<(), Box<dyn Error>> {
    let rules = rules()?;
    let given: Vec<String> = std::env::args().skip(1).collect();
    let targets = match given.is_empty() {
        true => TARGETS.map(str::to_owned).to_vec(),
        false => given,
    };
    for target in targets {
        let decision = rules.decide(&target.parse()?);
        println!("{target:<33} {:<8} {}", decision.route, decision.reason());
    }

    // What cannot be meant is refused where it is read, with what to write instead.
    let place = Source::Argument("--bypass".into());
    let refused = RuleSet::builder(ROUTES).text(Level::Bypass, "*corp.example", place);
    if let Err(error) = refused {
        println!(
            "{error}: {}",
            error.source().map(ToString::to_string).unwrap_or_default()
        );
    }
    Ok(())
}

/// There is an enterprise proxy here, and names that nobody knows go by it.
const ROUTES: Routes = Routes {
    never: Route::Proxy,
    default: Route::Proxy,
};

fn rules() -> Result<RuleSet, Box<dyn Error>> {
    let mut rules = Catalogue::built_in().add_to(RuleSet::builder(ROUTES));
    for (text, line) in RULES.lines().zip(1..) {
        let (word, pattern) = text
            .split_once(' ')
            .ok_or("a rule is a level and a pattern")?;
        let level = Level::ALL.into_iter().find(|level| level.as_str() == word);
        let path = "rules.txt".into();
        let level = level.ok_or("the levels are deny, never, bypass and carried")?;
        rules = rules.text(level, pattern.trim(), Source::File { path, line })?;
    }
    Ok(rules.build()?)
}
