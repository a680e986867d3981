//! The configuration file: one TOML file of plain structs, every key optional.
//!
//! What is wrong with its form is found by [`narrows_service::config`]. What needs more than the file,
//! such as an upstream that points at our own listener, is judged by
//! [`Settings`](crate::settings::Settings).

mod file;
mod keys;

use narrows_service::config::{self, Keys, Schema};

pub use file::{
    Clients, Connection, ConnectionType, DefaultRoute, Drain, Fallback, File, Gateway,
    GatewayProtocol, Limits, Proxy, ProxyAuthentication, Rules, Timeouts, Urls,
};
pub use keys::KEYS;

/// The configuration file that was read.
pub type Loaded = config::Loaded<File>;

impl Schema for File {
    const KEYS: Keys = KEYS;
}

#[cfg(test)]
mod tests;
