//! Rows of the catalogue.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::path::UnknownWord;
use crate::pattern::Pattern;

use super::Template;

/// One row: a name pattern and a port of one cloud, for one group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// The cloud that the row is for.
    pub cloud: Cloud,
    /// The name of its group, such as `arc-servers`; see [`Endpoint::group`].
    pub group: Arc<str>,
    /// The name pattern, perhaps with tokens.
    pub template: Template,
    /// The port, 1 to 65535.
    pub port: std::num::NonZeroU16,
    /// The transport protocol under the port.
    pub transport: Transport,
    /// What the endpoint is for.
    pub purpose: Arc<str>,
    /// When it is needed.
    pub required_when: Arc<str>,
    /// What private link does for it, as the source says it; `n/a` where it says nothing.
    pub private_link: Arc<str>,
    /// Whether the gateway carries it, by the row's source.
    pub carried: Carried,
    /// The page that the row is from: a URL, or a few words where there is none.
    pub source: Arc<str>,
    /// Template and port as a pattern, if the template has no tokens.
    pub(super) concrete: Option<Pattern>,
}

/// A name that never goes by the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NeverGateway {
    /// The name, on every port.
    pub pattern: Pattern,
    /// Why: continues a sentence that begins with the name.
    pub reason: Arc<str>,
    /// The page that says so.
    pub source: Arc<str>,
}

/// Whether the gateway carries an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Carried {
    /// It does not.
    No,
    /// The sources do not say, or say only that some of it must stay open.
    Unknown,
    /// It does.
    Yes,
}

/// One of Azure's clouds, by the name that the Azure tools use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Cloud {
    /// `AzureChinaCloud`, operated by 21Vianet.
    AzureChinaCloud,
    /// `AzureCloud`, the public one, and the only one with a gateway.
    AzureCloud,
    /// `AzureUSGovernment`.
    AzureUsGovernment,
}

/// The transport protocol of an endpoint. Only TCP fits into a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP, which no proxy here carries.
    Udp,
}

// === impl Endpoint ===

impl Endpoint {
    /// The name of the row's group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// Name and port as a pattern, unless the name has tokens that must be filled in first.
    pub const fn concrete(&self) -> Option<&Pattern> {
        self.concrete.as_ref()
    }
}

// === impl Carried ===

impl Carried {
    const ALL: [Self; 3] = [Self::No, Self::Unknown, Self::Yes];

    /// The word that the catalogue uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Unknown => "unknown",
            Self::Yes => "yes",
        }
    }
}

// === impl Cloud ===

impl Cloud {
    /// Every cloud.
    pub const ALL: [Self; 3] = [
        Self::AzureChinaCloud,
        Self::AzureCloud,
        Self::AzureUsGovernment,
    ];

    /// The name that the Azure tools use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AzureChinaCloud => "AzureChinaCloud",
            Self::AzureCloud => "AzureCloud",
            Self::AzureUsGovernment => "AzureUSGovernment",
        }
    }
}

// === impl Transport ===

impl Transport {
    const ALL: [Self; 2] = [Self::Tcp, Self::Udp];

    /// The word that the catalogue uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

macro_rules! words {
    ($($name:ty),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                Self::ALL
                    .into_iter()
                    .find(|value| value.as_str() == word)
                    .ok_or(UnknownWord)
            }
        }
    )*};
}

words!(Carried, Cloud, Transport);
