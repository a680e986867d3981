//! [`Upstream`]: one upstream proxy, and what is known about its credentials.

use std::fmt;
use std::sync::{Arc, Mutex as StdMutex, OnceLock, PoisonError};
use std::time::Duration;

use narrows_connect::Credentials;
use narrows_endpoint::Target;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::sync::{Mutex, MutexGuard, watch};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout};

use self::learnt::{Form, Learnt, Standing};
use self::offered::{Scheme, choose};
use crate::challenges::offers;
use crate::facts::{Facts, Notebook, Stage};
use crate::tls_settings::{TlsSettings, server_name};
use crate::{BearerToken, DialError, DialErrorKind, GatewayConfigError, ProxyScheme, ProxyUrl};

mod learnt;
mod offered;

pub(crate) use offered::Offered;

/// How long a request that tries the credentials keeps the next one from trying them too.
///
/// A proxy looks at credentials before it goes to the target, so a wrong password is answered at once;
/// who waits longer waits for the target. Thus slow targets block nobody for long, and still there is
/// at most one guess in this time.
const TRIAL_WINDOW: Duration = Duration::from_secs(3);
/// How long one request waits for its turn, before it goes without the credentials.
const TRIAL_WAIT: Duration = Duration::from_secs(10);
/// How long a rejected token rests: it has no account that could be locked.
const TOKEN_REST: Duration = Duration::from_secs(60);

/// An upstream proxy: its URL, and whether it took the credentials so far.
///
/// Credentials are sent to this proxy only, and only by a scheme that it offered (Digest before Basic;
/// Bearer for a token), is known to accept, or that [`preemptive`](Self::preemptive) assumes. By Basic they
/// go in clear to an `http://` proxy; who writes them into the URL has asked for that, and
/// [`Authentication::Digest`] forbids it. A new `Upstream` starts anew.
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
    token: Option<BearerToken>,
    authentication: Authentication,
    preemptive: bool,
    tls_settings: TlsSettings,
    tls: OnceLock<(Arc<ClientConfig>, ServerName<'static>)>,
    /// By which scheme the credentials go; what the proxy offered last.
    scheme: StdMutex<Option<Scheme>>,
    /// When the token was rejected.
    rejected_at: StdMutex<Option<Instant>>,
    learnt: watch::Sender<Learnt>,
    /// Held by the one request that is next to try the credentials.
    turn: Mutex<()>,
    /// Held by the request that finds out whether the credentials are good.
    trial: Mutex<()>,
    notebook: Notebook,
}

/// By which schemes a user and password may go to an HTTP proxy, among those that it offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authentication {
    /// By Digest if it is offered, else by Basic.
    #[default]
    Auto,
    /// By Basic alone.
    Basic,
    /// By Digest alone: the password never goes in clear.
    Digest,
}

