//! One plain HTTP request and its response.

use std::sync::Arc;

use http_body_util::Either;
use hyper::body::Incoming;
use hyper::header::PROXY_AUTHENTICATE;
use hyper::{Request, Response, StatusCode, Version};
use narrows_connect::{ProxyError, Refusal};
use narrows_endpoint::{Hop, Step};
use tokio::time::timeout;

use super::answer::{Answer, Record};
use super::far::FarLeg;
use super::outgoing::Outgoing;
use super::{Body, Session, head};
use crate::egress::Way;
use crate::observe::{Asked, Observe, Opened};
use crate::policy::{Policy, Terms};
use crate::refusals::Failure;
use crate::tunnel::Unanswered;

/// A response head, and the connection that its body comes over.
struct Reply {
    leg: FarLeg,
    response: Response<Incoming>,
    /// What the connection's meter showed when the request was sent.
    start: (u64, u64),
}

impl<P: Policy, O: Observe> Session<P, O> {
    /// Forwards a request and gives the response as far as its head; the body follows by itself.
    pub(super) async fn exchange(&self, request: Request<Incoming>) -> Response<Body> {
        let (mut head, body) = request.into_parts();
        let target = match head::target(&head) {
            Ok(target) => target,
            Err(failure) => return self.refuse_head(&failure, &head.uri.to_string()),
        };
        let asked = Asked {
            client: self.client,
            id: self.shared.next_id(),
            target,
            version: version(head.version),
        };
        let unanswered = Unanswered::new(&self.shared, &asked);
        let result = async {
            let authorization = head::authorization(&head)?;
            let connection = &self.connection;
            let grant = self
                .shared
                .decide(&asked, authorization.as_ref(), connection)?;
            let way = self.shared.egress.way(&grant, &asked.target)?;
            let to_proxy = way.upstream().is_some();
            head::forward(
                &mut head,
                &asked.target,
                to_proxy,
                &self.shared.settings.name,
            );
            let reply = self.ask(&asked, &way, Outgoing::new(head, body)).await?;
            check(&reply.response, &way)?;
            Ok(self.hand_back(&asked, &way, reply, grant.terms).await)
        }
        .await;
        unanswered.answered();
        result.unwrap_or_else(|failure: Failure| {
            self.shared.refused(&asked, &failure);
            self.answer(&failure)
        })
    }

    /// Sends a request; once more if the proxy asks for credentials that have not been tried.
    async fn ask(
        &self,
        asked: &Asked,
        way: &Way<'_>,
        mut outgoing: Outgoing,
    ) -> Result<Reply, Failure> {
        let Some(upstream) = way.upstream() else {
            return self.send(asked, way, &mut outgoing, None).await;
        };
        let mut challenged = false;
        loop {
            let authorization = upstream.authorize(challenged).await;
            let credentials = authorization.credentials();
            let reply = self.send(asked, way, &mut outgoing, credentials).await?;
            let without = credentials.is_none();
            authorization.conclude(reply.response.status().as_u16());
            let can_try = without
                && !challenged
                && upstream.url().credentials().is_some()
                && !upstream.rejected()
                && outgoing.is_whole();
            if !(can_try && offers_basic(&reply.response)) {
                return Ok(reply);
            }
            challenged = true;
        }
    }

    /// Sends a request over the kept connection, or over a new one if there is none that lives.
    async fn send(
        &self,
        asked: &Asked,
        way: &Way<'_>,
        outgoing: &mut Outgoing,
        credentials: Option<&narrows_connect::Credentials>,
    ) -> Result<Reply, Failure> {
        if let Some(leg) = self.take_kept(asked, way).await {
            let repeatable = outgoing.is_repeatable();
            let request = outgoing.request(credentials);
            match self.try_leg(leg, request, way).await? {
                Ok(reply) => return Ok(reply),
                // It died while it was idle: nobody's fault, unless the request was carried out.
                Err(error) => {
                    let (given_back, error) = outgoing.recover(error);
                    if !(given_back || repeatable) {
                        return Err(no_answer(way.hop(), &error));
                    }
                }
            }
        }
        let connected = self.shared.egress.open_plain(way, &asked.target).await;
        let connected = connected.map_err(|error| Failure::from(&error))?;
        let idle = self.shared.settings.relay.idle;
        let leg = FarLeg::start(connected, asked.target.clone(), way.via(), idle).await;
        let leg = leg.map_err(|error| no_answer(way.hop(), &error))?;
        let request = outgoing.request(credentials);
        self.try_leg(leg, request, way)
            .await?
            .map_err(|error| no_answer(way.hop(), &error.into_error()))
    }

