//! [`Observe`]: who is told what a server does; [`Counters`]: the observer that only counts.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::Method;
use narrows_connect::Version;
use narrows_endpoint::{Hop, Step, Target};
use narrows_log::{ConnId, Via};
use narrows_tunnel::{Counts, End};
use tokio::time::Instant;

use crate::egress::Fallback;
use crate::policy::Terms;

/// Is told what a server does. Every request ends in exactly one of two ways: `opened` and later
/// `ended`, or `refused`.
///
/// The calls are made on the tunnels' own tasks: they must not block.
pub trait Observe: Send + Sync + 'static {
    /// A request was carried: a tunnel is open, or a plain HTTP response is on its way.
    fn opened(&self, opened: &Opened<'_>);
    /// What was opened has ended.
    fn ended(&self, ended: &Ended<'_>);
    /// A request was refused, or failed before anything was open.
    fn refused(&self, refused: &Refused<'_>);
}

/// What a client asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The client's address.
    pub client: SocketAddr,
    /// The number of the request.
    pub id: ConnId,
    /// `CONNECT`, or the method of plain HTTP.
    pub method: Method,
    /// When its head was there.
    pub since: Instant,
    /// The host and port.
    pub target: Target,
    /// The HTTP version of the request.
    pub version: Version,
}

/// A request that was carried.
#[derive(Clone, Copy, Debug)]
pub struct Opened<'a> {
    /// What was asked for.
    pub asked: &'a Asked,
    /// Counts what the tunnel delivers, while it runs; none for plain HTTP, which counts at its end.
    pub counts: Option<&'a Arc<Counts>>,
    /// Set when another route was taken than the decided one.
    pub fallback: Option<&'a Fallback>,
    /// The address that was dialled: the target's or the proxy's.
    pub peer: SocketAddr,
    /// The conditions under which the policy let it pass.
    pub terms: Option<&'a Terms>,
    /// The route it took.
    pub via: Via,
}

/// A carried request that has ended.
#[derive(Clone, Copy)]
pub struct Ended<'a> {
    /// What was asked for.
    pub asked: &'a Asked,
    /// Who ended it and how, unless it ended cleanly.
    pub blame: Option<(Hop, &'a dyn fmt::Display)>,
    /// How it ended, in a word.
    pub end: EndWord,
    /// Set when another route was taken than the decided one.
    pub fallback: Option<&'a Fallback>,
    /// The address that was dialled: the target's or the proxy's.
    pub peer: SocketAddr,
    /// Octets delivered to the client; of a plain HTTP exchange, octets that came from the far side, heads
    /// included.
    pub received: u64,
    /// Octets delivered to the far side; of a plain HTTP exchange, heads included.
    pub sent: u64,
    /// The HTTP status that the client was answered with.
    pub status: u16,
    /// The conditions under which the policy let it pass.
    pub terms: Option<&'a Terms>,
    /// The route it took.
    pub via: Via,
}

/// How a carried request ended: one of few words, for counters and labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndWord {
    /// Both directions ended by themselves, or the whole answer was delivered.
    Closed,
    /// It was open when the server stopped.
    Cut,
    /// It was as old as it may get.
    Expired,
    /// A side failed otherwise than by a reset, or broke off in the middle.
    Failed,
    /// Nothing was delivered for too long.
    Idle,
    /// The gateway refused it after the client had its answer.
    Refused,
    /// A side was reset.
    Reset,
}

/// A request that was refused or failed.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// What was asked for, if it could be read.
    pub asked: Option<&'a Asked>,
    /// The client's address.
    pub client: SocketAddr,
    /// The party to blame.
    pub hop: Hop,
    /// The number of the request.
    pub id: ConnId,
    /// Who asked, of a request that the policy had let pass. Of one that it refused, the reason says it.
    pub identity: Option<&'a str>,
    /// One line that says why.
    pub reason: &'a str,
    /// The HTTP status of the answer; 499 if the client left before there was one.
    pub status: u16,
    /// What was being done.
    pub step: Step,
    /// What the client asked for, as it wrote it: anything at all, or nothing.
    pub target: &'a str,
}

