//! The gateway over real sockets, on loopback: who gets in, and where to.

#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod admin;
mod certificates;
mod house;
mod identity;
mod jwt;
mod leaving;
mod limits;
mod reload;
mod targets;
mod tls;
mod tunnel;
