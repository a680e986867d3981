//! CONNECT through an upstream proxy, and the dance with its credentials.

use narrows_connect::Via;
use narrows_endpoint::Target;
use tokio::time::{Instant, timeout};

use super::{Connected, Dialer};
use crate::answer::ProxyAnswer;
use crate::error::{AuthenticationFault, DialError, DialErrorKind, Path};
use crate::exchange::{Answer, exchange, read_refusal};
use crate::upstream::Offered;
use crate::{Authorization, ProxyScheme, Upstream};

/// The status by which a proxy asks for credentials.
const PROXY_AUTHENTICATION_REQUIRED: u16 = 407;

/// How one CONNECT through the proxy ended, errors apart.
enum Outcome {
    Open(Connected),
    /// 407; whether credentials had been sent, and what is offered.
    Challenged(Box<ProxyAnswer>, bool, Offered),
}

impl Dialer {
    /// Opens a tunnel to the target through the proxy, by CONNECT.
    ///
    /// The target's name is left to the proxy to resolve. When it answers 407 and offers a scheme by
    /// which credentials may be sent (see [`Upstream`]), a second connection brings them; a SOCKS5 proxy
    /// gets them when it chooses so. Until the proxy has
    /// answered with a 2xx nothing but CONNECT heads is sent to it: the stream is only handed out then.
    ///
    /// # Errors
    ///
    /// [`DialError`]: the proxy could not be reached, refused, or answered badly or not at all.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future closes every socket it had opened. If credentials were on their
    /// way just then, what the proxy thought of them is not learnt.
    pub async fn through(&self, proxy: &Upstream, target: &Target) -> Result<Connected, DialError> {
        self.forward_through(proxy, target, &Via::default()).await
    }

    /// As [`through`](Self::through), for a request that has come this way; the proxy is told, so that a
    /// loop can be found.
    ///
    /// # Errors
    ///
    /// As [`through`](Self::through).
    ///
    /// # Cancel safety
    ///
    /// As [`through`](Self::through).
    pub async fn forward_through(
        &self,
        proxy: &Upstream,
        target: &Target,
        via: &Via,
    ) -> Result<Connected, DialError> {
        let start = Instant::now();
        let opened = self.open_tunnel(proxy, target, via).await;
        let opened = opened.map_err(|kind| {
            let path = Path::Through {
                proxy: proxy.endpoint().clone(),
                target: target.clone(),
            };
            DialError::new(path, start.elapsed(), kind)
        });
        proxy.note_outcome(start.elapsed(), opened.as_ref().err());
        opened
    }

    pub(super) async fn open_tunnel(
        &self,
        proxy: &Upstream,
        target: &Target,
        via: &Via,
    ) -> Result<Connected, DialErrorKind> {
        use AuthenticationFault as Fault;
        if proxy.url().scheme() == ProxyScheme::Socks5 {
            return self.open_by_socks(proxy, target).await;
        }
        let give_up = |fault, answer| Err(DialErrorKind::Authentication(fault, answer));
        let mut authorization = proxy.authorize(false).await;
        let mut renewed = false;
        loop {
            let ask = self.connect_through(proxy, target, via, authorization);
            let (answer, sent, offered) = match ask.await? {
                Outcome::Open(connected) => return Ok(connected),
                Outcome::Challenged(answer, sent, offered) => (answer, sent, offered),
            };
            match (sent, offered.stale) {
                (true, false) => return give_up(Fault::Rejected, answer),
                (true, true) if renewed => return give_up(Fault::Stale, answer),
                (true, true) => renewed = true,
                (false, _) => {}
            }
            if !proxy.has_credentials() {
                return give_up(Fault::NotConfigured, answer);
            }
            if !offered.usable {
                return give_up(Fault::NotOffered, answer);
            }
            authorization = proxy.authorize(true).await;
            if !authorization.is_granted() {
                let fault = if proxy.rejected() {
                    Fault::RejectedBefore
                } else {
                    Fault::Untried
                };
                return give_up(fault, answer);
            }
        }
    }

    /// One connection, one CONNECT.
    async fn connect_through(
        &self,
        proxy: &Upstream,
        target: &Target,
        via: &Via,
        authorization: Authorization<'_>,
    ) -> Result<Outcome, DialErrorKind> {
        let mut connected = self.connect_proxy(proxy).await?;
        let value = authorization.header("CONNECT", &target.to_string());
        let exchange = exchange(
            &mut connected.io,
            target,
            via,
            value.as_deref(),
            &self.limits,
        );
        let answer = timeout(self.timeouts.request, exchange).await;
        match answer.map_err(|_| DialErrorKind::Silent)?? {
            Answer::Open(early) => {
                authorization.conclude(200);
                connected.early = early;
                Ok(Outcome::Open(connected))
            }
            Answer::Refused(response, body) => {
                let sent = value.is_some();
                let mut offered = Offered::default();
                if response.status == PROXY_AUTHENTICATION_REQUIRED {
                    let values = response.authenticate.iter().map(String::as_bytes);
                    offered = proxy.note_offers(values);
                }
                // Before the body: what the proxy thinks of the credentials must not get lost.
                if sent && offered.stale {
                    drop(authorization);
                } else {
                    authorization.conclude(response.status);
                }
                let answer = read_refusal(&mut connected.io, *response, body).await;
                match answer.status {
                    PROXY_AUTHENTICATION_REQUIRED => Ok(Outcome::Challenged(answer, sent, offered)),
                    _ => Err(DialErrorKind::Answered(answer)),
                }
            }
        }
    }
}
