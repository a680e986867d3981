//! What the gateway knows about itself, for its admin listener.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use narrows_admin::{Configuration, Descriptors, Facts, LogLines, Routes, Subject};
use narrows_endpoint::{Route, Target};
use narrows_log::Log;
use serde::Serialize;

use crate::carries::HTTPS;
use crate::registry::Gateway;
use crate::state::State;

/// What the gateway knows about itself once it serves.
pub(crate) struct Known<R> {
    /// The settings file, if there is one.
    pub(crate) file: Option<PathBuf>,
    /// Where clients connect.
    pub(crate) listen: Vec<SocketAddr>,
    /// The access log.
    pub(crate) log: Log,
    /// Whether new requests are taken.
    pub(crate) ready: R,
    /// What is read from files.
    pub(crate) state: Arc<State>,
}

/// What one gateway would do with a target.
#[derive(Debug, Serialize)]
struct Explained {
    target: String,
    route: &'static str,
    rule: Option<String>,
    reason: String,
    gateway: String,
}

// === impl Known ===

impl<R: Fn() -> bool + Send + Sync + 'static> Subject for Known<R> {
    fn facts(&self) -> Facts {
        let (gateways, reloads) = (self.state.gateways.load(), self.state.reloads());
        let rules = gateways.gateways().iter();
        Facts {
            program: "narrows-gateway",
            version: env!("CARGO_PKG_VERSION"),
            ready: (self.ready)(),
            listen: self.listen.iter().map(ToString::to_string).collect(),
            configuration: Configuration {
                path: self.file.as_ref().map(|path| path.display().to_string()),
                hash: None,
                reloads: reloads.taken,
                failed_reloads: reloads.refused,
                last_error: reloads.error(),
            },
            routes: Routes {
                default: Route::Deny.to_string(),
                rules: rules.map(|gateway| gateway.carries.len() as u64).sum(),
                bypass: Vec::new(),
                summary: self.state.summary(),
            },
            log: LogLines::of(&self.log),
            descriptors: Descriptors::now(),
            ..Facts::default()
        }
    }

    /// What each gateway would do with a target, as far as that can be said before it is resolved.
    fn explain(&self, host: &str) -> Result<serde_json::Value, String> {
        let target = Target::with_default_port(host, HTTPS).map_err(|error| error.to_string())?;
        let gateways = self.state.gateways.load();
        let gateways = gateways.gateways().iter();
        let explained: Vec<_> = gateways.map(|gateway| explain(gateway, &target)).collect();
        serde_json::to_value(explained).map_err(|error| error.to_string())
    }
}

fn explain(gateway: &Gateway, target: &Target) -> Explained {
    let name = &gateway.definition.name;
    let decision = gateway.carries.target(target);
    let (route, reason) = match &decision {
        Some(decision) => (Route::Direct, decision.reason()),
        None => (Route::Deny, "no feature carries it".to_owned()),
    };
    Explained {
        target: target.to_string(),
        route: route.as_str(),
        rule: decision.and_then(|decision| Some(decision.pattern?.to_string())),
        reason,
        gateway: name.to_string(),
    }
}
