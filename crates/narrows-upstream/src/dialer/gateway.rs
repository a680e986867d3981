//! The TCP side of the way to a gateway.

use narrows_connect::{Limits, Via};
use narrows_endpoint::Target;
use tokio::time::Instant;

use super::{Connected, Dialer};
use crate::error::{DialError, Path};
use crate::{Timeouts, Upstream};

impl Dialer {
    /// Connects to a gateway, or opens a tunnel to it through the proxy. Its address was configured, so no
    /// judge is asked.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future closes every socket it had opened.
    pub(crate) async fn to_gateway(
        &self,
        gateway: &Target,
        upstream: Option<&Upstream>,
    ) -> Result<Connected, DialError> {
        let start = Instant::now();
        let (path, outcome) = match upstream {
            None => {
                let path = Path::Gateway {
                    gateway: gateway.clone(),
                    proxy: None,
                    target: None,
                };
                (path, self.connect_configured(gateway).await)
            }
            Some(proxy) => {
                let path = Path::ProxyToGateway {
                    proxy: proxy.endpoint().clone(),
                    gateway: gateway.clone(),
                };
                (
                    path,
                    self.open_tunnel(proxy, gateway, &Via::default()).await,
                )
            }
        };
        let outcome = outcome.map_err(|kind| DialError::new(path, start.elapsed(), kind));
        if let Some(proxy) = upstream {
            proxy.note_outcome(start.elapsed(), outcome.as_ref().err());
        }
        outcome
    }

    pub(crate) const fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }
}
