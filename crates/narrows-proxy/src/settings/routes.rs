//! The operator's rules, and the route of what none of them matches.

use std::collections::HashMap;

use narrows_endpoint::{Level, Pattern, Route, Source};

use super::{Merge, given};
use crate::bypass;
use crate::config::DefaultRoute;
use narrows_service::problem::Problem;

/// One rule and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it is for.
    pub level: Level,
    /// What it matches.
    pub pattern: Pattern,
    /// Where it stands.
    pub source: Source,
}

impl Merge<'_> {
    /// Every rule of flags and file; bypass keywords are expanded.
    pub(super) fn rules(&mut self) -> Vec<Rule> {
        let mut rules = self.bypass();
        let Some(loaded) = self.loaded else {
            return rules;
        };
        let file = &loaded.file.rules;
        for (key, level, texts) in [
            ("deny", Level::Deny, &file.deny),
            ("never_gateway", Level::Never, &file.never_gateway),
            ("bypass", Level::Bypass, &file.bypass),
            ("gateway", Level::Carried, &file.gateway),
        ] {
            let mut known: HashMap<String, Source> = HashMap::new();
            for text in texts {
                let source = loaded.source(text);
                match text.get_ref().parse::<Pattern>() {
                    Ok(pattern) => {
                        if let Some(first) = known.insert(pattern.to_string(), source.clone()) {
                            self.problems.push(twice(key, &pattern, &first, source));
                            continue;
                        }
                        rules.push(Rule {
                            level,
                            pattern,
                            source,
                        });
                    }
                    Err(error) => {
                        let message = format!("rules.{key}: {error}");
                        self.problems.push(Problem::new(source, message));
                    }
                }
            }
        }
        rules
    }

    /// The rules of `--bypass`, or else of `proxy.bypass`.
    fn bypass(&mut self) -> Vec<Rule> {
        let options = given(&self.options.bypass);
        // A flag is its own key; in the file, the line may hold several.
        let key = if options.is_empty() {
            "proxy.bypass: "
        } else {
            ""
        };
        let mut texts: Vec<(String, Source)> = Vec::new();
        for text in &options {
            texts.push(((*text).to_owned(), self.origins.of("bypass")));
        }
        if options.is_empty() {
            for text in self
                .loaded
                .iter()
                .flat_map(|loaded| &loaded.file.proxy.bypass)
            {
                texts.push((text.get_ref().clone(), self.place(text)));
            }
        }
        let mut rules = Vec::new();
        for (text, source) in texts {
            match bypass::read(&self.catalogue, &text) {
                Ok(patterns) => rules.extend(patterns.into_iter().map(|pattern| Rule {
                    level: Level::Bypass,
                    pattern,
                    source: source.clone(),
                })),
                Err(error) => {
                    let message = format!("{key}{error}");
                    let hint = error.hint().map(str::to_owned);
                    self.problems.push(Problem {
                        source,
                        message,
                        hint,
                    });
                }
            }
        }
        rules
    }

    /// The route of what no rule matches, and where that is said.
    pub(super) fn default_route(&mut self, upstream: bool) -> (Route, Source) {
        let auto = if upstream {
            Route::Proxy
        } else {
            Route::Direct
        };
        let Some(loaded) = self.loaded else {
            return (auto, Source::BuiltIn);
        };
        let Some(default) = &loaded.file.rules.default else {
            return (auto, Source::BuiltIn);
        };
        let source = loaded.source(default);
        let route = match default.get_ref() {
            DefaultRoute::Auto => auto,
            DefaultRoute::Deny => Route::Deny,
            DefaultRoute::Direct => Route::Direct,
            DefaultRoute::Proxy => {
                self.needs_upstream(upstream, "rules.default is \"proxy\"", source.clone());
                Route::Proxy
            }
        };
        (route, source)
    }

    /// A problem unless there is an upstream proxy, or may be one once other problems are solved.
    pub(super) fn needs_upstream(&mut self, upstream: bool, said: &str, source: Source) {
        if !upstream && !self.upstream_refused {
            let message = format!("{said}, but there is no upstream proxy");
            let problem = Problem::new(source, message);
            self.problems
                .push(problem.hint("name it in [proxy]: url = \"http://proxy.example.net:3128\""));
        }
    }
}

/// A pattern stands twice in one list: one of the two was meant to be something else.
fn twice(key: &str, pattern: &Pattern, first: &Source, source: Source) -> Problem {
    let pattern = pattern.to_string();
    let message = format!("rules.{key}: {pattern:?} stands at {first} already");
    Problem::new(source, message).hint("take one of them out")
}
