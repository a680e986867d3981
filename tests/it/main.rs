//! Tests of the workspace as a whole: the rules of the house, and `narrows-proxy` end to end.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test reports by panicking"
)]

mod layering;
mod supply;
