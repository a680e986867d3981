#![doc = include_str!("../README.md")]

pub mod allowlist;
pub mod check;
pub mod cli;
pub mod commands;
pub mod exit;
pub mod fault;
pub mod feature;
mod near;
pub mod output;
pub mod render;
pub mod selection;
pub mod servicebus;
pub mod table;
pub mod via;
