//! [`Upstream`]: one upstream proxy, and what is known about its credentials.

use std::fmt;
use std::time::Duration;

use narrows_connect::Credentials;
use narrows_endpoint::Target;
use tokio::sync::{Mutex, MutexGuard, watch};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use self::learnt::{Form, Learnt, Standing};
use crate::facts::{Facts, Notebook, Stage};
use crate::{DialError, DialErrorKind, ProxyUrl};

mod learnt;

/// How long a request that tries the credentials keeps the next one from trying them too.
///
/// A proxy looks at credentials before it goes to the target, so a wrong password is answered at once;
/// who waits longer waits for the target. Thus slow targets block nobody for long, and still there is
/// at most one guess in this time.
const TRIAL_WINDOW: Duration = Duration::from_secs(3);
/// How long one request waits for its turn, before it goes without the credentials.
const TRIAL_WAIT: Duration = Duration::from_secs(10);

/// An upstream proxy: its URL, and whether it took the credentials so far.
///
/// Credentials are sent to this proxy only, and only when it asked for Basic, is known to accept them,
/// or [`preemptive`](Self::preemptive) says so. They go in clear over an `http://` proxy; who writes
/// them into the URL has asked for that. A new `Upstream` starts anew.
///
/// A wrong password must cost a failed login and not an account:
///
/// - A 407 to CONNECT comes from the proxy. The first one rejects credentials of unknown worth for
///   good. Once accepted, they are rejected by two in a row, the second sent after the first was
///   answered: one may be a forbidden target, two are a changed password.
/// - A 407 to a plain request may come from the target. It rejects nothing; but plain requests then go
///   without the credentials (once accepted: after two in a row) until a CONNECT has them accepted.
/// - Credentials of unknown or doubtful worth are sent by one request at a time; one that is not
///   answered within 3 seconds lets the next one try.
///
/// Share one `Upstream` behind an `Arc` between all tunnels: what it knows is lost with it.
pub struct Upstream {
    url: ProxyUrl,
    preemptive: bool,
    learnt: watch::Sender<Learnt>,
    /// Held by the one request that is next to try the credentials.
    turn: Mutex<()>,
    /// Held by the request that finds out whether the credentials are good.
    trial: Mutex<()>,
    notebook: Notebook,
}

/// What a request to the proxy may carry, from [`Upstream::authorize`].
///
/// While it is held and the proxy's opinion is unknown, other requests wait for it, for a while.
#[derive(Debug)]
#[must_use = "report the proxy's answer with `conclude`"]
pub struct Authorization<'a> {
    upstream: &'a Upstream,
    credentials: Option<&'a Credentials>,
    form: Form,
    /// What was known when the credentials were granted.
    basis: Standing,
    _trial: Option<MutexGuard<'a, ()>>,
}

// === impl Upstream ===

impl Upstream {
    /// A proxy about whose credentials nothing is known yet.
    pub fn new(url: ProxyUrl) -> Self {
        Self {
            url,
            preemptive: false,
            learnt: watch::Sender::new(Learnt::default()),
            turn: Mutex::new(()),
            trial: Mutex::new(()),
            notebook: Notebook::default(),
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
            self.learnt.send_replace(previous.learnt());
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

    /// What was last learnt about it: see [`UpstreamHealth::facts`](crate::UpstreamHealth::facts).
    pub fn facts(&self) -> Facts {
        self.notebook.snapshot()
    }

    pub(crate) fn note(&self, stage: Stage, took: Duration, error: Option<&dyn fmt::Display>) {
        self.notebook.note(stage, took, error);
    }

    /// Remembers how a try to get a tunnel from it ended.
    ///
    /// An answer that may be about the target is not held against it.
    pub(crate) fn note_outcome(&self, took: Duration, error: Option<&DialError>) {
        use DialErrorKind as Kind;
        let text = error.map(|error| error as &dyn fmt::Display);
        match error.map(DialError::kind) {
            None => self.note(Stage::Connect, took, None),
            Some(Kind::Connect(_) | Kind::Denied { .. } | Kind::Resolve(_) | Kind::Tls(_)) => {
                self.note(Stage::Tcp, took, text);
            }
            Some(Kind::Answered(answer)) if answer.is_policy() => {
                self.note(Stage::Connect, took, None);
            }
            Some(Kind::Answered(_)) => {}
            Some(_) => self.note(Stage::Connect, took, text),
        }
    }

    /// Says which credentials the next CONNECT to this proxy may carry.
    ///
    /// `challenged` says that the proxy has just answered this request with 407 and offered Basic, which
    /// is remembered as by [`note_challenge`](Self::note_challenge).
    /// [`Dialer::through`](crate::Dialer::through) does all this itself. At most one request at a time
    /// tries credentials whose worth is unknown: others wait here for its outcome, for 10 seconds at
    /// most, and then get none.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a dropped future gives up its place in the queue and changes nothing else.
    pub async fn authorize(&self, challenged: bool) -> Authorization<'_> {
        self.grant(Form::Connect, challenged).await
    }

    /// As [`authorize`](Self::authorize), for a plain request in absolute form.
    ///
    /// For callers that speak plain HTTP over [`Dialer::to_proxy`](crate::Dialer::to_proxy).
    ///
    /// # Cancel safety
    ///
    /// As [`authorize`](Self::authorize).
    pub async fn authorize_plain(&self, challenged: bool) -> Authorization<'_> {
        self.grant(Form::Plain, challenged).await
    }

