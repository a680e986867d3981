//! Words for the path between a client and its target: routes, hops and steps.

use std::fmt;
use std::str::FromStr;

/// The way a request takes to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Route {
    /// Nowhere: the request is refused by policy.
    Deny,
    /// Straight to the target.
    Direct,
    /// Through the gateway, the far end with one FQDN.
    Gateway,
    /// Through the enterprise proxy between the machine and the internet.
    Proxy,
}

impl Route {
    /// The word that rules, logs and explanations use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Direct => "direct",
            Self::Gateway => "gateway",
            Self::Proxy => "proxy",
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One party on the path, the one to blame or to thank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Hop {
    /// Whoever asked for the target.
    Client,
    /// The gateway.
    Gateway,
    /// The Narrows process that speaks.
    Narrows,
    /// The enterprise proxy.
    Proxy,
    /// The host and port that the client asked for.
    Target,
}

impl Hop {
    /// Every hop, for tables and parsers.
    pub const ALL: [Self; 5] = [
        Self::Client,
        Self::Gateway,
        Self::Narrows,
        Self::Proxy,
        Self::Target,
    ];

    /// The word that logs and error bodies use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Gateway => "gateway",
            Self::Narrows => "narrows",
            Self::Proxy => "proxy",
            Self::Target => "target",
        }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What was being done at a hop when a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Step {
    /// Opening a TCP connection to the hop.
    Connect,
    /// Deciding whether and how the target may be reached.
    Decide,
    /// Reading or judging the request head.
    Head,
    /// Carrying bytes after the tunnel was open.
    Relay,
    /// Sending a request (CONNECT or plain HTTP) to the hop and reading its answer.
    Request,
    /// Resolving the hop's name to addresses.
    Resolve,
    /// The TLS handshake with the hop.
    Tls,
}

impl Step {
    /// Every step, for tables and parsers.
    pub const ALL: [Self; 7] = [
        Self::Connect,
        Self::Decide,
        Self::Head,
        Self::Relay,
        Self::Request,
        Self::Resolve,
        Self::Tls,
    ];

    /// The word that logs and error bodies use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Decide => "decide",
            Self::Head => "head",
            Self::Relay => "relay",
            Self::Request => "request",
            Self::Resolve => "resolve",
            Self::Tls => "tls",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that names no route, hop or step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of the known words")]
pub struct UnknownWord;

impl FromStr for Route {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [Self::Deny, Self::Direct, Self::Gateway, Self::Proxy]
            .into_iter()
            .find(|route| route.as_str() == word)
            .ok_or(UnknownWord)
    }
}

impl FromStr for Hop {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|hop| hop.as_str() == word)
            .ok_or(UnknownWord)
    }
}

impl FromStr for Step {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|step| step.as_str() == word)
            .ok_or(UnknownWord)
    }
}
