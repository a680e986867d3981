#![doc = include_str!("../README.md")]

mod admin;
pub mod bypass;
pub mod cli;
pub mod config;
pub mod configure;
pub mod environment;
pub mod exit;
pub mod explain;
pub mod logs;
pub mod policy;
pub mod posture;
pub mod reach;
pub mod reload;
pub mod rules;
pub mod run;
pub mod settings;
pub mod show;
pub mod ways;

use std::num::NonZeroU16;

/// The port that is meant when a host stands alone.
pub const HTTPS: NonZeroU16 = NonZeroU16::new(443).unwrap();
