#![doc = include_str!("../README.md")]

mod admission;
mod backoff;
mod connection;
mod egress;
mod h2;
mod live;
mod log;
mod observe;
mod plain;
mod policy;
mod refusals;
mod server;
mod serving;
mod settings;
mod setup;
mod tunnel;

pub use backoff::Backoff;
pub use egress::{Egress, Fallback, FallbackTo};
pub use live::Phase;
pub use log::{Clock, TunnelLog};
pub use observe::{Asked, Counters, EndWord, Ended, Observe, Opened, Refused, Totals};
pub use policy::{Action, Grant, Policy, Request, Terms};
pub use server::{Drained, Server};
pub use settings::Settings;
