//! The small closed vocabularies of a report: steps, hops, parties, certainty.

use std::fmt;
use std::str::FromStr;

/// A text that is not one of a closed set of words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{word}\" is not a {set}")]
pub struct UnknownWord {
    pub(crate) set: &'static str,
    pub(crate) word: String,
}

/// Makes an enum whose variants are words: printed, parsed and serialised as such.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $set:literal; $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every one, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                let found = Self::ALL.iter().find(|each| each.as_str() == word);
                found.copied().ok_or_else(|| UnknownWord { set: $set, word: word.to_owned() })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::serial::text::deserialize(deserializer)
            }
        }
    };
}

words! {
    /// A step of the walk, in the order in which they are taken.
    Step, "step";
    /// From the first hop's name to addresses. Not taken for names that a proxy resolves.
    Resolve = "resolve",
    /// The TCP connection to the first hop.
    Connect = "connect",
    /// TLS with an upstream proxy that wants it.
    ProxyTls = "proxy_tls",
    /// CONNECT to an upstream proxy.
    ProxyConnect = "proxy_connect",
    /// TLS with a gateway.
    GatewayTls = "gateway_tls",
    /// CONNECT to a gateway.
    GatewayConnect = "gateway_connect",
    /// The TLS handshake with the target.
    Tls = "tls",
    /// The target's certificate.
    Certificate = "certificate",
    /// One HTTP request to the target.
    Http = "http",
}

words! {
    /// What kind of hop a step was taken with.
    HopKind, "hop";
    /// An upstream proxy.
    Proxy = "proxy",
    /// A gateway: an HTTPS proxy at the far end.
    Gateway = "gateway",
    /// The target itself, or whoever answers in its name.
    Target = "target",
}

words! {
    /// Who most likely broke it.
    Party, "party";
    /// A device that reads the traffic and decides by it: a firewall's application rule, an inspector.
    Firewall = "firewall",
    /// The gateway.
    Gateway = "gateway",
    /// The way there: routing, or a filter that drops by address and port.
    Network = "network",
    /// Nobody: nothing is broken.
    Nobody = "nobody",
    /// The upstream proxy.
    Proxy = "proxy",
    /// The name servers.
    Resolver = "resolver",
    /// The target's own server.
    Target = "target",
    /// This machine: its firewall, its limits, its clock, its trust store.
    ThisHost = "this host",
    /// The evidence does not say.
    Unknown = "unknown",
}

words! {
    /// How sure it is who broke it. What was seen is never in doubt.
    Certainty, "certainty";
    /// One of several explanations, none of them tested.
    Guess = "guess",
    /// The usual explanation of what was seen.
    Likely = "likely",
    /// The evidence leaves no other explanation.
    Proved = "proved",
}

words! {
    /// How a connection ended, or failed to go on.
    Ending, "ending";
    /// By FIN, or by a TLS `close_notify`.
    Closed = "closed",
    /// By RST.
    Reset = "reset",
    /// Not at all: nothing came before the deadline.
    Silent = "silent",
}

words! {
    /// How large a ClientHello is.
    HelloSize, "hello size";
    /// One segment: classical key exchange only, some 250 octets.
    Small = "small",
    /// Over one segment: a post-quantum key share first, some 1 500 octets, as modern browsers send.
    Large = "large",
}

words! {
    /// How a step ended.
    Outcome, "outcome";
    /// As it should.
    Passed = "passed",
    /// It did not; its evidence says how.
    Failed = "failed",
    /// It was not taken, because it is not this side's to take or was not asked for.
    Skipped = "skipped",
}

impl Default for HelloSize {
    /// The baseline.
    fn default() -> Self {
        Self::Small
    }
}