/// What a request to the proxy may carry, from [`Upstream::authorize`].
///
/// While it is held and the proxy's opinion is unknown, other requests wait for it, for a while.
#[derive(Debug)]
#[must_use = "report the proxy's answer with `conclude`"]
pub struct Authorization<'a> {
    upstream: &'a Upstream,
    scheme: Option<Scheme>,
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
            token: None,
            authentication: Authentication::Auto,
            preemptive: false,
            tls_settings: TlsSettings::new(),
            tls: OnceLock::new(),
            scheme: StdMutex::default(),
            rejected_at: StdMutex::default(),
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

    /// Sends a bearer token (RFC 6750) in place of a user and password, when the proxy offers Bearer.
    ///
    /// It goes in clear to an `http` proxy: whether that may be is the caller's decision. A rejected token
    /// is tried again after a minute, since proxies learn new tokens while they run.
    #[must_use]
    pub fn with_token(mut self, token: BearerToken) -> Self {
        self.token = Some(token);
        self
    }

    /// Says by which schemes the user and password may go.
    #[must_use]
    pub const fn with_authentication(mut self, authentication: Authentication) -> Self {
        self.authentication = authentication;
        self
    }

    /// Says whom to trust as an `https` proxy, and how to show who we are; reads the trust store now.
    /// Without it, the operating system's authorities are read when the first connection is made.
    ///
    /// # Errors
    ///
    /// [`GatewayConfigError`] if the trust store, the client certificate or the proxy's name is unfit.
    pub fn with_tls(self, settings: &TlsSettings) -> Result<Self, GatewayConfigError> {
        let tls = self.read_tls(settings)?;
        Ok(Self {
            tls: OnceLock::from(tls),
            tls_settings: settings.clone(),
            ..self
        })
    }

    fn read_tls(
        &self,
        settings: &TlsSettings,
    ) -> Result<(Arc<ClientConfig>, ServerName<'static>), GatewayConfigError> {
        let config = settings.client_config(vec![b"http/1.1".to_vec()])?;
        Ok((Arc::new(config), server_name(self.endpoint().host())?))
    }

    pub(crate) fn tls(
        &self,
    ) -> Result<(Arc<ClientConfig>, ServerName<'static>), GatewayConfigError> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls.clone());
        }
        let tls = self.read_tls(&self.tls_settings)?;
        Ok(self.tls.get_or_init(|| tls).clone())
    }

    /// Whether `other` is the same proxy, with the same credentials and trust.
    pub fn is_same_party(&self, other: &Self) -> bool {
        self.url == other.url
            && self.token == other.token
            && self.authentication == other.authentication
            && self.tls_settings == other.tls_settings
    }

    /// Takes over what `previous` learnt, if URL and credentials are the same.
    ///
    /// For configuration reloads: a rejected password is not tried again until it changes.
    #[must_use]
    pub fn inherit(self, previous: &Self) -> Self {
        let same = self.is_same_party(previous);
        if same {
            self.learnt.send_replace(previous.learnt());
            *lock(&self.scheme) = lock(&previous.scheme).clone();
            *lock(&self.rejected_at) = *lock(&previous.rejected_at);
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

    /// Whether it takes plain HTTP requests in absolute form; SOCKS5 carries connections alone.
    pub fn takes_requests(&self) -> bool {
        self.url.scheme() != ProxyScheme::Socks5
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

    /// Remembers that the proxy answered 407 and offered what the credentials can go by: from now on it need
    /// not ask again. By Basic, unless [`asks_again`](Self::asks_again) or a CONNECT has read something better.
    ///
    /// For requests that cannot be repeated with credentials; the next one carries them at once. A target
    /// that pretends to be the proxy can bring this about too: the credentials go to the proxy only.
    pub fn note_challenge(&self) {
        self.learn(Learnt::challenged);
    }

    /// Reads the values of `Proxy-Authenticate` in a 407, and remembers the best scheme by which the
    /// credentials may go. `Some(true)` if there is one; if the credentials that were sent were good and
    /// only their nonce too old (Digest's `stale`), they may go again at once.
    ///
    /// Once a password was accepted by Digest it does not go by Basic in clear any more, whatever is
    /// offered.
    pub(crate) fn note_offers<'v>(&self, values: impl IntoIterator<Item = &'v [u8]>) -> Offered {
        if !self.has_credentials() {
            return Offered::default();
        }
        let offers = offers(values);
        let Some(scheme) = choose(&offers, self.token.is_some(), self.authentication) else {
            return Offered::default();
        };
        let mut kept = lock(&self.scheme);
        let worked = matches!(
            self.learnt().standing,
            Standing::Accepted | Standing::Doubted
        );
        let downgrade = matches!((&*kept, &scheme), (Some(Scheme::Digest(_)), Scheme::Basic));
        if worked && downgrade && self.url.scheme() == ProxyScheme::Http {
            return Offered::default();
        }
        let stale = matches!(&scheme, Scheme::Digest(challenge) if challenge.stale);
        *kept = Some(scheme);
        Offered {
            usable: true,
            stale,
        }
    }

    /// As a proxy's answer to a plain request says: whether to send the request again with credentials.
    ///
    /// `authorized` says whether it carried some.
    pub fn asks_again<'v>(
        &self,
        authorized: bool,
        values: impl IntoIterator<Item = &'v [u8]>,
    ) -> bool {
        let offered = self.note_offers(values);
        offered.usable && (!authorized || offered.stale) && !self.withheld_from_plain()
    }

    /// Whether there is a user and password, or a token.
    pub fn has_credentials(&self) -> bool {
        self.url.credentials().is_some() || self.token.is_some()
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
        let mut scheme = self.scheme().filter(|_| wanted);
        let mut trial = None;
        if scheme.is_some() && learnt.wants_trial(form) {
            let waited = self.trial(form).await;
            // Whoever held the trial before may have found out.
            learnt = self.learnt();
            match waited {
                Ok(guard) => trial = guard.filter(|_| learnt.wants_trial(form)),
                Err(_) => scheme = scheme.filter(|_| !learnt.wants_trial(form)),
            }
        }
        Authorization {
            upstream: self,
            scheme: scheme.filter(|_| !learnt.withheld(form)),
            form,
            basis: learnt.standing,
            _trial: trial,
        }
    }

    /// By which scheme the credentials would go now.
    fn scheme(&self) -> Option<Scheme> {
        if !self.has_credentials() {
            return None;
        }
        let kept = lock(&self.scheme).clone();
        kept.or_else(
            || match (&self.token, self.authentication, self.url.scheme()) {
                (Some(_), ..) => Some(Scheme::Bearer),
                // It needs a challenge.
                (None, Authentication::Digest, ProxyScheme::Http | ProxyScheme::Https) => None,
                _ => Some(Scheme::Basic),
            },
        )
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
        if self.token.is_some() {
            let mut rejected_at = lock(&self.rejected_at);
            if rejected_at.is_some_and(|at| at.elapsed() >= TOKEN_REST) {
                *rejected_at = None;
                self.learnt.send_replace(Learnt::default().challenged());
            }
        }
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
    /// The user and password to send, if they may be sent.
    pub fn credentials(&self) -> Option<&'a Credentials> {
        let upstream = self.upstream;
        let granted = self.scheme.as_ref();
        granted.and_then(|_| upstream.url.credentials())
    }

    /// Whether credentials may be sent.
    pub const fn is_granted(&self) -> bool {
        self.scheme.is_some()
    }

    /// The value of `Proxy-Authorization`, if credentials may be sent: a secret, in visible ASCII. `method`
    /// and `uri` are those of the request line.
    pub fn header(&self, method: &str, uri: &str) -> Option<String> {
        let credentials = || self.upstream.url.credentials();
        match self.scheme.as_ref()? {
            Scheme::Basic => credentials().map(Credentials::basic),
            Scheme::Bearer => self.upstream.token.as_ref().map(BearerToken::header),
            Scheme::Digest(challenge) => {
                credentials().map(|credentials| challenge.answer(credentials, method, uri))
            }
        }
    }

    /// Remembers what the proxy's final status says about the credentials that were sent.
    ///
    /// A 2xx accepts them (to a plain request a 3xx too) and a 407 speaks against them, as [`Upstream`]
    /// says; any other status proves nothing. Dropping the authorization instead proves nothing either.
    pub fn conclude(self, status: u16) {
        if self.scheme.is_some() {
            if status == 407 && self.form == Form::Connect {
                *lock(&self.upstream.rejected_at) = Some(Instant::now());
            }
            let (form, basis) = (self.form, self.basis);
            self.upstream
                .learn(|learnt| learnt.after(form, basis, status));
        }
    }
}

fn lock<T>(mutex: &StdMutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
