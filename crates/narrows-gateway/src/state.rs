//! [`State`]: everything that is read from files and may change while serving.

use std::sync::{Arc, Mutex, PoisonError};

use narrows_endpoint::Catalogue;
use narrows_service::files;
use narrows_service::watched::Watched;

use crate::jwt::Jwt;
use crate::registry::{Registry, Usages};
use crate::settings::{JwtSettings, Settings};
use crate::store::Store;
use crate::tls::{self, Tls};
use crate::tokens::{TokenFile, Tokens};

/// Everything that is read from files and may change while serving. Each part is replaced by itself: a
/// certificate that cannot be read does not keep a revoked token alive.
#[derive(Debug)]
pub struct State {
    /// The gateways.
    pub gateways: Arc<Watched<Registry>>,
    /// Keys for JWTs, if they are accepted.
    pub jwt: Option<Arc<Watched<Jwt>>>,
    /// Certificates and keys.
    pub tls: Arc<Watched<Tls>>,
    /// Bearer tokens.
    pub tokens: Arc<Watched<Tokens>>,
    reloads: Mutex<Reloads>,
}

/// How reading again went so far.
#[derive(Clone, Debug, Default)]
pub struct Reloads {
    /// How often a part was taken.
    pub taken: u64,
    /// How often a part was refused.
    pub refused: u64,
    /// Why each part was refused, unless it was taken since.
    errors: [Option<String>; 4],
}

/// What cannot be used, and why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The definitions.
    #[error("cannot serve the definitions: {0}")]
    Gateways(String),
    /// The key set.
    #[error("cannot use the key set: {0}")]
    Jwt(String),
    /// Certificates and keys.
    #[error("cannot serve TLS: {0}")]
    Tls(String),
    /// The tokens.
    #[error("cannot use the tokens: {0}")]
    Tokens(String),
}

// === impl State ===

impl State {
    /// Reads everything for the first time.
    ///
    /// # Errors
    ///
    /// [`StateError`] for the first part that cannot be used.
    pub fn read(settings: &Settings) -> Result<Self, StateError> {
        let jwt = settings.jwt.clone().map(jwt).transpose();
        Ok(Self {
            gateways: Arc::new(gateways(settings).map_err(StateError::Gateways)?),
            jwt: jwt.map_err(StateError::Jwt)?.map(Arc::new),
            tls: Arc::new(tls(settings).map_err(StateError::Tls)?),
            tokens: Arc::new(tokens(settings).map_err(StateError::Tokens)?),
            reloads: Mutex::default(),
        })
    }

    /// Reads again what looks different, and says what came of it: one line for each part.
    ///
    /// Blocks on the file system.
    pub fn refresh(&self) -> Vec<String> {
        let parts = [
            ("definitions", self.gateways.refresh()),
            ("certificates", self.tls.refresh()),
            ("tokens", self.tokens.refresh()),
            (
                "JWT keys",
                self.jwt.as_ref().map_or(Ok(false), |jwt| jwt.refresh()),
            ),
        ];
        let mut reloads = self.reloads.lock().unwrap_or_else(PoisonError::into_inner);
        let lines =
            parts
                .into_iter()
                .enumerate()
                .filter_map(|(part, (what, outcome))| match outcome {
                    Ok(false) => None,
                    Ok(true) => {
                        reloads.count(part, None);
                        Some(format!("reloaded {what}"))
                    }
                    Err(error) => {
                        let line = format!("{what} stay as they were: {error}");
                        reloads.count(part, Some(line.clone()));
                        Some(format!("error: {line}"))
                    }
                });
        lines.collect()
    }

    /// How reading again went so far.
    pub fn reloads(&self) -> Reloads {
        let reloads = self.reloads.lock().unwrap_or_else(PoisonError::into_inner);
        reloads.clone()
    }

    /// Whether there is anything by which clients can say who they are.
    pub fn authenticates(&self) -> bool {
        let tokens = !self.tokens.load().entries().is_empty();
        tokens || self.jwt.is_some() || self.tls.load().clients.is_some()
    }

    /// What the operator should see at the start, in one line.
    pub fn summary(&self) -> String {
        let gateways = self.gateways.load();
        let names: Vec<String> = gateways
            .gateways()
            .iter()
            .map(|gateway| {
                let definition = &gateway.definition;
                let rules = gateway.carries.len();
                format!(
                    "{} at {} ({rules} rules)",
                    definition.name, definition.gateway_endpoint
                )
            })
            .collect();
        match names.is_empty() {
            true => "no gateways: narrows-gateway create NAME defines one".to_owned(),
            false => format!("gateways: {}", names.join(", ")),
        }
    }
}

// === impl Reloads ===

impl Reloads {
    /// What is not as its file says, and why; none if all is.
    pub fn error(&self) -> Option<String> {
        let errors: Vec<&str> = self.errors.iter().flatten().map(String::as_str).collect();
        (!errors.is_empty()).then(|| errors.join("; "))
    }

    fn count(&mut self, part: usize, error: Option<String>) {
        match error {
            None => self.taken += 1,
            Some(_) => self.refused += 1,
        }
        self.errors[part] = error;
    }
}

fn gateways(settings: &Settings) -> Result<Watched<Registry>, String> {
    let (store, usages) = (Store::new(settings.definitions()), Usages::default());
    Watched::new(vec![settings.definitions()], move || {
        let registry = Registry::load(&store, &usages, Catalogue::built_in());
        registry.map_err(|error| error.to_string())
    })
}

fn tls(settings: &Settings) -> Result<Watched<Tls>, String> {
    let tickets = tls::tickets().map_err(|error| error.to_string())?;
    let files = settings.tls.clone();
    Watched::new(files.paths(), move || {
        Tls::read(&files, &tickets).map_err(|error| error.to_string())
    })
}

fn tokens(settings: &Settings) -> Result<Watched<Tokens>, String> {
    let file = TokenFile::new(settings.tokens());
    Watched::new(vec![settings.tokens()], move || {
        file.read().map_err(|error| error.to_string())
    })
}

fn jwt(settings: JwtSettings) -> Result<Watched<Jwt>, String> {
    let path = settings.keys.clone();
    Watched::new(vec![path.clone()], move || {
        let fail = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = files::read_text(&path).map_err(|error| fail(&error))?;
        Ok(Jwt {
            keys: text.parse().map_err(|error| fail(&error))?,
            audience: settings.audience.clone(),
            issuer: settings.issuer.clone(),
            leeway: settings.leeway,
        })
    })
}
