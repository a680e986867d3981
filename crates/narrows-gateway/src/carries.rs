//! [`Carries`]: the features of a gateway, ready to be asked about targets and addresses.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU16;

use ipnet::IpNet;
use narrows_endpoint::{
    AddressClass, Catalogue, Decision, Host, Level, Parameters, Pattern, Route, Routes, RuleError,
    RuleSet, RuleSetBuilder, Source, Target,
};

use crate::feature::Feature;

/// What a gateway may carry, compiled from its features.
///
/// A target is carried if a feature matches its name and port. Where a name leads is judged apart, once
/// it is resolved: [`Carries::address`].
#[derive(Debug)]
pub struct Carries {
    rules: RuleSet,
    /// By the text of the rule.
    networks: HashMap<String, Vec<IpNet>>,
}

/// The ports of a pattern that names none.
pub const PORTS: [NonZeroU16; 2] = [HTTPS, NonZeroU16::new(80).unwrap()];

/// The port of a target that names none.
pub(crate) const HTTPS: NonZeroU16 = NonZeroU16::new(443).unwrap();

/// The group that `*` stands for, in explanations.
const ALL: &str = "arc-gateway-carried";

// === impl Carries ===

impl Carries {
    /// Compiles features; `place` says where each of the operator's own patterns stands.
    ///
    /// # Errors
    ///
    /// [`RuleError`] if there are too many.
    pub fn compile<'a>(
        features: impl IntoIterator<Item = (&'a Feature, Source)>,
        catalogue: &Catalogue,
    ) -> Result<Self, RuleError> {
        let mut networks: HashMap<String, Vec<IpNet>> = HashMap::new();
        let mut rules = RuleSet::builder(Routes {
            never: Route::Deny,
            default: Route::Deny,
        });
        for (feature, place) in features {
            rules = match feature {
                Feature::All => add(rules, catalogue.carried().cloned(), &group(ALL, catalogue)),
                Feature::Group(name) => {
                    let members = members(name, catalogue);
                    add(rules, members, &group(name, catalogue))
                }
                Feature::Rule {
                    every_port,
                    pattern,
                    networks: named,
                } => {
                    let patterns = match every_port {
                        true => vec![pattern.clone()],
                        false => with_ports(pattern),
                    };
                    for pattern in &patterns {
                        networks
                            .entry(pattern.to_string())
                            .or_default()
                            .extend(named);
                    }
                    add(rules, patterns, &place)
                }
            };
        }
        Ok(Self {
            rules: rules.build()?,
            networks,
        })
    }

    /// The rule that carries the target, or none.
    pub fn target(&self, target: &Target) -> Option<Decision<'_>> {
        let decision = self.rules.decide(target);
        (decision.level == Level::Carried).then_some(decision)
    }

    /// Whether an address of a carried target may be dialled.
    ///
    /// The internet may; anything else only if the target's own rule names the network, and a metadata
    /// service only if it names that very address.
    ///
    /// # Errors
    ///
    /// The class of the address that is denied.
    pub fn address(&self, target: &Target, address: IpAddr) -> Result<(), AddressClass> {
        let class = AddressClass::of(address);
        if class.is_public() {
            return Ok(());
        }
        // A literal target was matched by its own network, and so it is named.
        let named = self.target(target).and_then(|decision| {
            let pattern = decision.pattern?;
            Some(self.names(pattern, target.host(), address, class))
        });
        if named == Some(true) {
            Ok(())
        } else {
            Err(class)
        }
    }

    fn names(&self, rule: &Pattern, host: &Host, address: IpAddr, class: AddressClass) -> bool {
        let rule = rule.to_string();
        if host.ip() == Some(address) {
            // Only a network of several addresses is written with its length.
            return class != AddressClass::Metadata || !rule.contains('/');
        }
        let networks = self.networks.get(&rule);
        networks.is_some_and(|networks| AddressClass::is_opened_by(networks, address))
    }

    /// The number of rules.
    pub const fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether nothing is carried.
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

fn add(
    rules: RuleSetBuilder,
    patterns: impl IntoIterator<Item = Pattern>,
    source: &Source,
) -> RuleSetBuilder {
    patterns.into_iter().fold(rules, |rules, pattern| {
        rules.rule(Level::Carried, pattern, source.clone())
    })
}

fn group(name: &str, catalogue: &Catalogue) -> Source {
    Source::Catalogue {
        group: name.into(),
        date: catalogue.date(),
    }
}

/// Names and ports of a group: those without tokens, and the others for every region. What only a
/// customer can fill in, such as the id of a workspace, is left out. Filling in every region takes long, and
/// happens as far as they are asked for.
pub(crate) fn members(group: &str, catalogue: &Catalogue) -> impl Iterator<Item = Pattern> {
    let none = Parameters::new();
    let regions = catalogue.regions().iter();
    let expanded = regions
        .filter_map(move |region| catalogue.expand(&region.name, &none).ok())
        .flatten()
        .filter(move |expansion| expansion.endpoint.group() == group)
        .filter_map(|expansion| expansion.pattern);
    let rows = catalogue.endpoints().iter();
    rows.filter(move |row| row.group() == group)
        .filter_map(|row| row.concrete().cloned())
        .chain(expanded)
}

fn with_ports(pattern: &Pattern) -> Vec<Pattern> {
    if pattern.covers_every_port() {
        PORTS.map(|port| pattern.clone().or_port(port)).to_vec()
    } else {
        vec![pattern.clone()]
    }
}

#[cfg(test)]
mod tests;
