//! [`Registry`]: every gateway of one server, told apart by the name in TLS.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use narrows_endpoint::{Catalogue, Name, RuleError, Source};

use crate::carries::Carries;
use crate::definition::{Definition, GatewayName};
use crate::store::{Store, StoreError, Stored};
use crate::usage::Usage;

/// One gateway, ready to be asked.
#[derive(Debug)]
pub struct Gateway {
    /// What it may carry.
    pub carries: Arc<Carries>,
    /// As it is stored.
    pub definition: Definition,
    /// How much of it is in use.
    pub usage: Arc<Usage>,
}

/// Every gateway of one server.
#[derive(Debug, Default)]
pub struct Registry {
    gateways: Vec<Arc<Gateway>>,
    by_endpoint: HashMap<Name, usize>,
    by_name: HashMap<GatewayName, usize>,
}

/// What outlives a reload: how much of each gateway is in use.
#[derive(Debug, Default)]
pub struct Usages(Mutex<HashMap<GatewayName, Arc<Usage>>>);

/// Why the definitions cannot be served. The message says where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Two gateways have one endpoint.
    #[error("the gateways {one} and {other} have the same gatewayEndpoint")]
    Endpoint {
        /// The first.
        one: GatewayName,
        /// The second.
        other: GatewayName,
    },
    /// A definition cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The features make no rules.
    #[error("the features of {name} make no rules: {error}")]
    Rules {
        /// The gateway.
        name: GatewayName,
        /// Why.
        error: RuleError,
    },
}

// === impl Registry ===

impl Registry {
    /// Reads and compiles every definition of a store.
    ///
    /// # Errors
    ///
    /// [`RegistryError`] for the first that cannot be served.
    pub fn load(
        store: &Store,
        usages: &Usages,
        catalogue: &Catalogue,
    ) -> Result<Self, RegistryError> {
        let mut registry = Self::default();
        for stored in store.list()? {
            let gateway = Gateway::compile(stored, usages, catalogue)?;
            registry.add(Arc::new(gateway))?;
        }
        usages.forget_all_but(&registry);
        Ok(registry)
    }

    /// The gateway for the name that a client says in TLS.
    ///
    /// A server with one gateway serves it under every name and without one.
    pub fn by_sni(&self, name: Option<&str>) -> Option<&Arc<Gateway>> {
        if let [only] = &self.gateways[..] {
            return Some(only);
        }
        let name: narrows_endpoint::Host = name?.parse().ok()?;
        self.by_endpoint(name.name()?)
    }

    /// The gateway of that endpoint.
    pub fn by_endpoint(&self, endpoint: &Name) -> Option<&Arc<Gateway>> {
        self.by_endpoint.get(endpoint).map(|at| &self.gateways[*at])
    }

    /// The gateway of that name.
    pub fn by_name(&self, name: &GatewayName) -> Option<&Arc<Gateway>> {
        self.by_name.get(name).map(|at| &self.gateways[*at])
    }

    /// Every gateway, by name.
    pub fn gateways(&self) -> &[Arc<Gateway>] {
        &self.gateways
    }

    fn add(&mut self, gateway: Arc<Gateway>) -> Result<(), RegistryError> {
        let (at, definition) = (self.gateways.len(), &gateway.definition);
        let endpoint = definition.gateway_endpoint.name().clone();
        if let Some(earlier) = self.by_endpoint.insert(endpoint, at) {
            return Err(RegistryError::Endpoint {
                one: self.gateways[earlier].definition.name.clone(),
                other: definition.name.clone(),
            });
        }
        self.by_name.insert(definition.name.clone(), at);
        self.gateways.push(gateway);
        Ok(())
    }
}

// === impl Gateway ===

impl Gateway {
    fn compile(
        stored: Stored,
        usages: &Usages,
        catalogue: &Catalogue,
    ) -> Result<Self, RegistryError> {
        let path: Arc<str> = stored.path.to_string_lossy().into();
        let definition = stored.definition;
        let features = definition.allowed_features.iter().map(|feature| {
            let place = Source::File {
                path: Arc::clone(&path),
                line: line_of(&stored.text, feature.text()),
            };
            (&feature.feature, place)
        });
        let carries =
            Carries::compile(features, catalogue).map_err(|error| RegistryError::Rules {
                name: definition.name.clone(),
                error,
            })?;
        Ok(Self {
            carries: Arc::new(carries),
            usage: usages.of(&definition.name),
            definition,
        })
    }
}

