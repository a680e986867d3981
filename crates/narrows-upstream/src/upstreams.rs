//! [`Upstreams`]: several upstream proxies in order, which of them are of use, and who is to blame.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use narrows_endpoint::Target;
use tokio::time::Instant;

use self::parking::Place;
use crate::facts::{Facts, Stage};
use crate::{ProxyUrl, Upstream};

mod blame;
mod forward;
mod parking;
mod tour;

pub use forward::Chosen;
pub(crate) use parking::Proof;
pub(crate) use tour::Tour;

/// The upstream proxies of a machine, the preferred one first.
///
/// A request goes to the first that is not parked. One that fails by its own fault is parked, and the same
/// request goes to the next at once. After a rest (1 s at first, doubled with each failure up to 60 s) one
/// request at a time tries it again, within 3 s while there is another one to go to. When all are parked,
/// all are tried.
///
/// **Who is to blame.** A bad target must not cost a good upstream its place:
///
/// - Not reached (name, TCP, TLS with it), no HTTP, a 407 that no credentials can help, or a `Proxy-Status`
///   that names the proxy's own fault: the upstream. It is parked.
/// - A refusal by policy (403, any other 3xx or 4xx): the answer stands. No other upstream is asked.
/// - 400, 404, 405, 408, 426, 429 and 5xx: unclear, since proxies say them for themselves and for their
///   targets. The next upstream is asked. If it opens the tunnel, this target goes there first for a
///   minute; two such targets, and none that the first has opened meanwhile, park the first. If the next
///   cannot open it either, it was the target, and nothing is held against anyone.
/// - Silence, or a connection closed without an answer: unclear too, but if the next upstream opens the
///   tunnel, the first is parked at once: it would cost each request its whole patience.
/// - A tunnel that was opened, was written to, and gave not one octet back, although its client waited for
///   5 s or the far side ended it first: unclear. That target goes to
///   another upstream first for a minute; if it gives nothing there either, it was the target. Two such
///   targets, and none that gave anything meanwhile, park the upstream until octets come back through it.
///
/// With one upstream nothing is ever parked. Share one `Upstreams` behind an `Arc`.
pub struct Upstreams {
    began: Instant,
    members: Box<[Member]>,
    notice: Option<Notify>,
}

/// What to do with a [`Notice`].
type Notify = Box<dyn Fn(&Notice<'_>) + Send + Sync>;

struct Member {
    upstream: Arc<Upstream>,
    place: Mutex<Place>,
}

/// Something that an operator should know about one of several upstreams.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// It is of use again.
    Back(&'a ProxyUrl),
    /// It is left alone for a while, and why.
    Parked(&'a ProxyUrl, &'a str),
}

/// What was last learnt about an upstream.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UpstreamHealth {
    /// The upstream; its `Display` hides credentials.
    pub url: ProxyUrl,
    /// TCP, CONNECT, and TLS through it.
    ///
    /// The last can be told without decrypting only so far: a gateway's handshake through it succeeded or
    /// failed; or a client's tunnel, after it had ended, had been written to and octets had come back or
    /// not.
    pub facts: Facts,
    /// Whether it is left alone now.
    pub parked: Option<Parked>,
}

/// An upstream is left alone for a while.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Parked {
    /// Why, in a sentence.
    pub reason: Arc<str>,
    /// After how long a request may try it again; zero if that is now.
    pub retry_in: Duration,
}

/// The upstream that a tunnel goes through, for what becomes of the tunnel.
#[derive(Clone, Debug)]
pub struct Passage {
    upstreams: Arc<Upstreams>,
    at: u8,
    /// By the clock of the upstreams, which takes a quarter of the room of an [`Instant`]: every tunnel has it.
    since: Moment,
}

/// Milliseconds since the upstreams were put together; begins anew every 49 days.
type Moment = u32;

/// How long a client must have waited for an answer before its leaving without one speaks against an
/// upstream. Otherwise two tunnels that are opened, written to and closed at once would park a good one.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most upstreams that are used; more than anybody has.
const MOST: usize = 16;

// === impl Upstreams ===

impl Upstreams {
    /// Several upstreams, the preferred one first; `None` of an empty list. What is beyond sixteen is left
    /// out.
    pub fn new(upstreams: impl IntoIterator<Item = Arc<Upstream>>) -> Option<Self> {
        let members = upstreams.into_iter().take(MOST).map(|upstream| Member {
            upstream,
            place: Mutex::default(),
        });
        let members: Box<[_]> = members.collect();
        (!members.is_empty()).then(|| Self {
            began: Instant::now(),
            members,
            notice: None,
        })
    }

    /// Calls this when an upstream is parked, and when it is back; not for each failure while it rests.
    ///
    /// It is called on the async threads and must not block.
    #[must_use]
    pub fn with_notice(mut self, notice: impl Fn(&Notice<'_>) + Send + Sync + 'static) -> Self {
        self.notice = Some(Box::new(notice));
        self
    }

    /// The upstreams, in order of preference.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Upstream>> {
        self.members.iter().map(|member| &member.upstream)
    }