impl EndWord {
    /// Every word, for tables.
    pub const ALL: [Self; 7] = [
        Self::Closed,
        Self::Cut,
        Self::Expired,
        Self::Failed,
        Self::Idle,
        Self::Refused,
        Self::Reset,
    ];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Cut => "cut",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Idle => "idle",
            Self::Refused => "refused",
            Self::Reset => "reset",
        }
    }
}

impl From<End> for EndWord {
    fn from(end: End) -> Self {
        match end {
            End::Closed => Self::Closed,
            End::Expired => Self::Expired,
            End::Idle => Self::Idle,
            End::Reset { .. } => Self::Reset,
            _ => Self::Failed,
        }
    }
}

impl fmt::Debug for Ended<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ended")
            .field("asked", &self.asked)
            .field(
                "blame",
                &self.blame.map(|(hop, why)| format!("{hop}: {why}")),
            )
            .field("end", &self.end)
            .field("fallback", &self.fallback)
            .field("peer", &self.peer)
            .field("received", &self.received)
            .field("sent", &self.sent)
            .field("status", &self.status)
            .field("terms", &self.terms)
            .field("via", &self.via)
            .finish()
    }
}

// The observer that looks away.
impl Observe for () {
    fn opened(&self, _: &Opened<'_>) {}
    fn ended(&self, _: &Ended<'_>) {}
    fn refused(&self, _: &Refused<'_>) {}
}

// Two observers, told in order.
impl<A: Observe, B: Observe> Observe for (A, B) {
    fn opened(&self, opened: &Opened<'_>) {
        self.0.opened(opened);
        self.1.opened(opened);
    }

    fn ended(&self, ended: &Ended<'_>) {
        self.0.ended(ended);
        self.1.ended(ended);
    }

    fn refused(&self, refused: &Refused<'_>) {
        self.0.refused(refused);
        self.1.refused(refused);
    }
}

// An observer that may be missing.
impl<T: Observe> Observe for Option<T> {
    fn opened(&self, opened: &Opened<'_>) {
        if let Some(observer) = self {
            observer.opened(opened);
        }
    }

    fn ended(&self, ended: &Ended<'_>) {
        if let Some(observer) = self {
            observer.ended(ended);
        }
    }

    fn refused(&self, refused: &Refused<'_>) {
        if let Some(observer) = self {
            observer.refused(refused);
        }
    }
}

impl<T: Observe> Observe for Arc<T> {
    fn opened(&self, opened: &Opened<'_>) {
        T::opened(self, opened);
    }

    fn ended(&self, ended: &Ended<'_>) {
        T::ended(self, ended);
    }

    fn refused(&self, refused: &Refused<'_>) {
        T::refused(self, refused);
    }
}

/// An observer that only counts.
#[derive(Debug, Default)]
pub struct Counters {
    opened: AtomicU64,
    ended: AtomicU64,
    refused: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

/// What [`Counters`] has counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Requests that were carried and have ended.
    pub ended: u64,
    /// Requests that were carried.
    pub opened: u64,
    /// Octets that ended requests delivered to clients.
    pub received: u64,
    /// Requests that were refused or failed.
    pub refused: u64,
    /// Octets that ended requests delivered to far sides.
    pub sent: u64,
}

impl Counters {
    /// What was counted so far. The figures are taken one after the other.
    pub fn totals(&self) -> Totals {
        Totals {
            ended: self.ended.load(Ordering::Relaxed),
            opened: self.opened.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
        }
    }
}

impl Observe for Counters {
    fn opened(&self, _: &Opened<'_>) {
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    fn ended(&self, ended: &Ended<'_>) {
        self.sent.fetch_add(ended.sent, Ordering::Relaxed);
        self.received.fetch_add(ended.received, Ordering::Relaxed);
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    fn refused(&self, _: &Refused<'_>) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}
