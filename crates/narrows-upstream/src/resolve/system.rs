//! [`SystemResolver`]: what every other program on the machine resolves with.

use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use narrows_endpoint::Name;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::{ResolveError, Resolving, tidy};
use crate::Resolve;

/// How many lookups run at once, each on a thread of tokio's blocking pool.
///
/// A dead name server holds a thread for tens of seconds, so there must be many; tokio's pool has 512
/// by default, and the rest stays free for others.
pub const MAX_LOOKUPS: usize = 64;

/// The system's resolver, `getaddrinfo`: hosts file, search order, split DNS and all.
///
/// It never blocks an async thread: lookups run on at most [`MAX_LOOKUPS`] blocking threads, and
/// further ones wait for their turn. Nothing is cached here. The order of the addresses is the
/// system's (RFC 6724).
///
/// The system cannot be told to stop: a lookup that nobody waits for any more still holds its thread
/// until the system gives up. A runtime that is dropped waits for such threads, so a program that must
/// end at once ends with tokio's `Runtime::shutdown_background`.
#[derive(Clone)]
pub struct SystemResolver {
    turns: Arc<Semaphore>,
    lookup: Lookup,
}

type Lookup = fn(&str) -> io::Result<Vec<IpAddr>>;

// === impl SystemResolver ===

impl SystemResolver {
    /// A resolver with [`MAX_LOOKUPS`] turns of its own; clones share them.
    pub fn new() -> Self {
        Self::with_lookup(MAX_LOOKUPS, getaddrinfo)
    }

    pub(super) fn with_lookup(turns: usize, lookup: Lookup) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(turns)),
            lookup,
        }
    }
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self::new()
    }
}

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a Name) -> Resolving<'a> {
        Box::pin(async move {
            let turn = Arc::clone(&self.turns)
                .acquire_owned()
                .await
                .map_err(|closed| ResolveError::Other(io::Error::other(closed)))?;
            let (name, lookup) = (name.clone(), self.lookup);
            let found = spawn_blocking(move || {
                let found = lookup(name.as_str());
                // The turn belongs to the thread, not to the caller, who may be gone by now.
                drop(turn);
                found
            });
            match found.await {
                Ok(Ok(addrs)) => Ok(tidy(addrs)),
                Ok(Err(error)) => Err(classify(error)),
                Err(stopped) => Err(ResolveError::Other(stopped.into())),
            }
        })
    }
}

impl fmt::Debug for SystemResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemResolver")
            .field("free_turns", &self.turns.available_permits())
            .finish_non_exhaustive()
    }
}

fn getaddrinfo(name: &str) -> io::Result<Vec<IpAddr>> {
    // Port 0 only fills the form that std wants; the trailing dot of a full name is not added, so that
    // search domains work as in every other program.
    let addrs = (name, 0).to_socket_addrs()?;
    Ok(addrs.map(|addr| addr.ip()).collect())
}

/// Tells the resolver's errors apart by their text, because std keeps the `EAI_*` number to itself.
///
/// The texts are those of glibc, musl, macOS and Windows; Rust programs run in the C locale, so they
/// are never translated. An unknown text is [`ResolveError::Other`].
pub(super) fn classify(error: io::Error) -> ResolveError {
    const NOT_FOUND: [&str; 7] = [
        "name or service not known",
        "no address associated with",
        "nodename nor servname provided",
        "name does not resolve",
        "name has no usable address",
        "no such host is known",
        "no data of the requested type",
    ];
    const TEMPORARY: [&str; 3] = [
        "temporary failure in name resolution",
        "try again",
        "temporary error during hostname resolution",
    ];
    let text = error.to_string().to_ascii_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    if says(&NOT_FOUND) {
        ResolveError::NotFound
    } else if says(&TEMPORARY) {
        ResolveError::Temporary(error)
    } else {
        ResolveError::Other(error)
    }
}
