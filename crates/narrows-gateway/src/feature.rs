//! [`Feature`]: one entry of `allowedFeatures`.

use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use narrows_endpoint::{Catalogue, Pattern, PatternError};

use crate::carries::members;

/// One entry of `allowedFeatures`: what a gateway may carry.
///
/// - `*` is everything that the catalogue says a gateway carries, as with the real resource. It is not
///   every name there is.
/// - A word without dots and colons is a group of the catalogue, such as `arc-servers`.
/// - Anything else is a pattern, such as `*.corp.example` or `wiki.corp.example:8443`. Without a port it
///   means 443 and 80; `wiki.corp.example:1-65535` is every port.
/// - `PATTERN in CIDR[,CIDR…]` lets the names of the pattern resolve to inner networks:
///   `*.corp.example in 10.1.0.0/16`. An address or network as a pattern names itself.
///
/// # Examples
///
/// ```
/// use narrows_gateway::feature::Feature;
///
/// let feature: Feature = "Wiki.corp.example:8443 in 10.1.0.0/16, 10.2.0.7".parse()?;
/// assert_eq!(feature.to_string(), "wiki.corp.example:8443 in 10.1.0.0/16,10.2.0.7/32");
/// assert!("arc-serverz".parse::<Feature>().unwrap_err().to_string().contains("arc-servers"));
/// # Ok::<(), narrows_gateway::feature::FeatureError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Feature {
    /// `*`: what the catalogue says a gateway carries.
    All,
    /// A group of the catalogue, by name.
    Group(Box<str>),
    /// A pattern of the operator's own.
    Rule {
        /// Whether a pattern that leaves its ports open was written as one for every port.
        every_port: bool,
        /// The targets.
        pattern: Pattern,
        /// Networks besides the internet that the names may resolve to.
        networks: Vec<IpNet>,
    },
}

/// Features in one text, separated by commas.
///
/// A network behind a feature with `in` is one more of its networks and not a feature of its own:
/// `a.example in 10.1.0.0/16,10.2.0.0/16,*.b.example` is two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Features(pub Vec<Feature>);

/// Why a text is not a feature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureError {
    /// A group whose names all have a part that only a customer knows.
    #[error(
        "every name of group {name:?} has a part that only you know: write the names themselves"
    )]
    EmptyGroup {
        /// The group.
        name: Box<str>,
    },
    /// `in` without a network behind it, or with something else.
    #[error("{text:?} is not a network: write CIDR such as 10.1.0.0/16, without host bits")]
    Network {
        /// What stands there.
        text: Box<str>,
    },
    /// No pattern.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// No group of the catalogue.
    #[error("no group {name:?} in the catalogue{}; a name of your own without dots needs a port, as in \
             {name}:443", meant(.nearest.as_deref()))]
    UnknownGroup {
        /// What stands there.
        name: Box<str>,
        /// The group that may have been meant.
        nearest: Option<Box<str>>,
    },
}

// === impl Feature ===

impl FromStr for Feature {
    type Err = FeatureError;

    fn from_str(text: &str) -> Result<Self, FeatureError> {
        if text == "*" {
            return Ok(Self::All);
        }
        let Some((pattern, networks)) = text.split_once(IN) else {
            return if is_word(text) {
                group(text)
            } else {
                rule(text, Vec::new())
            };
        };
        let networks = networks.split(',').map(|text| network(text.trim()));
        rule(pattern.trim(), networks.collect::<Result<_, _>>()?)
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Group(name) => f.write_str(name),
            Self::Rule {
                every_port,
                pattern,
                networks,
            } => {
                write!(f, "{pattern}{}", if *every_port { EVERY_PORT } else { "" })?;
                for (index, network) in networks.iter().enumerate() {
                    write!(f, "{}{network}", if index == 0 { " in " } else { "," })?;
                }
                Ok(())
            }
        }
    }
}

// === impl Features ===

impl FromStr for Features {
    type Err = FeatureError;