    async fn try_leg(
        &self,
        mut leg: FarLeg,
        request: Request<super::outgoing::OutgoingBody>,
        way: &Way<'_>,
    ) -> Result<Result<Reply, Unsent>, Failure> {
        let start = leg.meter.totals();
        let sent = leg.sender.try_send_request(request);
        let answered = match self.shared.settings.relay.idle {
            Some(limit) => timeout(limit, sent)
                .await
                .map_err(|_| too_late(way.hop()))?,
            None => sent.await,
        };
        Ok(answered.map(|response| Reply {
            leg,
            response,
            start,
        }))
    }

    /// The connection of the last exchange, if it leads to the same place and still lives.
    async fn take_kept(&self, asked: &Asked, way: &Way<'_>) -> Option<FarLeg> {
        let mut leg = self.kept.lock().await.take()?;
        let fits = leg.target == asked.target && leg.via == way.via();
        (fits && leg.sender.ready().await.is_ok()).then_some(leg)
    }

    /// Tells the observer, keeps the connection for the next request, and hands the response on.
    async fn hand_back(
        &self,
        asked: &Asked,
        way: &Way<'_>,
        reply: Reply,
        terms: Option<Box<Terms>>,
    ) -> Response<Body> {
        let Reply {
            leg,
            response,
            start,
        } = reply;
        self.shared.observer.opened(&Opened {
            asked,
            fallback: way.fallback.as_ref(),
            peer: leg.peer,
            terms: terms.as_deref(),
            via: leg.via,
        });
        let record = Record {
            asked: asked.clone(),
            broken: None,
            hop: way.hop(),
            meter: Arc::clone(&leg.meter),
            observer: Arc::clone(&self.shared) as _,
            start,
            _terms: terms,
            via: leg.via,
            whole: false,
        };
        *self.kept.lock().await = Some(leg);
        let (mut parts, body) = response.into_parts();
        head::backward(
            &mut parts.headers,
            parts.version,
            &self.shared.settings.name,
        );
        parts.version = Version::HTTP_11;
        Response::from_parts(parts, Either::Right(Answer::new(body, record)))
    }
}

type Unsent = hyper::client::conn::TrySendError<Request<super::outgoing::OutgoingBody>>;

pub(super) const fn version(version: Version) -> narrows_connect::Version {
    match version {
        Version::HTTP_10 => narrows_connect::Version::Http10,
        _ => narrows_connect::Version::Http11,
    }
}

/// Refuses responses that must not reach the client.
fn check(response: &Response<Incoming>, way: &Way<'_>) -> Result<(), Failure> {
    match response.status() {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED if let Some(upstream) = way.upstream() => {
            // A client that saw this would send the proxy credentials that are none of its business.
            let why = if upstream.rejected() {
                "the proxy rejected the configured credentials"
            } else if upstream.url().credentials().is_some() {
                "the proxy wants credentials; they go out with the next request"
            } else {
                "the proxy wants credentials, and none are configured"
            };
            Err(failed(
                way.hop(),
                ProxyError::HttpRequestDenied,
                why.to_owned(),
            ))
        }
        StatusCode::SWITCHING_PROTOCOLS => Err(failed(
            way.hop(),
            ProxyError::HttpProtocolError,
            format!("the {} switched protocols without being asked", way.hop()),
        )),
        _ => Ok(()),
    }
}

fn offers_basic(response: &Response<Incoming>) -> bool {
    response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED
        && response
            .headers()
            .get_all(PROXY_AUTHENTICATE)
            .iter()
            .any(|value| {
                value
                    .as_bytes()
                    .get(..5)
                    .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic"))
            })
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
    }
}