// === impl Usages ===

impl Usages {
    fn of(&self, name: &GatewayName) -> Arc<Usage> {
        let mut usages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(usages.entry(name.clone()).or_default())
    }

    /// A gateway that is gone may leave tunnels; they keep what they count in alive.
    fn forget_all_but(&self, registry: &Registry) {
        let mut usages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        usages.retain(|name, _| registry.by_name.contains_key(name));
    }
}

/// The line on which a feature stands, from 1; 1 if it is spelled with escapes.
fn line_of(text: &str, feature: &str) -> u32 {
    let quoted = format!("\"{feature}\"");
    let before = text.find(&quoted).map_or("", |at| &text[..at]);
    u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use narrows_endpoint::Target;

    use super::*;

    fn store(dir: &tempfile::TempDir, gateways: &[(&str, &str)]) -> Store {
        for (name, feature) in gateways {
            let json = format!(
                r#"{{
                "allowedFeatures": [
                    "{feature}"
                ],
                "gatewayEndpoint": "{name}.gw.example.net", "gatewayId": "", "gatewayType": "Public",
                "id": "", "location": "", "name": "{name}", "provisioningState": "Succeeded",
                "resourceGroup": "", "type": ""
                }}"#
            );
            std::fs::write(dir.path().join(format!("{name}.json")), json).unwrap();
        }
        Store::new(dir.path())
    }

    fn load(store: &Store, usages: &Usages) -> Result<Registry, RegistryError> {
        Registry::load(store, usages, Catalogue::built_in())
    }

    #[test]
    fn gateways_are_told_apart_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let gateways = store(&dir, &[("east", "A.example"), ("west", "b.example")]);
        let registry = load(&gateways, &Usages::default()).unwrap();
        let found = |name| {
            let gateway = registry.by_sni(name);
            gateway.map(|gateway| gateway.definition.name.to_string())
        };
        assert_eq!(found(Some("East.gw.example.net")).as_deref(), Some("east"));
        assert_eq!(found(Some("west.gw.example.net")).as_deref(), Some("west"));
        assert_eq!(found(Some("north.gw.example.net")), None);
        assert_eq!(found(None), None);
        let east = registry.by_name(&"east".parse().unwrap()).unwrap();
        let target: Target = "a.example:443".parse().unwrap();
        let reason = east.carries.target(&target).unwrap().reason();
        assert!(reason.ends_with("east.json:3)"), "{reason}");
    }

    #[test]
    fn a_single_gateway_is_the_default() {
        let dir = tempfile::tempdir().unwrap();
        let gateways = store(&dir, &[("east", "a.example")]);
        let registry = load(&gateways, &Usages::default()).unwrap();
        for name in [None, Some("localhost"), Some("east.gw.example.net")] {
            assert!(registry.by_sni(name).is_some(), "{name:?}");
        }
        assert!(Registry::default().by_sni(None).is_none());
    }

    #[test]
    fn a_reload_keeps_counting() {
        let dir = tempfile::tempdir().unwrap();
        let gateways = store(&dir, &[("east", "a.example")]);
        let usages = Usages::default();
        let (one, other) = (
            load(&gateways, &usages).unwrap(),
            load(&gateways, &usages).unwrap(),
        );
        assert!(Arc::ptr_eq(
            &one.gateways()[0].usage,
            &other.gateways()[0].usage
        ));
    }

    #[test]
    fn two_gateways_with_one_endpoint_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let gateways = store(&dir, &[("east", "a.example"), ("west", "b.example")]);
        let path = dir.path().join("west.json");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("west.gw", "east.gw")).unwrap();
        let error = load(&gateways, &Usages::default()).unwrap_err().to_string();
        assert!(error.contains("east and west"), "{error}");
    }
}
