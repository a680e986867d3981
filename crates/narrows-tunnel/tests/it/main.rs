//! The tunnel at its seams: real sockets, scripted streams, a paused clock.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod accept;
mod idle;
mod model;
mod sockets;
mod stream;
mod turns;
