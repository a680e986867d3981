#![doc = include_str!("../README.md")]

mod access;
mod entry;
mod event;
mod format;
mod join;
mod quote;
mod record;
mod sketch;
mod split;
mod summary;
mod text;
mod timestamp;
mod words;
mod writer;

pub use access::{Access, AccessError, AccessFallback, AccessFault, AccessFormat};
pub use entry::{Entry, EntryError};
pub use event::Event;
pub use format::{Format, UnknownFormat};
pub use join::{Joined, Joiner};
pub use record::{Record, RecordError};
pub use sketch::Sketch;
pub use split::SplitError;
pub use summary::{
    Damage, Moment, NameRow, Percentiles, ReasonRow, Report, RouteRow, Summary, Way,
};
pub use text::{MAX_TEXT, Text};
pub use timestamp::{Timestamp, TimestampError};
pub use words::{Address, ConnId, HttpVersion, Severity, UnknownWord, Via};
pub use writer::{
    Counts, Envelope, Facility, Failure, Handle, Health, Log, Options, Sink, SinkStatus, SinkStep,
    SyslogHeader, UnknownFacility, Unwritten, Writer,
};
