//! The nested CONNECT on whichever session there is, and the second try when that was dead.

use bytes::Bytes;
use narrows_connect::Via;
use narrows_endpoint::Target;
use tokio::time::{Instant, timeout};

use super::lease::Lease;
use super::session::Refusal;
use super::{GatewayConnected, GatewayStream, Shared, Spoken, h1};
use crate::answer::ProxyAnswer;
use crate::dialer::Dialer;
use crate::error::{AuthenticationFault, DialError, DialErrorKind};
use crate::facts::Stage;

/// How often a tunnel is tried again on another session after one died under it: a shared session may be
/// draining, and so may the next.
const RETRIES: usize = 2;
/// The status by which a gateway asks for credentials.
const PROXY_AUTHENTICATION_REQUIRED: u16 = 407;

impl Shared {
    /// Opens a tunnel.
    pub(super) async fn open(
        &self,
        dialer: &Dialer,
        target: &Target,
        via: &Via,
    ) -> Result<GatewayConnected, DialError> {
        let start = Instant::now();
        if let Some(answer) = self.rejected_before() {
            let fault = AuthenticationFault::RejectedBefore;
            return Err(self.error(
                Some(target),
                start,
                DialErrorKind::Authentication(fault, answer),
            ));
        }
        let mut retries = RETRIES;
        loop {
            let lease = self.lease(dialer, retries < RETRIES).await?;
            let own_and_fresh = matches!(lease, Lease::H1 { fresh: true, .. });
            let start = Instant::now();
            let answer = timeout(
                dialer.timeouts().request,
                self.connect(lease, dialer, target, via),
            )
            .await;
            let kind = match answer {
                Ok(Ok(connected)) => {
                    self.facts.note(Stage::Connect, start.elapsed(), None);
                    return Ok(connected);
                }
                Ok(Err(Refusal::Died(_))) if retries > 0 && !own_and_fresh => {
                    retries -= 1;
                    continue;
                }
                Ok(Err(Refusal::Answered(answer))) => self.answered(answer),
                Ok(Err(Refusal::Died(kind) | Refusal::Failed(kind))) => kind,
                Err(_) => DialErrorKind::Silent,
            };
            let error = self.error(Some(target), start, kind);
            self.facts
                .note(Stage::Connect, start.elapsed(), Some(&error));
            return Err(error);
        }
    }

    /// One CONNECT on one session.
    async fn connect(
        &self,
        lease: Lease,
        dialer: &Dialer,
        target: &Target,
        via: &Via,
    ) -> Result<GatewayConnected, Refusal> {
        let authorization = self.authorization.as_ref();
        match lease {
            Lease::H1 { mut session, fresh } => {
                let value = authorization.and_then(|value| value.to_str().ok());
                let early = h1::connect(&mut session, target, via, value, dialer.limits()).await?;
                Ok(GatewayConnected {
                    peer: session.peer,
                    io: GatewayStream::h1(session.io),
                    early,
                    spoken: Spoken::H1,
                    warm: !fresh,
                    verdict: None,
                })
            }
            Lease::H2 { slot, fresh } => Ok(GatewayConnected {
                peer: slot.peer(),
                io: GatewayStream::h2(slot.connect(target, via, authorization).await?),
                early: Bytes::new(),
                spoken: Spoken::H2,
                warm: !fresh,
                verdict: None,
            }),
        }
    }

    /// What a refusal means; a 407 is remembered.
    pub(super) fn answered(&self, answer: Box<ProxyAnswer>) -> DialErrorKind {
        if answer.status != PROXY_AUTHENTICATION_REQUIRED {
            return DialErrorKind::Answered(answer);
        }
        let fault = match &self.config.credentials {
            None => AuthenticationFault::NotConfigured,
            Some(credentials) => {
                self.standing.reject(answer.clone());
                if answer.schemes.is_empty() || answer.offers(credentials.scheme()) {
                    AuthenticationFault::Rejected
                } else {
                    AuthenticationFault::NotOffered
                }
            }
        };
        DialErrorKind::Authentication(fault, answer)
    }

    pub(super) fn rejected_before(&self) -> Option<Box<ProxyAnswer>> {
        self.standing.rejected(self.config.credentials.as_ref()?)
    }
}
