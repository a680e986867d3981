//! [`Policy`]: the one place that decides what happens to a request.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use narrows_connect::{ProxyAuthorization, Refusal};
use narrows_endpoint::{Route, RuleSet, Target};
use narrows_upstream::Judge;

use crate::refusals;

/// Decides what happens to a request.
///
/// It is asked once for each request, before anything is resolved or dialled, and must not block.
/// Closures `Fn(&Target) -> Action` are policies, and so is a [`RuleSet`].
pub trait Policy: Send + Sync + 'static {
    /// What a policy is told about a connection by whoever accepted it, for instance who the client
    /// proved to be in TLS. Connections that [`Server::serve`](crate::Server::serve) accepts have the
    /// default.
    type Connection: Default + Send + Sync + 'static;

    /// Decides about one request.
    fn decide(&self, request: &Request<'_, Self::Connection>) -> Action;
}

/// What a policy decides upon.
#[derive(Debug)]
#[non_exhaustive]
pub struct Request<'a, C> {
    /// What the client sent to prove who it is, if anything. It is never passed on.
    pub authorization: Option<&'a ProxyAuthorization>,
    /// The client's address.
    pub client: SocketAddr,
    /// What is known about the connection.
    pub connection: &'a C,
    /// The host and port that are asked for.
    pub target: &'a Target,
}

/// What is to happen to a request.
#[derive(Debug)]
pub enum Action {
    /// It is carried, as the grant says.
    Forward(Grant),
    /// It is refused with this answer.
    Refuse(Refusal),
}

/// How a request is carried.
#[derive(Debug)]
#[non_exhaustive]
pub struct Grant {
    /// The way to take.
    pub route: Route,
    /// Conditions, for policies that make any. Boxed: most tunnels have none and keep no room for them.
    pub terms: Option<Box<Terms>>,
}

/// The conditions of a grant.
#[derive(Default)]
pub struct Terms {
    /// Kept until the request has ended, for instance a place in a count of tunnels.
    pub hold: Option<Box<dyn Any + Send + Sync>>,
    /// Who asks, for the record.
    pub identity: Option<Arc<str>>,
    /// Has a say on the target's addresses, beside the dialler's own judge.
    pub judge: Option<Arc<dyn Judge>>,
    /// How long a tunnel may last at the most.
    pub lifetime: Option<Duration>,
    /// What allowed it, for the record.
    pub rule: Option<Arc<str>>,
    /// Why it would have been refused, by a policy that only reports.
    pub would_deny: Option<Arc<str>>,
}

impl<F: Fn(&Target) -> Action + Send + Sync + 'static> Policy for F {
    type Connection = ();

    fn decide(&self, request: &Request<'_, ()>) -> Action {
        self(request.target)
    }
}

impl Policy for RuleSet {
    type Connection = ();

    fn decide(&self, request: &Request<'_, ()>) -> Action {
        let decision = Self::decide(self, request.target);
        match decision.route {
            Route::Deny => Action::Refuse(refusals::denied(request.target, &decision.reason())),
            route => Action::forward(route),
        }
    }
}

impl<P: Policy> Policy for Arc<P> {
    type Connection = P::Connection;

    fn decide(&self, request: &Request<'_, P::Connection>) -> Action {
        P::decide(self, request)
    }
}

impl Action {
    /// Carries a request by a route, without conditions.
    pub const fn forward(route: Route) -> Self {
        Self::Forward(Grant::new(route))
    }
}

impl Grant {
    /// A route without conditions.
    pub const fn new(route: Route) -> Self {
        Self { route, terms: None }
    }

    /// Adds conditions.
    #[must_use]
    pub fn with_terms(mut self, terms: Terms) -> Self {
        self.terms = Some(Box::new(terms));
        self
    }
}

impl fmt::Debug for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terms")
            .field("identity", &self.identity)
            .field("lifetime", &self.lifetime)
            .field("rule", &self.rule)
            .field("would_deny", &self.would_deny)
            .finish_non_exhaustive()
    }
}
