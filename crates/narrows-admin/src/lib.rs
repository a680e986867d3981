#![doc = include_str!("../README.md")]

mod address;
mod api;
mod client;
mod exposition;
mod guard;
mod listen;
mod page;
mod section;
mod serve;
mod status;
mod subject;
mod throughput;
mod watch;

pub use address::{Address, AddressError};
pub use api::{Decision, Decisions, NameRow, Outcome, Tunnel, Tunnels};
pub use client::{ClientError, get};
pub use listen::{BindError, Listener, SocketMode};
pub use section::{KEYS, Place, Section, Wanted};
pub use serve::Admin;
pub use status::{
    Bytes, Configuration, Descriptors, Fact, LogLines, Party, PartyKind, Requests, Routes, Status,
};
pub use subject::{Facts, Subject};
pub use throughput::Throughput;
pub use watch::Watch;
