//! Hosts, targets, patterns, rule sets and the catalogue: which route a target takes, and why.
//!
//! This crate does no I/O: no sockets, files, environment or clock. It never resolves a name.

mod host;
mod path;
mod target;

pub use host::{Host, HostError, MAX_LABEL, MAX_NAME, Name};
pub use path::{Hop, Route, Step, UnknownWord};
pub use target::{Target, TargetError};