    /// What was last learnt about each, in order of preference.
    pub fn health(&self) -> Vec<UpstreamHealth> {
        let now = Instant::now();
        let health = |member: &Member| UpstreamHealth {
            url: member.upstream.url().clone(),
            facts: member.upstream.facts(),
            parked: member.place().parking().map(|parking| Parked {
                reason: Arc::clone(&parking.reason),
                retry_in: parking.until.saturating_duration_since(now),
            }),
        };
        self.members.iter().map(health).collect()
    }

    /// Whether there is anything to choose.
    const fn is_choice(&self) -> bool {
        self.members.len() > 1
    }

    fn moment(&self) -> Moment {
        let milliseconds = self.began.elapsed().as_millis() % (1 << Moment::BITS);
        // Always, after the remainder.
        Moment::try_from(milliseconds).unwrap_or_default()
    }

    fn passage(self: &Arc<Self>, at: usize) -> Passage {
        Passage {
            upstreams: Arc::clone(self),
            // There are at most sixteen.
            at: u8::try_from(at).unwrap_or_default(),
            since: self.moment(),
        }
    }

    fn notify(&self, notice: &Notice<'_>) {
        if let Some(notify) = &self.notice {
            notify(notice);
        }
    }

    fn works(&self, at: usize, target: &Target, proof: Proof) {
        let member = &self.members[at];
        if member.place().works(target, proof) {
            self.notify(&Notice::Back(member.upstream.url()));
        }
    }

    fn park(&self, at: usize, reason: &str, wants: Proof) {
        let member = &self.members[at];
        let parked = member.place().park(reason.into(), wants, Instant::now());
        if parked {
            self.notify(&Notice::Parked(member.upstream.url(), reason));
        }
    }

    fn fared_ill(&self, at: usize, target: &Target, reason: &str, opened: bool) {
        let member = &self.members[at];
        let now = Instant::now();
        let parked = member.place().fared_ill(target, reason.into(), opened, now);
        if parked {
            self.notify(&Notice::Parked(member.upstream.url(), reason));
        }
    }

    /// A tunnel to the target gave nothing back.
    fn dead(&self, at: usize, target: &Target, reason: &str) {
        let now = Instant::now();
        let elsewhere = self.members.iter().enumerate();
        let elsewhere = elsewhere.filter(|(other, _)| *other != at);
        let mut ill_elsewhere = false;
        for (_, other) in elsewhere {
            let mut place = other.place();
            if place.is_suspect(target, now) {
                ill_elsewhere = true;
                place.forgive(target);
            }
        }
        if !ill_elsewhere {
            self.fared_ill(at, target, reason, true);
        }
    }
}

impl fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

// === impl Member ===

impl Member {
    fn place(&self) -> MutexGuard<'_, Place> {
        // No panic leaves it half changed.
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Passage ===

impl Passage {
    /// The upstream.
    pub fn upstream(&self) -> &Arc<Upstream> {
        &self.upstreams.members[usize::from(self.at)].upstream
    }

    /// Whether the upstream is tried again because its tunnels gave nothing back: report soon whether this
    /// one does, by [`alive`](Self::alive).
    pub fn awaits_life(&self) -> bool {
        self.upstreams.members[usize::from(self.at)]
            .place()
            .awaits_life()
    }

    fn age(&self) -> Duration {
        let age = self.upstreams.moment().wrapping_sub(self.since);
        Duration::from_millis(age.into())
    }

    /// Octets of the target came back through the tunnel.
    pub fn alive(&self, target: &Target) {
        self.upstream().note(Stage::Tls, Duration::ZERO, None);
        self.upstreams
            .works(usize::from(self.at), target, Proof::Alive);
    }

    /// The tunnel to the target has ended, after so many octets each way; `hung_up` if the far side ended it
    /// while the client still waited.
    ///
    /// What carried octets in both directions was alive. What was written to and gave nothing back was
    /// not, whoever is to blame; but a client that leaves within 5 s has not waited for it. A tunnel that was
    /// never written to says nothing.
    pub fn ended(&self, target: &Target, sent: u64, received: u64, hung_up: bool) {
        match (sent, received) {
            (_, 1..) => self.alive(target),
            (1.., 0) if hung_up || self.age() >= PATIENCE => {
                let upstream = self.upstream();
                let reason = format!(
                    "proxy {} opened a tunnel to {target}, and nothing came back through it",
                    upstream.endpoint()
                );
                upstream.note(Stage::Tls, Duration::ZERO, Some(&reason));
                if self.upstreams.is_choice() {
                    self.upstreams.dead(usize::from(self.at), target, &reason);
                }
            }
            (_, 0) => {}
        }
    }
}

#[cfg(test)]
mod tests;
