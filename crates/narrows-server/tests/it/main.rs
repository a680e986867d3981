//! The server at its seams: clients and targets on real sockets, a policy, and the records it writes.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod conformance;
mod dials;
mod floods;
mod frames;
mod h2;
mod house;
mod leaving;
mod lifecycle;
mod log;
mod plain;
mod reload;
mod tunnel;
mod upstreams;
mod windows;