    /// Remembers that the proxy answered 407 and offered Basic: from now on it need not ask again.
    ///
    /// For requests that cannot be repeated with credentials; the next one carries them at once. A target
    /// that pretends to be the proxy can bring this about too: the credentials go to the proxy only.
    pub fn note_challenge(&self) {
        self.learn(Learnt::challenged);
    }

    /// Whether the proxy has rejected the credentials, which are therefore not sent any more.
    pub fn rejected(&self) -> bool {
        self.learnt().standing == Standing::Rejected
    }

    /// Whether plain requests go without the credentials, as 407 was the answer to them.
    ///
    /// That may have been the proxy or a target; a CONNECT finds out. Also true of
    /// [`rejected`](Self::rejected) credentials.
    pub fn withheld_from_plain(&self) -> bool {
        self.learnt().withheld(Form::Plain)
    }

    async fn grant(&self, form: Form, challenged: bool) -> Authorization<'_> {
        if challenged {
            self.note_challenge();
        }
        let mut learnt = self.learnt();
        let wanted = self.preemptive || learnt.is_wanted();
        let mut credentials = self.url.credentials().filter(|_| wanted);
        let mut trial = None;
        if credentials.is_some() && learnt.wants_trial(form) {
            let waited = self.trial(form).await;
            // Whoever held the trial before may have found out.
            learnt = self.learnt();
            match waited {
                Ok(guard) => trial = guard.filter(|_| learnt.wants_trial(form)),
                Err(_) => credentials = credentials.filter(|_| !learnt.wants_trial(form)),
            }
        }
        Authorization {
            upstream: self,
            credentials: credentials.filter(|_| !learnt.withheld(form)),
            form,
            basis: learnt.standing,
            _trial: trial,
        }
    }

    /// Waits for the right to try the credentials, or until that is not needed any more.
    ///
    /// Without a guard the trial before is still under way, but has had its time.
    async fn trial(&self, form: Form) -> Result<Option<MutexGuard<'_, ()>>, Elapsed> {
        if let (Ok(_turn), Ok(trial)) = (self.turn.try_lock(), self.trial.try_lock()) {
            return Ok(Some(trial));
        }
        let wait = async {
            tokio::select! {
                biased;
                () = self.settled(form) => None,
                trial = self.next_trial() => trial,
            }
        };
        timeout(TRIAL_WAIT, wait).await
    }

    async fn next_trial(&self) -> Option<MutexGuard<'_, ()>> {
        let _turn = self.turn.lock().await;
        timeout(TRIAL_WINDOW, self.trial.lock()).await.ok()
    }

    async fn settled(&self, form: Form) {
        let mut learnt = self.learnt.subscribe();
        // It cannot fail: the sender is ours.
        let _ = learnt.wait_for(|learnt| !learnt.wants_trial(form)).await;
    }

    fn learnt(&self) -> Learnt {
        *self.learnt.borrow()
    }

    /// Wakes those that wait only if something is new.
    fn learn(&self, next: impl FnOnce(Learnt) -> Learnt) {
        self.learnt.send_if_modified(|learnt| {
            let before = *learnt;
            *learnt = next(before);
            *learnt != before
        });
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("url", &self.url)
            .field("preemptive", &self.preemptive)
            .field("credentials", &self.learnt().standing)
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
    /// A 2xx accepts them (to a plain request a 3xx too) and a 407 speaks against them, as [`Upstream`]
    /// says; any other status proves nothing. Dropping the authorization instead proves nothing either.
    pub fn conclude(self, status: u16) {
        if self.credentials.is_some() {
            let (form, basis) = (self.form, self.basis);
            self.upstream
                .learn(|learnt| learnt.after(form, basis, status));
        }
    }
}

#[cfg(test)]
mod tests;
