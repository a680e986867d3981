//! What the tests of the whole workspace share: the checks of the house, and the programs and
//! peers that the end-to-end tests put around `narrows-proxy`.
//!
//! Nothing here is published, and nothing here is used outside tests.
#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test helper reports by panicking, and says on stderr what it skips"
)]

pub mod layering;
pub mod supply;
pub mod workspace;
