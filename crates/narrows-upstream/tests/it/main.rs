//! The dialler on real loopback sockets, against scripted proxies and targets.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "what cannot happen fails the test"
)]

mod credentials;
mod direct;
mod gateway;
mod scripted;
mod socks;
mod through;
