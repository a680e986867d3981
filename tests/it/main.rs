//! Tests of the workspace as a whole: the rules of the house, and `narrows-proxy`, `narrows-gateway`
//! and `narrows-probe` end to end on loopback, with scripted peers and with real programs.
//!
//! A test whose program is not installed says `SKIPPED` on standard error; with
//! `NARROWS_E2E=required` in the environment it fails instead.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test reports by panicking"
)]

mod abuse;
mod admin;
mod blame;
mod clients;
mod faults;
mod gateway;
mod layering;
mod lifecycle;
mod links;
mod probe;
mod probe_allowlist;
mod routes;
mod security;
mod supply;
mod tunnel;
mod upstreams;
