//! [`Definition`]: one gateway resource, with the fields of the real one.

use std::fmt;
use std::str::FromStr;

use narrows_endpoint::{Host, Name};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::feature::Feature;
use crate::random::{self, NoRandomness};

/// One gateway resource, as JSON: the fields of `Microsoft.HybridCompute/gateways` as the Azure CLI
/// prints them, and one more, `narrows`, for what the real one does not have.
///
/// `provisioningState` is always `Succeeded`: a definition that can be read is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Definition {
    /// What it may carry.
    pub allowed_features: Vec<FeatureText>,
    /// The one name that clients and firewalls know, and the SNI that selects this gateway.
    pub gateway_endpoint: Endpoint,
    /// Its id, a UUID; another one than in the endpoint's name.
    pub gateway_id: String,
    /// Always `Public`.
    pub gateway_type: String,
    /// The path of the resource.
    pub id: String,
    /// A region, of which Narrows makes nothing.
    pub location: String,
    /// The name that people use.
    pub name: GatewayName,
    /// Always `Succeeded`.
    pub provisioning_state: String,
    /// The group in the resource's path.
    pub resource_group: String,
    /// Free labels; absent unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<serde_json::Map<String, serde_json::Value>>,
    /// The resource's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the real resource does not have; absent unless set.
    #[serde(default, skip_serializing_if = "Narrows::is_default")]
    pub narrows: Narrows,
}

/// The `narrows` object of a definition: how much one gateway may do at a time. Absent: no limit but
/// the server's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Narrows {
    /// Tunnels at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tunnels: Option<u32>,
    /// Tunnels that may be opened in one second, on average; short bursts may be twice as fast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens_per_second: Option<u32>,
    /// Tunnels at a time of one identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_tunnels: Option<u32>,
    /// Tunnels that one identity may open in one second, on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_opens_per_second: Option<u32>,
}

/// A feature, and the text in JSON that it was read from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FeatureText {
    /// What the text means.
    pub feature: Feature,
    text: Box<str>,
}

/// The name of a gateway's endpoint, as text in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint(Name);

/// The name of a gateway: letters, digits, `-`, `_` and `.`, as with the real resource.
///
/// It is also the name of a file, so it does not start with a dot and has at most 128 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GatewayName(Box<str>);

/// Why a text is not a gateway's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a gateway's name has 1 to 128 letters, digits, '-', '_' and '.', and does not start with a dot"
)]
pub struct NameError;

/// What [`Definition::new`] is told.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The gateway's name.
    pub name: GatewayName,
    /// What it may carry.
    pub features: Vec<Feature>,
    /// A region.
    pub location: String,
    /// The group in the resource's path.
    pub resource_group: String,
    /// The domain of the endpoint: `<id>.gw.<domain>`.
    pub domain: Name,
}

// === impl Definition ===

impl Definition {
    /// A new gateway with ids of its own.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`].
    ///
    /// # Panics
    ///
    /// Never: the domain leaves room for the id, or the endpoint is the domain itself.
    pub fn new(wanted: Wanted) -> Result<Self, NoRandomness> {
        let Wanted {
            name,
            features,
            location,
            resource_group,
            domain,
        } = wanted;
        let endpoint = format!("{}.gw.{domain}", random::uuid()?);
        // A domain of nearly 253 octets leaves no room for the id; then it is the endpoint.
        let endpoint = endpoint.parse().unwrap_or(Endpoint(domain));
        Ok(Self {
            allowed_features: features.into_iter().map(FeatureText::from).collect(),
            gateway_endpoint: endpoint,
            gateway_id: random::uuid()?,
            gateway_type: "Public".to_owned(),
            id: format!(
                "/subscriptions/{NO_SUBSCRIPTION}/resourceGroups/{resource_group}/providers/{KIND}/{name}"
            ),
            location,
            name,
            provisioning_state: "Succeeded".to_owned(),
            resource_group,
            tags: None,
            kind: KIND.to_owned(),
            narrows: Narrows::default(),
        })
    }

