//! CONNECT: from a request to a tunnel that has ended.

use std::fmt;

use narrows_connect::ProxyAuthorization;
use narrows_endpoint::{Hop, Step};
use narrows_log::Via;
use narrows_tunnel::{Counts, Leg, Pending, Transport, relay};
use narrows_upstream::Connected;
use tokio::net::TcpStream;

use crate::egress::Fallback;
use crate::observe::{Asked, Ended, Observe, Opened, Refused};
use crate::policy::{Action, Grant, Policy, Request, Terms};
use crate::refusals::Failure;
use crate::server::Shared;

/// The status that stands for a client that left before it could be answered.
pub(crate) const CLIENT_LEFT: u16 = 499;

/// The open way to a target.
pub(crate) struct Far {
    pub(crate) connected: Connected,
    pub(crate) terms: Option<Box<Terms>>,
    pub(crate) fallback: Option<Fallback>,
    pub(crate) hop: Hop,
    pub(crate) via: Via,
}

impl<P: Policy, O: Observe> Shared<P, O> {
    /// Serves a CONNECT request to its end.
    pub(crate) async fn tunnel<S>(
        &self,
        pending: Pending<S>,
        asked: Asked,
        connection: &P::Connection,
    ) where
        S: Transport + Send,
    {
        let authorization = pending.request().proxy_authorization.as_ref();
        let unanswered = Unanswered::new(self, &asked);
        // Boxed, because dialling needs a far larger future than the relay that outlives it.
        let far = Box::pin(self.open(&asked, authorization, connection)).await;
        unanswered.answered();
        let far = match far {
            Ok(far) => far,
            Err(failure) => {
                self.refused(&asked, &failure);
                // The record is written; a client that cannot be told has left.
                let _ = pending.refuse(&failure.refusal, &self.settings.name).await;
                return;
            }
        };
        match pending.establish().await {
            Ok(client) => self.relay(&asked, client, far).await,
            Err(_) => self.client_left(&asked),
        }
    }

    /// Decides and opens the far side.
    pub(crate) async fn open(
        &self,
        asked: &Asked,
        authorization: Option<&ProxyAuthorization>,
        connection: &P::Connection,
    ) -> Result<Far, Failure> {
        let grant = self.decide(asked, authorization, connection)?;
        let way = self.egress.way(&grant, &asked.target)?;
        let connected = self.egress.open(&way, &asked.target).await;
        let connected = connected.map_err(|error| Failure::from(&error))?;
        Ok(Far {
            connected,
            terms: grant.terms,
            hop: way.hop(),
            via: way.via(),
            fallback: way.fallback,
        })
    }

    /// Relays an open tunnel until it ends, and tells the observer.
    pub(crate) async fn relay<S>(&self, asked: &Asked, client: Leg<S>, far: Far)
    where
        S: Transport + Send,
    {
        let Far {
            connected: Connected {
                io, early, peer, ..
            },
            terms,
            hop,
            via,
            fallback,
        } = far;
        let opened = Opened {
            asked,
            terms: terms.as_deref(),
            fallback: fallback.as_ref(),
            peer,
            via,
        };
        self.observer.opened(&opened);
        let record = Record {
            shared: self,
            asked,
            counts: Counts::default(),
            via,
        };
        let far: Leg<TcpStream> = Leg::new(io, early);
        let end = match terms.as_ref().and_then(|terms| terms.lifetime) {
            None => relay(client, far, &record.counts, &self.settings.relay).await,
            Some(most) => {
                let options = self.settings.relay.clone().with_lifetime(Some(most));
                relay(client, far, &record.counts, &options).await
            }
        };
        record.finish(
            end.party(hop)
                .map(|party| (party, &end as &dyn fmt::Display)),
        );
    }

    /// Asks the policy.
    pub(crate) fn decide(
        &self,
        asked: &Asked,
        authorization: Option<&ProxyAuthorization>,
        connection: &P::Connection,
    ) -> Result<Grant, Failure> {
        let (client, target) = (asked.client, &asked.target);
        match self.policy.decide(&Request {
            authorization,
            client,
            connection,
            target,
        }) {
            Action::Forward(grant) => Ok(grant),
            Action::Refuse(refusal) => Err(Failure::policy(refusal)),
        }
    }

    /// Records that a request came to nothing.
    pub(crate) fn refused(&self, asked: &Asked, failure: &Failure) {
        self.observer.refused(&Refused {
            client: asked.client,
            hop: failure.hop,
            id: asked.id,
            reason: &failure.refusal.detail,
            status: failure.refusal.status(),
            step: failure.step,
            target: &asked.target.to_string(),
        });
    }

    pub(crate) fn client_left(&self, asked: &Asked) {
        self.observer.refused(&Refused {
            client: asked.client,
            hop: Hop::Client,
            id: asked.id,
            reason: "the client left before the tunnel was open",
            status: CLIENT_LEFT,
            step: Step::Request,
            target: &asked.target.to_string(),
        });
    }
}

/// Writes the record of a request whose task is cut before it was answered.
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
        self.shared.observer.refused(&Refused {
            client: self.asked.client,
            hop: Hop::Narrows,
            id: self.asked.id,
            reason: "cut at shutdown",
            status: CLIENT_LEFT,
            step: Step::Request,
            target: &self.asked.target.to_string(),
        });
    }
}

/// Writes the record of an open tunnel exactly once, also when its task is cut.
struct Record<'a, P: Policy, O: Observe> {
    shared: &'a Shared<P, O>,
    asked: &'a Asked,
    counts: Counts,
    via: Via,
}

impl<P: Policy, O: Observe> Record<'_, P, O> {
    fn finish(self, blame: Option<(Hop, &dyn fmt::Display)>) {
        self.write(blame);
        std::mem::forget(self);
    }

    fn write(&self, blame: Option<(Hop, &dyn fmt::Display)>) {
        self.shared.observer.ended(&Ended {
            asked: self.asked,
            blame,
            received: self.counts.received(),
            sent: self.counts.sent(),
            via: self.via,
        });
    }
}

impl<P: Policy, O: Observe> Drop for Record<'_, P, O> {
    fn drop(&mut self) {
        self.write(Some((Hop::Narrows, &"cut at shutdown")));
    }
}
