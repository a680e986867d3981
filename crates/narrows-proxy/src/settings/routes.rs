//! The operator's rules, and what becomes of targets that the gateway carries.

use narrows_endpoint::{Level, Pattern, Route, Source, Target};
use toml::Spanned;

use super::{Merge, given};
use crate::bypass;
use crate::config::{ConnectionType, DefaultRoute, Fallback};
use crate::problem::Problem;

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

/// What becomes of targets that the gateway carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Whether anything is decided as `gateway` at all.
    pub used: bool,
    /// The gateway, if one is configured. It cannot serve yet.
    pub target: Option<Target>,
    /// What serves instead: the proxy, direct, or [`Route::Deny`].
    pub fallback: Route,
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
            for text in texts {
                let source = loaded.source(text);
                match text.get_ref().parse() {
                    Ok(pattern) => rules.push(Rule {
                        level,
                        pattern,
                        source,
                    }),
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

    /// What becomes of targets that the gateway carries, with or without an upstream proxy.
    pub(super) fn gateway(&mut self, upstream: bool) -> Gateway {
        let auto = if upstream {
            Route::Proxy
        } else {
            Route::Direct
        };
        let Some(loaded) = self.loaded else {
            return Gateway {
                used: true,
                target: None,
                fallback: auto,
            };
        };
        let section = &loaded.file.gateway;
        let kind = loaded.file.connection.kind.as_ref();
        if let Some(kind) = kind
            && *kind.get_ref() == ConnectionType::Gateway
            && section.url.is_none()
        {
            let message = "connection.type is \"gateway\", but gateway.url is missing";
            let problem = Problem::new(loaded.source(kind), message);
            self.problems
                .push(problem.hint("name it in [gateway]: url = \"https://gw.example.net\""));
        }
        let fallback = match section.fallback.as_ref().map(|word| (word.get_ref(), word)) {
            None => auto,
            Some((Fallback::Direct, _)) => Route::Direct,
            Some((Fallback::None, _)) => Route::Deny,
            Some((Fallback::Proxy, word)) => {
                self.needs_upstream(upstream, "gateway.fallback", loaded.source(word));
                Route::Proxy
            }
        };
        let used = kind.is_none_or(|kind| *kind.get_ref() != ConnectionType::Direct);
        if !used && !loaded.file.rules.gateway.is_empty() {
            let warning = "rules.gateway is not used, because connection.type is \"direct\"";
            self.warnings.push(warning.to_owned());
        }
        Gateway {
            used,
            target: section.url.as_ref().and_then(|url| self.gateway_url(url)),
            fallback,
        }
    }

    fn gateway_url(&mut self, url: &Spanned<String>) -> Option<Target> {
        let target = read_url(url.get_ref());
        if target.is_none() {
            let message = format!("gateway.url: {:?} is not an https URL", url.get_ref());
            let problem = Problem::new(self.place(url), message);
            self.problems
                .push(problem.hint("write url = \"https://gw.example.net\""));
        }
        target
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
                self.needs_upstream(upstream, "rules.default", source.clone());
                Route::Proxy
            }
        };
        (route, source)
    }

    /// A problem unless there is an upstream proxy, or may be one once other problems are solved.
    fn needs_upstream(&mut self, upstream: bool, key: &str, source: Source) {
        if !upstream && !self.upstream_refused {
            let message = format!("{key} is \"proxy\", but there is no upstream proxy");
            let problem = Problem::new(source, message);
            self.problems
                .push(problem.hint("name it in [proxy]: url = \"http://proxy.example.net:3128\""));
        }
    }
}

/// Reads `https://host[:port]`, with or without one slash at the end.
fn read_url(url: &str) -> Option<Target> {
    let authority = url.strip_prefix("https://")?;
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    Target::with_default_port(authority, crate::HTTPS).ok()
}
