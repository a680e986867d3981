//! One plain HTTP request and its response.

use std::sync::Arc;

use http_body_util::Either;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::header::{HeaderValue, PROXY_AUTHENTICATE};
use hyper::{Request, Response, StatusCode, Version};
use narrows_connect::{ProxyError, Refusal};
use narrows_endpoint::{Hop, Route, Step};
use narrows_upstream::Authorization;
use tokio::time::timeout;

use super::answer::{Answer, Record};
use super::far::{FarLeg, Leads};
use super::outgoing::{Outgoing, OutgoingBody};
use super::{Body, Session, answer, head};
use crate::observe::{Asked, Observe, Opened};
use crate::policy::{Grant, Policy, Terms};
use crate::refusals::Failure;
use crate::setup::Setup;
use crate::tunnel::Unanswered;

/// A response head, and the connection that its body comes over.
struct Reply {
    /// Whether a proxy asks for credentials that can be sent with the next request.
    asks_again: bool,
    /// Whether the request carried credentials for a proxy.
    authorized: bool,
    leg: FarLeg,
    response: Response<Incoming>,
    /// What the connection's meter showed when the request was sent.
    start: (u64, u64),
}

/// A connection that gave no answer.
struct NoReply {
    error: TrySendError<Request<OutgoingBody>>,
    hop: Hop,
}

impl<P: Policy, O: Observe> Session<P, O> {
    /// Forwards a request and gives the response as far as its head; the body follows by itself.
    pub(super) async fn exchange(&self, request: Request<Incoming>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let target = match head::target(&head) {
            Ok(target) => target,
            Err(failure) => {
                let asked_for = head.uri.to_string();
                return self.refuse_head(&failure, &asked_for, body).await;
            }
        };
        let setup = self.shared.current();
        let asked = self.shared.asked(
            &setup,
            self.client,
            head.method.clone(),
            target,
            version(head.version),
        );
        let unanswered = Unanswered::new(&self.shared, &asked);
        let mut outgoing = Outgoing::new(head, body, asked.target.clone());
        let result = self.forward(&setup, &asked, &mut outgoing).await;
        unanswered.answered();
        match result {
            Ok(response) => response,
            Err(failure) => {
                let failure = outgoing.fault().unwrap_or(failure);
                self.shared.refused(&asked, &failure);
                outgoing.discard().await;
                answer(&setup, &failure)
            }
        }
    }

    async fn forward(
        &self,
        setup: &Setup<P>,
        asked: &Asked,
        outgoing: &mut Outgoing,
    ) -> Result<Response<Body>, Failure> {
        let authorization = head::authorization(outgoing.head())?;
        let shared = &self.shared;
        shared.is_no_loop(&head::passed(outgoing.head()))?;
        let grant = setup.decide(asked, authorization.as_ref(), &self.connection)?;
        outgoing.make_ours(&shared.pseudonym);
        let reply = self.ask(setup, asked, &grant, outgoing).await;
        let reply = reply.map_err(|failure| failure.after(&grant))?;
        check(&reply)?;
        Ok(self.hand_back(setup, asked, reply, grant.terms).await)
    }

    /// Sends a request; once more if the proxy asks for credentials that have not been tried.
    async fn ask(
        &self,
        setup: &Setup<P>,
        asked: &Asked,
        grant: &Grant,
        outgoing: &mut Outgoing,
    ) -> Result<Reply, Failure> {
        let reply = self.send(setup, asked, grant, outgoing, false).await?;
        let Some(proxy) = reply.leg.proxy.as_ref().filter(|_| reply.asks_again) else {
            return Ok(reply);
        };
        // A body that is gone cannot be sent again, but the next request knows better.
        proxy.note_challenge();
        if outgoing.is_whole() {
            return self.send(setup, asked, grant, outgoing, true).await;
        }
        Ok(reply)
    }

    /// Sends a request over the kept connection, or over a new one if there is none that lives.
    async fn send(
        &self,
        setup: &Setup<P>,
        asked: &Asked,
        grant: &Grant,
        outgoing: &mut Outgoing,
        challenged: bool,
    ) -> Result<Reply, Failure> {
        if let Some(leg) = self.take_kept(setup, asked, grant.route).await {
            let repeatable = outgoing.is_repeatable();
            match self.try_leg(setup, leg, outgoing, challenged).await? {
                Ok(reply) => return Ok(reply),
                // It died while it was idle: nobody's fault, unless the request was carried out.
                Err(NoReply { error, hop }) => {
                    let (given_back, error) = outgoing.recover(error);
                    if !(given_back || repeatable) {
                        return Err(no_answer(hop, &error));
                    }
                }
            }
        }
        let far = setup.egress.open_plain(grant, &asked.target).await?;
        let (hop, idle) = (far.hop, setup.settings.relay.idle);
        let leads = Leads {
            generation: setup.generation,
            route: grant.route,
            target: asked.target.clone(),
        };
        let leg = FarLeg::start(far, leads, idle).await;
        let leg = leg.map_err(|error| no_answer(hop, &error))?;
        self.try_leg(setup, leg, outgoing, challenged)
            .await?
            .map_err(|NoReply { error, hop }| no_answer(hop, &error.into_error()))
    }