    /// The definition as JSON text, one field a line, with a newline at the end.
    pub fn to_json(&self) -> String {
        // Nothing in it can fail to be JSON: keys are strings and numbers are whole.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

// === impl Narrows ===

impl Narrows {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

// === impl GatewayName ===

impl GatewayName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GatewayName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let good = (1..=128).contains(&text.len()) && !text.starts_with('.');
        (good && text.bytes().all(allowed))
            .then(|| Self(text.into()))
            .ok_or(NameError)
    }
}

// === impl Endpoint ===

impl Endpoint {
    /// The DNS name.
    pub const fn name(&self) -> &Name {
        &self.0
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        match Host::from_str(text) {
            Ok(Host::Name(name)) => Ok(Self(name)),
            Ok(Host::Ip(_)) => Err(EndpointError("an address has no certificate name".into())),
            Err(error) => Err(EndpointError(error.to_string().into())),
        }
    }
}

/// Why a text is not an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no name for an endpoint: {0}")]
pub struct EndpointError(Box<str>);

impl fmt::Display for GatewayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// === texts ===

impl FromStr for FeatureText {
    type Err = crate::feature::FeatureError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self {
            feature: text.parse()?,
            text: text.into(),
        })
    }
}

impl FeatureText {
    /// The text, as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl From<Feature> for FeatureText {
    fn from(feature: Feature) -> Self {
        let text = feature.to_string().into();
        Self { feature, text }
    }
}

impl fmt::Display for FeatureText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

macro_rules! texts {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::text::parse(deserializer)
            }
        }
    )*};
}

texts!(FeatureText, Endpoint, GatewayName);

/// The resource's type.
pub const KIND: &str = "Microsoft.HybridCompute/gateways";
/// There are no subscriptions here; the path of the real resource wants one.
const NO_SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

#[cfg(test)]
mod tests {
    use super::*;

    fn edge() -> Definition {
        let domain: Host = "example.net".parse().unwrap();
        Definition::new(Wanted {
            name: "edge".parse().unwrap(),
            features: vec![
                "*".parse().unwrap(),
                "a.example in 10.0.0.0/8".parse().unwrap(),
            ],
            location: "japaneast".into(),
            resource_group: "narrows".into(),
            domain: domain.name().unwrap().clone(),
        })
        .unwrap()
    }

    #[test]
    fn has_exactly_the_fields_of_the_real_resource() {
        let json: serde_json::Value = serde_json::from_str(&edge().to_json()).unwrap();
        let fields: Vec<_> = json.as_object().unwrap().keys().collect();
        assert_eq!(
            fields,
            [
                "allowedFeatures",
                "gatewayEndpoint",
                "gatewayId",
                "gatewayType",
                "id",
                "location",
                "name",
                "provisioningState",
                "resourceGroup",
                "type"
            ]
        );
        let endpoint = json["gatewayEndpoint"].as_str().unwrap();
        assert!(endpoint.ends_with(".gw.example.net"), "{endpoint}");
        assert!(!endpoint.starts_with(json["gatewayId"].as_str().unwrap()));
        assert_eq!(json["type"], "Microsoft.HybridCompute/gateways");
    }

    #[test]
    fn reads_what_it_writes() {
        let mut edge = edge();
        edge.narrows.tunnels = Some(5);
        assert_eq!(
            serde_json::from_str::<Definition>(&edge.to_json()).unwrap(),
            edge
        );
    }

    #[test]
    fn a_bad_field_is_named_with_its_line() {
        let text = edge().to_json().replace("a.example in", "*com in");
        let error = serde_json::from_str::<Definition>(&text).unwrap_err();
        assert_eq!(error.line(), 4, "{error}");
        let text = edge().to_json().replace("\"name\"", "\"nome\"");
        let error = serde_json::from_str::<Definition>(&text)
            .unwrap_err()
            .to_string();
        assert!(error.contains("nome"), "{error}");
    }

    #[test]
    fn names_are_those_of_the_real_resource_and_of_files() {
        for name in ["ymarcgw", "a", "A-b_c.d", "1"] {
            assert!(name.parse::<GatewayName>().is_ok(), "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            ".hidden",
            "a/b",
            "a b",
            "ä",
            &"a".repeat(129),
        ] {
            assert!(name.parse::<GatewayName>().is_err(), "{name}");
        }
    }
}
