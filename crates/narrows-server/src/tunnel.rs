//! CONNECT: from a request to a tunnel that has ended.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::uri::Authority;
use http::{HeaderMap, Method, Uri};
use narrows_connect::{Version, Via as Passed, check_connect};
use narrows_endpoint::{Hop, Route, Step, Target};
use narrows_log::Via;
use narrows_tunnel::{Counts, End, Leg, Pending, Relay, Side, Transport, relay};
use narrows_upstream::Passage;
use pin_project_lite::pin_project;
use tokio::time::{Instant, sleep};

use crate::egress::{Fallback, Far, FarIo, Late};
use crate::observe::{Asked, EndWord, Ended, Observe, Opened, Refused};
use crate::policy::{Grant, Policy, Terms};
use crate::refusals::{self, Failure};
use crate::server::Shared;
use crate::setup::Setup;

/// How a request ended that outlived the drain.
pub(crate) const CUT: &str = "cut at shutdown";

/// The status that stands for a client that left before it could be answered.
pub(crate) const CLIENT_LEFT: u16 = 499;

/// The status with which a tunnel opens.
const ESTABLISHED: u16 = 200;

pin_project! {
    /// An open tunnel: carries until it ends, and writes its record.
    ///
    /// A future of its own, because an async block would hold the relay twice: moved from, and awaited.
    pub(crate) struct Tunnel<S: Transport, P: Policy, O: Observe> {
        // Dropped before the record is written, when it is cut.
        #[pin]
        relay: Relay<S, FarIo>,
        record: Record<P, O>,
    }
}

impl<P: Policy, O: Observe> Shared<P, O> {
    /// Answers a CONNECT request; `None` when it came to nothing.
    ///
    /// Whoever resets meanwhile wants no answer: nothing is resolved, dialled or asked any longer.
    pub(crate) async fn answer<S>(
        self: &Arc<Self>,
        setup: &Setup<P>,
        pending: Pending<S>,
        asked: Asked,
        connection: &P::Connection,
    ) -> Option<Tunnel<S, P, O>>
    where
        S: Transport + Send,
    {
        let unanswered = Unanswered::new(self, &asked);
        let opening = self.open(setup, &asked, pending.request(), connection);
        let opened = tokio::select! {
            biased;
            opened = opening => opened,
            // `unanswered` writes the record.
            () = pending.client_resets() => return None,
        };
        let far = match opened {
            Ok(far) => far,
            Err(failure) => {
                unanswered.answered();
                self.refused(&asked, &failure);
                // The record is written; a client that cannot be told has left.
                let name = &setup.settings.name;
                let _ = pending.refuse(&failure.refusal, name).await;
                return None;
            }
        };
        let established = pending.establish().await;
        unanswered.answered();
        match established {
            Ok(client) => Some(self.tunnel(setup, asked, client, far)),
            Err(_) => {
                self.client_left(&asked);
                None
            }
        }
    }

    /// Decides and opens the far side.
    pub(crate) async fn open(
        &self,
        setup: &Setup<P>,
        asked: &Asked,
        request: &narrows_connect::Request,
        connection: &P::Connection,
    ) -> Result<(Far, Grant), Failure> {
        self.is_no_loop(&request.via)?;
        let grant = setup.decide(asked, request.proxy_authorization.as_ref(), connection)?;
        let passed = match grant.route {
            // Nobody is told.
            Route::Direct => Passed::default(),
            _ => request.via.then(request.version, &self.pseudonym),
        };
        match setup.egress.open(&grant, &asked.target, &passed).await {
            Ok(far) => Ok((far, grant)),
            Err(failure) => Err(failure.after(&grant)),
        }
    }

    /// Joins the two legs of a request that was answered, and tells the observer.
    pub(crate) fn tunnel<S>(
        self: &Arc<Self>,
        setup: &Setup<P>,
        asked: Asked,
        client: Leg<S>,
        (far, grant): (Far, Grant),
    ) -> Tunnel<S, P, O>
    where
        S: Transport + Send,
    {
        let counts = Arc::<Counts>::default();
        self.observer.opened(&Opened {
            asked: &asked,
            counts: Some(&counts),
            fallback: far.fallback.as_ref(),
            peer: far.peer,
            terms: grant.terms.as_deref(),
            via: far.via,
        });
        let mut options = setup.settings.relay.clone();
        options.turns.get_or_insert_with(|| Arc::clone(&self.turns));
        if let Some(lifetime) = grant.terms.as_ref().and_then(|terms| terms.lifetime) {
            options.lifetime = Some(lifetime);
        }
        let far_leg = Leg::new(far.io, far.early);
        if let Some(passage) = far.passage.as_ref().filter(|passage| passage.awaits_life()) {
            tokio::spawn(watch(
                passage.clone(),
                asked.target.clone(),
                Arc::clone(&counts),
            ));
        }
        Tunnel {
            relay: relay(client, far_leg, Arc::clone(&counts), &options),
            record: Record {
                asked,
                counts,
                done: false,
                fallback: far.fallback.map(Box::new),
                hop: far.hop,
                passage: far.passage,
                shared: Arc::clone(self),
                peer: far.peer,
                terms: grant.terms,
                late: far.late,
                via: far.via,
            },
        }
    }

    /// Refuses a request that has been here before.
    pub(crate) fn is_no_loop(&self, passed: &Passed) -> Result<(), Failure> {
        if passed.names(&self.pseudonym) {
            return Err(refusals::loops());
        }
        Ok(())
    }

