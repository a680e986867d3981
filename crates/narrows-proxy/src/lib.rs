#![doc = include_str!("../README.md")]

pub mod bypass;
pub mod cli;
pub mod clock;
pub mod config;
pub mod environment;
pub mod exit;
pub mod explain;
pub mod limits;
pub mod problem;
pub mod rules;
pub mod run;
pub mod settings;
pub mod signals;
pub mod sink;

use std::num::NonZeroU16;

/// The port that is meant when a host stands alone.
pub const HTTPS: NonZeroU16 = NonZeroU16::new(443).unwrap();
