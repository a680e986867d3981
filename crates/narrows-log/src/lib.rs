#![doc = include_str!("../README.md")]

mod access;
mod entry;
mod event;
mod format;
mod quote;
mod record;
mod sketch;
mod summary;
mod text;
mod timestamp;
mod words;
mod writer;

pub use access::{Access, AccessError, AccessFallback, AccessFault, AccessFormat};
pub use entry::{Entry, EntryError};
pub use event::Event;
pub use format::{Format, UnknownFormat};
pub use record::{Record, RecordError};
pub use sketch::Sketch;
pub use summary::{
    Damage, Moment, NameRow, Percentiles, ReasonRow, Report, RouteRow, Summary, Way,
};
pub use text::{MAX_TEXT, Text};
pub use timestamp::{Timestamp, TimestampError};
pub use words::{Address, ConnId, HttpVersion, Severity, UnknownWord, Via};
pub use writer::{Counts, Handle, Health, Options, Sink, SinkStep, Unwritten, Writer};
