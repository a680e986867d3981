//! [`Lease`]: a session for one tunnel, from what is ready or freshly dialled.

use std::sync::Mutex;

use narrows_endpoint::Target;
use tokio::time::{Instant, timeout};

use super::h2::Slot;
use super::handshake::TlsSession;
use super::session::Session;
use super::{Shared, Spoken, lock};
use crate::dialer::Dialer;
use crate::error::{DialError, DialErrorKind};

/// What one tunnel opens on.
#[derive(Debug)]
pub(super) enum Lease {
    /// A session of its own, and whether it was dialled for this tunnel.
    H1 { session: TlsSession, fresh: bool },
    /// Room on a shared session, and whether the session was made for this tunnel.
    H2 { slot: Slot, fresh: bool },
}

/// The failures of dials, so that whoever waited for one need not repeat it.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<(u64, Option<DialError>)>);

impl Shared {
    /// Finds or makes a session; `fresh` says that a ready one will not do.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a session that is just being dialled is dropped.
    pub(super) async fn lease(&self, dialer: &Dialer, fresh: bool) -> Result<Lease, DialError> {
        let seen = self.failures.count();
        loop {
            let lease = match self.spoken() {
                Some(Spoken::H1) => self.own(dialer, fresh, seen).await?,
                Some(Spoken::H2) | None => self.shared(dialer, seen).await?,
            };
            if let Some(lease) = lease {
                return Ok(lease);
            }
        }
    }

    /// A session of its own; `None` if the gateway has changed over to HTTP/2.
    async fn own(
        &self,
        dialer: &Dialer,
        fresh: bool,
        seen: u64,
    ) -> Result<Option<Lease>, DialError> {
        let ready = || {
            let session = (!fresh).then(|| self.ready.take()).flatten()?;
            Some(Lease::H1 {
                session,
                fresh: false,
            })
        };
        if let Some(lease) = ready() {
            return Ok(Some(lease));
        }
        let start = Instant::now();
        let permit = timeout(dialer.timeouts().request, self.handshakes.acquire()).await;
        let _permit = permit.map_err(|_| self.busy(start))?;
        self.failures.since(seen)?;
        if let Some(lease) = ready() {
            return Ok(Some(lease));
        }
        match self.dial_noted(dialer).await? {
            Session::H1(session) => Ok(Some(Lease::H1 {
                session,
                fresh: true,
            })),
            Session::H2(session) => {
                self.sessions.add(session);
                Ok(None)
            }
        }
    }

    /// Room on a shared session, or the session that shows which protocol is spoken. One dial at a time:
    /// the others wait for its outcome. `None` to look again.
    async fn shared(&self, dialer: &Dialer, seen: u64) -> Result<Option<Lease>, DialError> {
        if let Some(slot) = self.sessions.reserve() {
            let taken = slot.is_taken().await;
            return Ok(taken.then_some(Lease::H2 { slot, fresh: false }));
        }
        let flight = self.flight.lock().await;
        self.failures.since(seen)?;
        if self.spoken() == Some(Spoken::H1) {
            return Ok(None);
        }
        if let Some(slot) = self.sessions.reserve() {
            drop(flight);
            let taken = slot.is_taken().await;
            return Ok(taken.then_some(Lease::H2 { slot, fresh: false }));
        }
        if !self.sessions.may_grow() {
            drop(flight);
            let start = Instant::now();
            let freed = timeout(dialer.timeouts().request, self.sessions.freed()).await;
            return freed.map(|()| None).map_err(|_| self.busy(start));
        }
        match self.dial_noted(dialer).await? {
            Session::H1(session) => Ok(Some(Lease::H1 {
                session,
                fresh: true,
            })),
            Session::H2(session) => {
                self.sessions.add(session);
                let slot = self.sessions.reserve();
                Ok(slot.map(|slot| Lease::H2 { slot, fresh: true }))
            }
        }
    }

    /// Dials, and lets those who wait for the outcome know of a failure.
    pub(super) async fn dial_noted(&self, dialer: &Dialer) -> Result<Session, DialError> {
        let dialled = self.dial(dialer).await;
        if let Err(error) = &dialled {
            self.failures.note(error);
        }
        dialled
    }

    fn busy(&self, start: Instant) -> DialError {
        let (sessions, tunnels) = self.sessions.count();
        let kind = DialErrorKind::Busy { sessions, tunnels };
        self.error(None, start, kind)
    }

    pub(super) fn error(
        &self,
        target: Option<&Target>,
        start: Instant,
        kind: DialErrorKind,
    ) -> DialError {
        DialError::new(self.path(target), start.elapsed(), kind)
    }
}

// === impl Failures ===

impl Failures {
    /// How many there were so far.
    fn count(&self) -> u64 {
        lock(&self.0).0
    }

    fn note(&self, error: &DialError) {
        let mut failures = lock(&self.0);
        failures.0 += 1;
        failures.1 = Some(error.clone());
    }

    /// The last failure, if there was one after `seen` were counted.
    fn since(&self, seen: u64) -> Result<(), DialError> {
        match &*lock(&self.0) {
            (count, Some(error)) if *count > seen => Err(error.clone()),
            _ => Ok(()),
        }
    }
}
