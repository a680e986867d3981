//! [`SystemResolver`]: what every other program on the machine resolves with.

use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use narrows_endpoint::Name;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::{Resolve, Resolving};
use crate::evidence::ResolveFault;

/// How many lookups run at once, each on a thread of tokio's blocking pool.
///
/// A dead name server holds a thread for tens of seconds. Fifty names that hang must leave threads for
/// the hundreds that do not; a waiting thread costs a few dozen KiB.
const LOOKUPS: usize = 128;

/// The system's resolver, `getaddrinfo`: hosts file, search order, split DNS and all.
///
/// It never blocks an async thread. The system cannot be told to stop: a lookup that nobody waits for any
/// more still holds its thread until the system gives up, so a program that must end at once ends with
/// tokio's `Runtime::shutdown_background`.
///
/// It tells names that do not exist from names without an address, as far as the system does; it does not
/// see the answer codes of DNS.
#[derive(Clone)]
pub struct SystemResolver {
    turns: Arc<Semaphore>,
}

// === impl SystemResolver ===

impl SystemResolver {
    /// A resolver with 128 turns of its own; clones share them.
    pub fn new() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(LOOKUPS)),
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
            let failed = |text: String| ResolveFault::Failed(text);
            let turn = Arc::clone(&self.turns).acquire_owned().await;
            let turn = turn.map_err(|closed| failed(closed.to_string()))?;
            let name = name.clone();
            let found = spawn_blocking(move || {
                let found = getaddrinfo(name.as_str());
                // The turn belongs to the thread, not to the caller, who may be gone by now.
                drop(turn);
                found
            });
            match found.await {
                Ok(found) => found.map_err(|error| classify(&error)),
                Err(stopped) => Err(failed(stopped.to_string())),
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
    let addresses = (name, 0).to_socket_addrs()?;
    Ok(addresses.map(|address| address.ip()).collect())
}

/// Tells the resolver's errors apart by their text, because std keeps the `EAI_*` number to itself.
///
/// The texts are those of glibc, musl, macOS and Windows; Rust programs run in the C locale, so they are
/// never translated.
pub(super) fn classify(error: &io::Error) -> ResolveFault {
    const NOT_FOUND: [&str; 4] = [
        "name or service not known",
        "nodename nor servname provided",
        "name does not resolve",
        "no such host is known",
    ];
    const NO_ADDRESS: [&str; 3] = [
        "no address associated with",
        "name has no usable address",
        "no data of the requested type",
    ];
    let text = error.to_string().to_ascii_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    if says(&NO_ADDRESS) {
        ResolveFault::NoAddress
    } else if says(&NOT_FOUND) {
        ResolveFault::NotFound
    } else {
        let text = error.to_string();
        let bare = text
            .rsplit_once(": ")
            .map_or(text.as_str(), |(_, bare)| bare);
        ResolveFault::Failed(narrows_connect::printable(bare))
    }
}

#[cfg(test)]
mod tests;
