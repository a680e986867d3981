//! HTTP/1.1: one TLS session for each tunnel, some kept ready.

use std::io;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use narrows_connect::{Limits, Via};
use narrows_endpoint::Target;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;

use super::handshake::TlsSession;
use super::lock;
use super::session::Refusal;
use crate::error::DialErrorKind;
use crate::exchange::{Answer, exchange, read_refusal};
use crate::tls_fault::TlsFault;

/// The fewest sessions that are kept ready for a gateway in use: a new one takes three round trips, and
/// whoever opens one tunnel after the other should not wait for it.
pub(super) const MIN_READY: usize = 4;
/// The most sessions that are kept ready.
pub(super) const MAX_READY: usize = 64;
/// When a session that was never used is replaced: below the four minutes after which common load
/// balancers forget an idle connection without a word.
const MAX_AGE: Duration = Duration::from_secs(200);

/// Sessions whose handshake is done and on which nothing was sent yet.
#[derive(Debug, Default)]
pub(super) struct Ready(Mutex<Vec<Waiting>>);

#[derive(Debug)]
struct Waiting {
    session: TlsSession,
    since: Instant,
}

/// How many sessions to keep ready after so many opens lately.
pub(super) fn wanted(lately: Option<usize>) -> usize {
    lately.map_or(0, |opens| opens.clamp(MIN_READY, MAX_READY))
}

/// Sends the nested CONNECT; on a 2xx the session is the tunnel, beginning with these bytes.
///
/// # Cancel safety
///
/// Not cancel safe: a dropped call has used the session up.
pub(super) async fn connect(
    session: &mut TlsSession,
    target: &Target,
    via: &Via,
    authorization: Option<&str>,
    limits: &Limits,
) -> Result<Bytes, Refusal> {
    match exchange(&mut session.io, target, via, authorization, limits).await {
        Ok(Answer::Open(early)) => Ok(early),
        Ok(Answer::Refused(response, body)) => {
            let answer = read_refusal(&mut session.io, *response, body).await;
            Err(Refusal::Answered(answer))
        }
        Err(DialErrorKind::Broken(error)) => Err(match TlsFault::late_alert(&error) {
            Some(fault) => Refusal::Failed(DialErrorKind::Tls(fault)),
            // Without `close_notify`; for an answer that never came this makes no difference.
            None if error.kind() == io::ErrorKind::UnexpectedEof => {
                Refusal::Died(DialErrorKind::Closed { received: 0 })
            }
            None => Refusal::Died(DialErrorKind::Broken(error)),
        }),
        Err(closed @ DialErrorKind::Closed { received: 0 }) => Err(Refusal::Died(closed)),
        Err(kind) => Err(Refusal::Failed(kind)),
    }
}

// === impl Ready ===

impl Ready {
    pub(super) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    pub(super) fn put(&self, session: TlsSession) {
        let since = Instant::now();
        lock(&self.0).push(Waiting { session, since });
    }

    /// Takes the newest session that the gateway has not closed: the least likely to be forgotten by
    /// something on the path.
    pub(super) fn take(&self) -> Option<TlsSession> {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut waiting = lock(&self.0);
        while let Some(mut newest) = waiting.pop() {
            if newest.is_usable(cx) {
                return Some(newest.session);
            }
        }
        None
    }

    /// Drops what the gateway has closed, what is too old, and what is too many; keeps the newest.
    ///
    /// Ready when something was dropped, with the age of the youngest; else it wakes when the gateway
    /// closes one.
    pub(super) fn poll_tidy(&self, cx: &mut Context<'_>, wanted: usize) -> Poll<Duration> {
        let mut waiting = lock(&self.0);
        let mut dropped = None;
        waiting.retain_mut(|one| {
            let usable = one.is_usable(cx);
            if !usable {
                // The list is in the order of age, so the last one is the youngest.
                dropped = Some(one.since.elapsed());
            }
            usable
        });
        let surplus = waiting.len().saturating_sub(wanted);
        waiting.drain(..surplus);
        dropped.map_or(Poll::Pending, Poll::Ready)
    }
}

// === impl Waiting ===

impl Waiting {
    /// Whether nothing came from the gateway: anything that does before a CONNECT is an end or a fault.
    fn is_usable(&mut self, cx: &mut Context<'_>) -> bool {
        let mut octet = [0];
        let read = Pin::new(&mut self.session.io).poll_read(cx, &mut ReadBuf::new(&mut octet));
        read.is_pending() && self.since.elapsed() < MAX_AGE
    }
}
