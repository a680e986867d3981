#![doc = include_str!("../README.md")]

mod accept;
mod leg;
mod relay;

pub use accept::{AcceptError, Pending, Rejected, accept, refuse};
pub use leg::{Leg, Transport};
pub use relay::{Counts, End, Relay, RelayOptions, Side, Turns, relay};
