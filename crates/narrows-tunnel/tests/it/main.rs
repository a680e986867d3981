//! The tunnel at its seams: real sockets, streams in memory, a paused clock.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod accept;
mod ends;
mod half_close;
mod idle;
mod sockets;
mod turns;
