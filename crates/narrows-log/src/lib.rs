#![doc = include_str!("../README.md")]

mod access;
mod event;
mod format;
mod quote;
mod record;
mod text;
mod timestamp;
mod words;
mod writer;

pub use access::{Access, AccessError, AccessFallback, AccessFault, AccessFormat};
pub use event::Event;
pub use format::{Format, UnknownFormat};
pub use record::{Record, RecordError};
pub use text::{MAX_TEXT, Text};
pub use timestamp::{Timestamp, TimestampError};
pub use words::{Address, ConnId, HttpVersion, Severity, UnknownWord, Via};
pub use writer::{Counts, Handle, Health, Options, Sink, SinkStep, Unwritten, Writer};