    fn from_str(text: &str) -> Result<Self, FeatureError> {
        let mut features: Vec<String> = Vec::new();
        for part in text.split(',') {
            match features.last_mut() {
                Some(last) if last.contains(IN) && network(part.trim()).is_ok() => {
                    last.push(',');
                    last.push_str(part);
                }
                _ => features.push(part.to_owned()),
            }
        }
        let features = features.iter().map(|feature| feature.trim().parse());
        Ok(Self(features.collect::<Result<_, _>>()?))
    }
}

fn is_word(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && !text.is_empty()
}

fn group(name: &str) -> Result<Feature, FeatureError> {
    let catalogue = Catalogue::built_in();
    if catalogue.groups().any(|group| group == name) {
        return match members(name, catalogue).next() {
            None => Err(FeatureError::EmptyGroup { name: name.into() }),
            Some(_) => Ok(Feature::Group(name.into())),
        };
    }
    let nearest = catalogue
        .groups()
        .map(|group| (strsim::jaro_winkler(group, name), group))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    Err(FeatureError::UnknownGroup {
        name: name.into(),
        nearest: nearest.map(|(_, group)| group.into()),
    })
}

fn rule(pattern: &str, networks: Vec<IpNet>) -> Result<Feature, FeatureError> {
    Ok(Feature::Rule {
        every_port: pattern.ends_with(EVERY_PORT),
        pattern: pattern.parse()?,
        networks,
    })
}

/// One address is a network too; host bits are refused, as in patterns.
fn network(text: &str) -> Result<IpNet, FeatureError> {
    let network: Option<IpNet> = text.parse().ok().or_else(|| {
        text.parse()
            .ok()
            .map(|address: std::net::IpAddr| address.into())
    });
    network
        .filter(|network| network.trunc() == *network)
        .ok_or_else(|| FeatureError::Network { text: text.into() })
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean {name:?}?)"))
}

/// What stands between a pattern and its networks.
const IN: &str = " in ";
/// A pattern of every port is the same as one without, but here the one without means two ports.
const EVERY_PORT: &str = ":1-65535";
/// From here on a word may have been meant for another.
const ALIKE: f64 = 0.8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart() {
        for (text, want) in [
            ("*", "*"),
            ("arc-servers", "arc-servers"),
            ("Example.com", "example.com"),
            ("*.example.com:8443", "*.example.com:8443"),
            (
                "localhost:8080 in 127.0.0.1",
                "localhost:8080 in 127.0.0.1/32",
            ),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("a.example:1-65535", "a.example:1-65535"),
            (
                "a.example in 10.0.0.0/8 , fd00::/8",
                "a.example in 10.0.0.0/8,fd00::/8",
            ),
        ] {
            let feature: Feature = text.parse().unwrap();
            assert_eq!(feature.to_string(), want);
            assert_eq!(want.parse(), Ok(feature));
        }
    }

    #[test]
    fn networks_behind_in_are_no_features() {
        let text =
            "*,a.example in 10.1.0.0/16, 10.2.0.7,fd00::/8,10.3.0.0/16:5432,b.example,10.4.0.0/16";
        let features: Features = text.parse().unwrap();
        let features: Vec<_> = features.0.iter().map(Feature::to_string).collect();
        let want = [
            "*",
            "a.example in 10.1.0.0/16,10.2.0.7/32,fd00::/8",
            "10.3.0.0/16:5432",
            "b.example",
            "10.4.0.0/16",
        ];
        assert_eq!(features, want);
    }

    #[test]
    fn what_is_none_of_them_says_what_to_write() {
        for (text, says) in [
            ("arc-server", "did you mean \"arc-servers\""),
            ("localhost", "localhost:443"),
            ("arc-gateway-extra-ama", "only you know"),
            ("a.example in ", "CIDR"),
            ("a.example in 10.0.0.1/8", "host bits"),
            ("*.com", "*.com"),
            ("https://a.example", "https"),
            ("", ""),
        ] {
            let error = text.parse::<Feature>().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
