//! [`GatewayPolicy`]: who may go where through which gateway.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use narrows_connect::{ProxyError, Refusal};
use narrows_endpoint::{Route, Target};
use narrows_server::{Action, Grant, Policy, Request, Terms};
use narrows_service::watched::Watched;
use rustls::pki_types::{CertificateDer, UnixTime};

use crate::attempts::Attempts;
use crate::auth::{AuthError, Authenticator, Proof};
use crate::certificates::CertificateError;
use crate::definition::GatewayName;
use crate::identity::Identity;
use crate::judge::GatewayJudge;
use crate::jwt::Jwt;
use crate::own::Own;
use crate::registry::{Gateway, Registry};
use crate::tls::Tls;
use crate::tokens::Tokens;
use crate::usage::{Full, seconds};

/// What is known about a connection since its TLS handshake.
#[derive(Debug, Default)]
pub struct Peer {
    /// The client certificate and its chain, if one was shown; nobody has judged it yet.
    pub chain: Vec<CertificateDer<'static>>,
    /// The gateway that the client named; without one nothing is carried.
    pub gateway: Option<GatewayName>,
}

/// Who may go where through which gateway: authentication, features, limits, in this order.
///
/// Definitions, tokens and keys are looked up for each request, so a change holds from the next request
/// on, also on connections that are open.
#[derive(Debug)]
pub struct GatewayPolicy {
    /// Whether a request without credentials is let in.
    pub anonymous: bool,
    /// Failed attempts to log in.
    pub attempts: Attempts,
    /// The gateways.
    pub gateways: Arc<Watched<Registry>>,
    /// Keys for JWTs.
    pub jwt: Option<Arc<Watched<Jwt>>>,
    /// How long a tunnel may last.
    pub lifetime: Option<Duration>,
    /// What is never dialled.
    pub own: Arc<Own>,
    /// What judges client certificates.
    pub tls: Arc<Watched<Tls>>,
    /// Bearer tokens.
    pub tokens: Arc<Watched<Tokens>>,
}

impl Policy for GatewayPolicy {
    type Connection = Peer;

    fn decide(&self, request: &Request<'_, Peer>) -> Action {
        let gateways = self.gateways.load();
        let named = request.connection.gateway.as_ref();
        let Some(gateway) = named.and_then(|name| gateways.by_name(name)) else {
            return Action::Refuse(no_gateway());
        };
        let decided = self
            .identify(request, gateway)
            .and_then(|who| self.judge(request.target, gateway, &gateways, &who));
        match decided {
            Ok(terms) => Action::Forward(Grant::new(Route::Direct).with_terms(terms)),
            Err(refusal) => Action::Refuse(refusal),
        }
    }
}

impl GatewayPolicy {
    fn identify(
        &self,
        request: &Request<'_, Peer>,
        gateway: &Gateway,
    ) -> Result<Identity, Refusal> {
        let (tokens, jwt) = (self.tokens.load(), self.jwt.as_ref().map(|jwt| jwt.load()));
        let authenticator = Authenticator {
            anonymous: self.anonymous,
            jwt: jwt.as_ref().map(|jwt| &***jwt),
            tokens: &tokens,
        };
        let certificate = match request.authorization {
            // It counts for nothing beside a header.
            Some(_) => None,
            None => self.certificate(&request.connection.chain),
        };
        let proof = Proof {
            authorization: request.authorization,
            certificate: certificate.as_ref(),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        authenticator
            .identify(
                &proof,
                &gateway.definition,
                now.unwrap_or_default().as_secs(),
            )
            .map_err(|error| self.stranger(&error, request.client.ip(), authenticator.challenge()))
    }

    /// Who a client certificate says its holder is, by the authorities and lists of now: one that is revoked
    /// or expires meanwhile opens no more tunnels on a connection that is open.
    fn certificate(
        &self,
        chain: &[CertificateDer<'_>],
    ) -> Option<Result<Identity, CertificateError>> {
        if chain.is_empty() {
            return None;
        }
        let tls = self.tls.load();
        let clients = tls.clients.as_ref()?;
        Some(clients.judge(chain, UnixTime::now()))
    }

    /// The answer to a client that is not let in.
    fn stranger(&self, error: &AuthError, client: IpAddr, challenge: &str) -> Refusal {
        // A request without credentials guesses nothing: many clients send the first one so.
        let slow = match error {
            AuthError::Nothing => Ok(()),
            _ => self.attempts.failed(client, Instant::now()),
        };
        match slow {
            Ok(()) => Refusal {
                challenge: Some(challenge.to_owned()),
                ..denied(407, format!("authentication failed: {error}"))
            },
            Err(wait) => Refusal {
                retry_after: Some(seconds(wait)),
                ..denied(429, format!("authentication failed too often: {error}"))
            },
        }
    }

    fn judge(
        &self,
        target: &Target,
        gateway: &Gateway,
        gateways: &Registry,
        who: &Identity,
    ) -> Result<Terms, Refusal> {
        let name = &gateway.definition.name;
        if target
            .host()
            .name()
            .is_some_and(|host| gateways.by_endpoint(host).is_some())
        {
            let detail = format!("{target} is denied for {who}: it is this gateway itself");
            return Err(Refusal {
                error: Some(ProxyError::ProxyLoopDetected),
                ..denied(403, detail)
            });
        }
        let Some(decision) = gateway.carries.target(target) else {
            let why = format!("no feature of gateway {name} carries it");
            return Err(denied(403, format!("{target} is denied for {who}: {why}")));
        };
        let place = gateway
            .usage
            .enter(who, &gateway.definition.narrows, Instant::now());
        let place = place.map_err(|full| busy(who, &full))?;
        let identity: Arc<str> = who.to_string().into();
        Ok(Terms {
            hold: Some(Box::new(place)),
            identity: Some(Arc::clone(&identity)),
            judge: Some(Arc::new(GatewayJudge {
                carries: Arc::clone(&gateway.carries),
                identity,
                own: Arc::clone(&self.own),
            })),
            lifetime: self.lifetime,
            rule: Some(format!("gateway {name}, {}", decision.reason()).into()),
            would_deny: None,
        })
    }
}

/// The answer when the gateway that a connection was made for is no more, or never was.
fn no_gateway() -> Refusal {
    denied(421, "no gateway is served under this name")
}

fn busy(who: &Identity, full: &Full) -> Refusal {
    let status = match full {
        Full::GatewayOpens(_) | Full::IdentityOpens(_) => 429,
        _ => 503,
    };
    Refusal {
        error: Some(ProxyError::ConnectionLimitReached),
        retry_after: Some(full.retry_after()),
        ..denied(status, format!("no more tunnels for {who}: {full}"))
    }
}

fn denied(status: u16, detail: impl Into<String>) -> Refusal {
    Refusal {
        error: Some(ProxyError::HttpRequestDenied),
        ..Refusal::new(status, detail)
    }
}