    async fn try_leg(
        &self,
        setup: &Setup<P>,
        mut leg: FarLeg,
        outgoing: &mut Outgoing,
        challenged: bool,
    ) -> Result<Result<Reply, NoReply>, Failure> {
        let proxy = leg.proxy.clone();
        let authorization = match &proxy {
            Some(proxy) => Some(proxy.authorize_plain(challenged).await),
            None => None,
        };
        let authorized = authorization
            .as_ref()
            .is_some_and(Authorization::is_granted);

        let hop = leg.hop;
        let start = leg.meter.totals();
        let sent = leg
            .sender
            .try_send_request(outgoing.request(proxy.is_some(), authorization.as_ref()));
        let answered = match setup.settings.relay.idle {
            Some(limit) => timeout(limit, sent).await.map_err(|_| too_late(hop))?,
            None => sent.await,
        };
        let mut asks_again = false;
        if let (Some(authorization), Ok(response)) = (authorization, &answered) {
            // Before the outcome is told, which a nonce that was too old is none of.
            let wants = proxy.as_deref().filter(|_| wants_credentials(response));
            asks_again = wants.is_some_and(|proxy| {
                let offers = response.headers().get_all(PROXY_AUTHENTICATE).iter();
                proxy.asks_again(authorized, offers.map(HeaderValue::as_bytes))
            });
            if !(authorized && asks_again) {
                authorization.conclude(response.status().as_u16());
            }
        }
        Ok(match answered {
            Ok(response) => Ok(Reply {
                asks_again,
                authorized,
                leg,
                response,
                start,
            }),
            Err(error) => Err(NoReply { error, hop }),
        })
    }

    /// The connection of the last exchange, if it leads to the same place and still lives.
    async fn take_kept(&self, setup: &Setup<P>, asked: &Asked, route: Route) -> Option<FarLeg> {
        let mut leg = self.kept.lock().await.take()?;
        let leads = &leg.leads;
        let fits = leads.generation == setup.generation
            && leads.route == route
            && leads.target == asked.target;
        (fits && leg.sender.ready().await.is_ok()).then_some(leg)
    }

    /// Tells the observer, keeps the connection for the next request, and hands the response on.
    async fn hand_back(
        &self,
        setup: &Setup<P>,
        asked: &Asked,
        reply: Reply,
        terms: Option<Box<Terms>>,
    ) -> Response<Body> {
        let Reply {
            leg,
            response,
            start,
            ..
        } = reply;
        self.shared.observer.opened(&Opened {
            asked,
            counts: None,
            fallback: leg.fallback.as_ref(),
            peer: leg.peer,
            terms: terms.as_deref(),
            via: leg.via,
        });
        let record = Record {
            asked: asked.clone(),
            broken: None,
            fallback: leg.fallback.clone().map(Box::new),
            hop: leg.hop,
            meter: Arc::clone(&leg.meter),
            observer: Arc::clone(&self.shared) as _,
            progress: self.progress.clone(),
            peer: leg.peer,
            start,
            status: response.status().as_u16(),
            terms,
            via: leg.via,
            whole: false,
        };
        *self.kept.lock().await = Some(leg);
        let (mut parts, body) = response.into_parts();
        let name = &setup.settings.name;
        head::backward(&mut parts.headers, parts.version, name);
        parts.version = Version::HTTP_11;
        Response::from_parts(parts, Either::Right(Answer::new(body, record)))
    }
}

pub(super) const fn version(version: Version) -> narrows_connect::Version {
    match version {
        Version::HTTP_10 => narrows_connect::Version::Http10,
        _ => narrows_connect::Version::Http11,
    }
}

/// Refuses responses that must not reach the client.
fn check(reply: &Reply) -> Result<(), Failure> {
    let hop = reply.leg.hop;
    match (reply.response.status(), &reply.leg.proxy) {
        (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Some(proxy)) => {
            // A client that saw this would send the proxy credentials that are none of its business.
            let why = if !proxy.has_credentials() {
                "the proxy wants credentials, and none are configured"
            } else if proxy.rejected() {
                "the proxy rejected the configured credentials"
            } else if proxy.withheld_from_plain() {
                "407 answered the configured credentials, from the proxy or from the target: plain HTTP \
                 goes without them until a CONNECT has them accepted"
            } else if reply.authorized {
                "the proxy or the target answered 407 to the configured credentials"
            } else if reply.asks_again {
                "the proxy wants credentials; they go out with the next request"
            } else {
                "the proxy wants credentials by a scheme that cannot be answered (Basic and Digest can, and Bearer with a \
                 token; not NTLM or Negotiate)"
            };
            Err(failed(hop, ProxyError::HttpRequestDenied, why.to_owned()))
        }
        (StatusCode::SWITCHING_PROTOCOLS, _) => Err(failed(
            hop,
            ProxyError::HttpProtocolError,
            format!("the {hop} switched protocols without being asked"),
        )),
        _ => Ok(()),
    }
}

fn wants_credentials<B>(response: &Response<B>) -> bool {
    response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED
}

fn no_answer(hop: Hop, error: &hyper::Error) -> Failure {
    let kind = if error.is_parse() || error.is_parse_too_large() {
        ProxyError::HttpProtocolError
    } else {
        ProxyError::ConnectionTerminated
    };
    failed(
        hop,
        kind,
        format!("no valid answer from the {hop}: {error}"),
    )
}

fn too_late(hop: Hop) -> Failure {
    let why = format!("no answer from the {hop} within the idle limit");
    failed(hop, ProxyError::HttpResponseTimeout, why)
}

fn failed(hop: Hop, error: ProxyError, detail: String) -> Failure {
    let status = if error == ProxyError::HttpRequestDenied {
        502
    } else {
        error.status()
    };
    Failure {
        hop,
        step: Step::Request,
        refusal: Refusal {
            error: Some(error),
            next_hop: Some(hop.as_str().to_owned()),
            ..Refusal::new(status, detail)
        },
        identity: None,
    }
}
