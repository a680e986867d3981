//! What the examples share.

pub mod servers;
