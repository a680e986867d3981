//! What the tests of the whole workspace share: the checks of the house, and the programs and
//! peers that the end-to-end tests put around `narrows-proxy` and `narrows-gateway`.
//!
//! Nothing here is published, and nothing here is used outside tests. Everything listens on loopback,
//! on a free port, and ends with the value that started it.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test helper reports by panicking"
)]

pub mod admin;
mod binary;
pub mod browser;
pub mod deadline;
pub mod dns;
pub mod gateway;
pub mod lab;
pub mod launch;
pub mod layering;
pub mod links;
pub mod netns;
pub mod origin;
pub mod pattern;
pub mod probe;
pub mod program;
pub mod proxy;
pub mod raw;
pub mod security;
pub mod server;
pub mod squid;
pub mod supply;
pub mod tcp;
pub mod tls;
pub mod traffic;
pub mod vitals;
pub mod websocket;
pub mod workspace;
