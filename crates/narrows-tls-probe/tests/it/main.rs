//! The prober against servers that break in every way, each on loopback.
#![expect(clippy::unwrap_used, reason = "what cannot happen fails the test")]

mod budget;
mod scripted;
mod service;
mod tunnel;
mod walk;
