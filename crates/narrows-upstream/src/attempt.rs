//! [`Attempt`] and [`ConnectFailure`]: which address failed, and which failure tells most.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use rustix::io::Errno;

/// One attempt to connect to one address.
#[derive(Debug)]
pub struct Attempt {
    /// The address and port that were tried.
    pub peer: SocketAddr,
    /// What the system said, or `None` if nothing came back before the deadline.
    pub error: Option<io::Error>,
}

/// No address could be connected to.
#[derive(Debug)]
pub struct ConnectFailure {
    attempts: Vec<Attempt>,
    candidates: usize,
}

/// What stopped an attempt, the most telling first.
///
/// The order decides which of several failures is reported. Lack of a resource of our own comes first,
/// since the address was then never tried; an IPv6 address on a machine without IPv6 comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// Out of descriptors, memory or source ports on this machine.
    Exhausted,
    /// The other side, or a firewall in its place, said no.
    Refused,
    /// Nothing came back.
    NoAnswer,
    /// The system's own firewall or sandbox forbids it.
    Forbidden,
    /// Anything else.
    Other,
    /// No way there, as far as a router or this machine knows.
    Unreachable,
    /// This machine has no address of that family.
    NoSource,
}

// === impl Attempt ===

impl Attempt {
    pub(crate) const fn unanswered(peer: SocketAddr) -> Self {
        Self { peer, error: None }
    }

    pub(crate) fn fail(&mut self, error: io::Error) {
        self.error = Some(error);
    }

    pub(crate) fn cause(&self) -> Cause {
        let Some(error) = &self.error else {
            return Cause::NoAnswer;
        };
        match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => Cause::Refused,
            io::ErrorKind::TimedOut => Cause::NoAnswer,
            io::ErrorKind::PermissionDenied => Cause::Forbidden,
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
                Cause::Unreachable
            }
            // IPv4 always has a source address; what it lacks then is a free port.
            io::ErrorKind::AddrNotAvailable if self.peer.is_ipv4() => Cause::Exhausted,
            io::ErrorKind::AddrNotAvailable => Cause::NoSource,
            io::ErrorKind::OutOfMemory => Cause::Exhausted,
            _ if is_exhaustion(error) => Cause::Exhausted,
            _ => Cause::Other,
        }
    }
}

// === impl ConnectFailure ===

impl ConnectFailure {
    /// `candidates` counts all addresses that were allowed, also those not reached before the deadline.
    pub(crate) const fn new(attempts: Vec<Attempt>, candidates: usize) -> Self {
        Self {
            attempts,
            candidates,
        }
    }

    /// Every attempt that was made, in the order they were started.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// How many addresses there were to try; more than attempts if the deadline came first.
    pub const fn candidates(&self) -> usize {
        self.candidates
    }

    /// The attempt whose failure says most about the fault; of equals the first.
    ///
    /// Our own lack of descriptors or ports beats refused beats no answer beats unreachable.
    pub fn most_telling(&self) -> Option<&Attempt> {
        self.attempts.iter().min_by_key(|attempt| attempt.cause())
    }

    pub(crate) fn cause(&self) -> Cause {
        self.most_telling().map_or(Cause::NoAnswer, Attempt::cause)
    }

    /// How many attempts ended in each way, such as `1 refused, 2 no answer`.
    fn tally(&self) -> String {
        let mut causes: Vec<_> = self.attempts.iter().map(Attempt::cause).collect();
        causes.sort_unstable();
        let groups = causes.chunk_by(|a, b| a == b);
        let mut parts: Vec<_> = groups
            .map(|group| format!("{} {}", group.len(), group[0].as_str()))
            .collect();
        let untried = self.candidates.saturating_sub(self.attempts.len());
        if untried > 0 {
            parts.push(format!("{untried} not tried"));
        }
        parts.join(", ")
    }
}

/// `connection refused by 192.0.2.1:443`, and a tally if there was more than one address.
impl fmt::Display for ConnectFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(attempt) = self.most_telling() else {
            return f.write_str("no address was tried");
        };
        let peer = attempt.peer;
        match (attempt.cause(), &attempt.error) {
            (Cause::Refused, _) => write!(f, "connection refused by {peer}")?,
            (Cause::NoAnswer, _) | (_, None) => write!(f, "no answer from {peer}")?,
            (_, Some(error)) => write!(f, "{error} for {peer}")?,
        }
        if self.candidates > 1 {
            write!(f, "; {} addresses: {}", self.candidates, self.tally())?;
        }
        Ok(())
    }
}

// === impl Cause ===

impl Cause {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Exhausted => "out of local resources",
            Self::Forbidden => "forbidden by this machine",
            Self::NoAnswer => "no answer",
            Self::NoSource => "no local address",
            Self::Other => "failed",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
        }
    }
}

/// Whether this machine ran out of something; std has no stable kind for these.
pub(crate) fn is_exhaustion(error: &io::Error) -> bool {
    let Some(errno) = Errno::from_io_error(error) else {
        return false;
    };
    #[cfg(not(windows))]
    if errno == Errno::NFILE {
        return true;
    }
    matches!(errno, Errno::MFILE | Errno::NOBUFS)
}

#[cfg(test)]
mod tests;
