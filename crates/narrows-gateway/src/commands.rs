//! What the commands besides `run` and `init` print.

use std::time::SystemTime;

use crate::cli::{Create, TokenCommand};
use crate::definition::{Definition, GatewayName, Wanted};
use crate::feature::{Feature, Features};
use crate::random::NoRandomness;
use crate::settings::Settings;
use crate::store::{Store, StoreError};
use crate::tokens::{TokenError, TokenFile};

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// Nothing to make ids of.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// Definitions.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Tokens.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// `create`: the new definition as JSON.
///
/// # Errors
///
/// [`CommandError`]: the name is taken, or the file cannot be written.
pub fn create(settings: &Settings, create: &Create) -> Result<String, CommandError> {
    let domain = create
        .domain
        .as_ref()
        .map(crate::definition::Endpoint::name);
    let definition = Definition::new(Wanted {
        name: create.name.clone(),
        features: features(&create.allowed_features),
        location: create.location.clone(),
        resource_group: create.resource_group.clone(),
        domain: domain.unwrap_or(&settings.domain).clone(),
    })?;
    store(settings).create(&definition)?;
    Ok(definition.to_json())
}

/// `list`: every definition, as one JSON array.
///
/// # Errors
///
/// [`CommandError`] for the first file that is not good.
pub fn list(settings: &Settings) -> Result<String, CommandError> {
    let stored = store(settings).list()?;
    let definitions: Vec<_> = stored.into_iter().map(|one| one.definition).collect();
    Ok(json(&definitions))
}

/// `show`: one definition as JSON.
///
/// # Errors
///
/// [`CommandError`]: there is none of that name.
pub fn show(settings: &Settings, name: &GatewayName) -> Result<String, CommandError> {
    Ok(store(settings).show(name)?.definition.to_json())
}

/// `delete`: what was removed, as JSON; nothing if it could not be read.
///
/// # Errors
///
/// [`CommandError`]: there is none of that name.
pub fn delete(settings: &Settings, name: &GatewayName) -> Result<String, CommandError> {
    let stored = store(settings).delete(name)?;
    Ok(stored.map_or_else(String::new, |stored| stored.definition.to_json()))
}

/// `token`: the token, the names, or nothing.
///
/// # Errors
///
/// [`CommandError`]: a name is taken or missing, or the file cannot be written.
pub fn token(settings: &Settings, command: &TokenCommand) -> Result<String, CommandError> {
    let file = TokenFile::new(settings.tokens());
    match command {
        TokenCommand::Issue { name, gateway } => {
            if let Some(gateway) = gateway {
                // A token for a gateway that is not there would be a mistyped name.
                store(settings).show(gateway)?;
            }
            let secret = file.issue(name, gateway.clone(), now())?;
            Ok(format!("{}\n", secret.expose()))
        }
        TokenCommand::List => Ok(json(&names(&file)?)),
        TokenCommand::Revoke { name } => {
            file.revoke(name)?;
            Ok(String::new())
        }
    }
}

/// What may be known of tokens.
fn names(file: &TokenFile) -> Result<Vec<serde_json::Value>, TokenError> {
    let tokens = file.read()?;
    let entries = tokens.entries().iter().map(|entry| {
        serde_json::json!({
            "gateway": entry.gateway,
            "issued": entry.issued,
            "name": entry.name,
        })
    });
    Ok(entries.collect())
}

/// What a gateway carries if nothing is said: as the real one.
pub(crate) fn features(wanted: &[Features]) -> Vec<Feature> {
    match wanted {
        [] => vec![Feature::All],
        wanted => wanted.iter().flat_map(|some| some.0.clone()).collect(),
    }
}

/// The time, in RFC 3339.
pub(crate) fn now() -> String {
    let now = jiff::Timestamp::try_from(SystemTime::now());
    // Clocks that stand outside the years 1 to 9999 are not worth an error.
    let now = now.unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn store(settings: &Settings) -> Store {
    Store::new(settings.definitions())
}

/// Nothing that is printed can fail to be JSON.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}