    /// A request whose head is there, with a number of its own.
    pub(crate) fn asked(
        &self,
        setup: &Setup<P>,
        client: SocketAddr,
        method: Method,
        target: Target,
        version: Version,
    ) -> Asked {
        Asked {
            client,
            id: self.next_id(setup),
            method,
            since: Instant::now(),
            target,
            version,
        }
    }

    /// Records that a request came to nothing.
    pub(crate) fn refused(&self, asked: &Asked, failure: &Failure) {
        self.observer.refused(&Refused {
            asked: Some(asked),
            client: asked.client,
            hop: failure.hop,
            id: asked.id,
            identity: failure.identity.as_deref(),
            reason: &failure.refusal.detail,
            status: failure.refusal.status(),
            step: failure.step,
            target: &asked.target.to_string(),
        });
    }

    pub(crate) fn client_left(&self, asked: &Asked) {
        self.unserved(asked, Hop::Client, "the client left before it was answered");
    }

    fn unserved(&self, asked: &Asked, hop: Hop, reason: &str) {
        self.observer.refused(&Refused {
            asked: Some(asked),
            client: asked.client,
            hop,
            id: asked.id,
            identity: None,
            reason,
            status: CLIENT_LEFT,
            step: Step::Request,
            target: &asked.target.to_string(),
        });
    }
}

/// Judges a CONNECT head that another parser has split, by the rules for one that comes as bytes.
///
/// The authority's text is judged, not that parser's reading of it: hyper takes a port such as `+443` for
/// a number.
pub(crate) fn judge_split(
    uri: &Uri,
    version: Version,
    headers: &HeaderMap,
) -> Result<narrows_connect::Request, Failure> {
    let authority = uri.authority().map_or("", Authority::as_str);
    let headers = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    check_connect(authority, version, headers).map_err(|error| Failure::from(&error))
}

/// Writes the record of a request whose future is dropped before it was answered: its client left, or all
/// tasks are being cut.
pub(crate) struct Unanswered<'a, P: Policy, O: Observe> {
    shared: &'a Shared<P, O>,
    asked: &'a Asked,
}

impl<'a, P: Policy, O: Observe> Unanswered<'a, P, O> {
    pub(crate) const fn new(shared: &'a Shared<P, O>, asked: &'a Asked) -> Self {
        Self { shared, asked }
    }

    /// There is an answer, which has a record of its own.
    pub(crate) fn answered(self) {
        std::mem::forget(self);
    }
}

impl<P: Policy, O: Observe> Drop for Unanswered<'_, P, O> {
    fn drop(&mut self) {
        if self.shared.live.is_cut() {
            self.shared.unserved(self.asked, Hop::Narrows, CUT);
        } else {
            self.shared.client_left(self.asked);
        }
    }
}

/// Says as soon as octets come back through a tunnel that its upstream is judged by.
async fn watch(passage: Passage, target: Target, counts: Arc<Counts>) {
    for _ in 0..LOOKS {
        sleep(LOOK).await;
        if counts.received() > 0 {
            return passage.alive(&target);
        }
    }
}

/// How often, and how many times, a tunnel is looked at that an upstream is judged by.
const LOOK: Duration = Duration::from_millis(100);
const LOOKS: usize = 200;

/// Writes the record of an open tunnel exactly once, also when its task is cut.
pub(crate) struct Record<P: Policy, O: Observe> {
    asked: Asked,
    counts: Arc<Counts>,
    done: bool,
    /// Boxed: few tunnels have one, and the others keep no room for it.
    fallback: Option<Box<Fallback>>,
    /// The party at the far side.
    hop: Hop,
    /// The upstream that it goes through.
    passage: Option<Passage>,
    peer: SocketAddr,
    shared: Arc<Shared<P, O>>,
    /// Kept until the tunnel has ended.
    terms: Option<Box<Terms>>,
    late: Option<Late>,
    via: Via,
}

impl<S: Transport, P: Policy, O: Observe> Future for Tunnel<S, P, O> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let mut relay = this.relay;
        let end = ready!(relay.as_mut().poll(cx));
        let first = relay.first_to_end();
        this.record.finish(end, first);
        Poll::Ready(())
    }
}

impl<P: Policy, O: Observe> Record<P, O> {
    fn finish(&mut self, end: End, first: Option<Side>) {
        let target = &self.asked.target;
        if let Some(refusal) = self.late.as_ref().and_then(|late| late.refusal(target)) {
            self.write(EndWord::Refused, Some((refusal.hop(), refusal)));
            self.done = true;
            return;
        }
        if let Some(passage) = &self.passage {
            let (sent, received) = (self.counts.sent(), self.counts.received());
            let hung_up = first == Some(Side::Far);
            passage.ended(&self.asked.target, sent, received, hung_up);
        }
        let blame = end.party(self.hop);
        let blame = blame.map(|party| (party, &end as &dyn fmt::Display));
        self.write(end.into(), blame);
        // The record is written: what is dropped now has nothing more to say.
        self.done = true;
    }

    fn write(&self, end: EndWord, blame: Option<(Hop, &dyn fmt::Display)>) {
        self.shared.observer.ended(&Ended {
            asked: &self.asked,
            blame,
            end,
            fallback: self.fallback.as_deref(),
            peer: self.peer,
            received: self.counts.received(),
            sent: self.counts.sent(),
            status: ESTABLISHED,
            terms: self.terms.as_deref(),
            via: self.via,
        });
    }
}

impl<P: Policy, O: Observe> Drop for Record<P, O> {
    fn drop(&mut self) {
        if !self.done {
            self.write(EndWord::Cut, Some((Hop::Narrows, &CUT)));
        }
    }
}
