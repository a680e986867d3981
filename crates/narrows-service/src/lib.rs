#![doc = include_str!("../README.md")]

pub mod clock;
pub mod config;
pub mod descriptors;
pub mod files;
pub mod listen;
pub mod log;
pub mod log_file;
pub mod notify;
pub mod problem;
pub mod runtime;
pub mod say;
pub mod signals;
pub mod sockets;
pub mod watchdog;
pub mod watched;
