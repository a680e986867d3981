//! [`Upstream`]: one upstream proxy, and what is known about its credentials.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use narrows_connect::Credentials;
use narrows_endpoint::Target;
use tokio::sync::{Mutex, MutexGuard};

use crate::ProxyUrl;

/// An upstream proxy: its URL, and whether it took the credentials so far.
///
/// Credentials are sent to this proxy only, and only when it asked for Basic, is known to accept them,
/// or [`preemptive`](Self::preemptive) says so. They go in clear over an `http://` proxy; who writes
/// them into the URL has asked for that. Once rejected they are never sent again, so a wrong password
/// costs one failed login and not an account; a new `Upstream` starts anew.
///
/// Share one `Upstream` behind an `Arc` between all tunnels: what it knows is lost with it.
pub struct Upstream {
    url: ProxyUrl,
    preemptive: bool,
    standing: AtomicU8,
    /// Held by the one request that finds out whether the credentials are good.
    trial: Mutex<()>,
}

/// What a request to the proxy may carry, from [`Upstream::authorize`].
///
/// While it is held and the proxy's opinion is unknown, no other request gets the credentials.
#[derive(Debug)]
#[must_use = "report the proxy's answer with `conclude`"]
pub struct Authorization<'a> {
    upstream: &'a Upstream,
    credentials: Option<&'a Credentials>,
    _trial: Option<MutexGuard<'a, ()>>,
}

/// What the proxy thinks of the credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Unknown = 0,
    Accepted = 1,
    Rejected = 2,
}

// === impl Upstream ===

impl Upstream {
    /// A proxy about whose credentials nothing is known yet.
    pub fn new(url: ProxyUrl) -> Self {
        Self {
            url,
            preemptive: false,
            standing: AtomicU8::new(Standing::Unknown as u8),
            trial: Mutex::new(()),
        }
    }

    /// Whether to send the credentials without being asked; by default the proxy must ask first.
    ///
    /// Saves one round trip on the first tunnel, and serves proxies that close or refuse (403) instead
    /// of asking.
    #[must_use]
    pub fn preemptive(mut self, preemptive: bool) -> Self {
        self.preemptive = preemptive;
        self
    }

    /// Takes over what `previous` learnt, if URL and credentials are the same.
    ///
    /// For configuration reloads: a rejected password is not tried again until it changes.
    #[must_use]
    pub fn inherit(self, previous: &Self) -> Self {
        let same = self.url.endpoint() == previous.url.endpoint()
            && self.url.credentials() == previous.url.credentials();
        if same {
            self.set_standing(previous.standing());
        }
        self
    }

    /// The proxy's URL.
    pub const fn url(&self) -> &ProxyUrl {
        &self.url
    }

    /// The proxy's host and port.
    pub const fn endpoint(&self) -> &Target {
        self.url.endpoint()
    }

    /// Says which credentials the next request to this proxy may carry.
    ///
    /// `challenged` says that the proxy has just answered this request with 407 and offered Basic.
    /// [`Dialer::through`](crate::Dialer::through) does all this itself; a caller that speaks plain
    /// HTTP over [`Dialer::to_proxy`](crate::Dialer::to_proxy) uses it. At most one request at a time
    /// tries credentials whose worth is unknown: others wait here for its outcome.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a dropped future gives up its place in the queue and changes nothing.
    pub async fn authorize(&self, challenged: bool) -> Authorization<'_> {
        let ask = challenged || self.preemptive;
        match (self.url.credentials(), self.standing()) {
            (Some(credentials), Standing::Accepted) => self.grant(Some(credentials), None),
            (Some(_), Standing::Unknown) if ask => {
                let trial = self.trial.lock().await;
                // Whoever held the trial before may have found out.
                match self.standing() {
                    Standing::Accepted => self.grant(self.url.credentials(), None),
                    Standing::Rejected => self.grant(None, None),
                    Standing::Unknown => self.grant(self.url.credentials(), Some(trial)),
                }
            }
            _ => self.grant(None, None),
        }
    }

    /// Whether the proxy has rejected the credentials, which are therefore not sent any more.
    pub fn rejected(&self) -> bool {
        self.standing() == Standing::Rejected
    }

    const fn grant<'a>(
        &'a self,
        credentials: Option<&'a Credentials>,
        trial: Option<MutexGuard<'a, ()>>,
    ) -> Authorization<'a> {
        Authorization {
            upstream: self,
            credentials,
            _trial: trial,
        }
    }

    fn standing(&self) -> Standing {
        match self.standing.load(Ordering::Acquire) {
            1 => Standing::Accepted,
            2 => Standing::Rejected,
            _ => Standing::Unknown,
        }
    }

    fn set_standing(&self, standing: Standing) {
        self.standing.store(standing as u8, Ordering::Release);
    }

    /// Acceptance never undoes a rejection: a late answer must not start a second try.
    fn accept(&self) {
        let (unknown, accepted) = (Standing::Unknown as u8, Standing::Accepted as u8);
        let _ =
            self.standing
                .compare_exchange(unknown, accepted, Ordering::AcqRel, Ordering::Acquire);
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("url", &self.url)
            .field("preemptive", &self.preemptive)
            .field("credentials", &self.standing())
            .finish_non_exhaustive()
    }
}

// === impl Authorization ===

impl<'a> Authorization<'a> {
    /// The credentials to send, if any may be sent.
    pub const fn credentials(&self) -> Option<&'a Credentials> {
        self.credentials
    }

    /// Remembers what the proxy's final status says about the credentials that were sent.
    ///
    /// A 2xx accepts them and a 407 rejects them; any other status proves nothing. Dropping the
    /// authorization instead proves nothing either.
    pub fn conclude(self, status: u16) {
        match (self.credentials, status) {
            (Some(_), 200..=299) => self.upstream.accept(),
            (Some(_), 407) => self.upstream.set_standing(Standing::Rejected),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
