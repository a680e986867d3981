//! Asking one upstream after the other: for a tunnel, for the upstream itself, for the way to a gateway.

use std::sync::Arc;

use narrows_connect::Via;
use narrows_endpoint::Target;

use super::parking::Proof;
use super::tour::Tour;
use super::{Passage, Upstreams};
use crate::error::Path;
use crate::{Connected, DialError, Dialer, Upstream};

/// A connection by one of several upstreams.
#[derive(Debug)]
#[non_exhaustive]
pub struct Chosen {
    /// The connection.
    pub connected: Connected,
    /// The upstream that it goes through.
    pub passage: Passage,
}

impl Upstreams {
    /// Opens a tunnel to the target through the first upstream that does, for a request that has come this
    /// way.
    ///
    /// # Errors
    ///
    /// [`DialError`] of the last upstream that was asked, with those before it.
    ///
    /// # Cancel safety
    ///
    /// As [`Dialer::through`]. An upstream that was just being tried again is left to the next request.
    pub async fn forward(
        self: &Arc<Self>,
        dialer: &Dialer,
        target: &Target,
        via: &Via,
    ) -> Result<Chosen, DialError> {
        let mut tour = Tour::new(self, target, Proof::Alive);
        while let Some(turn) = tour.next() {
            let attempt = dialer.forward_through(turn.upstream(), target, via);
            let late = |upstream: &Upstream, elapsed, kind| {
                let proxy = upstream.endpoint().clone();
                let target = target.clone();
                DialError::new(Path::Through { proxy, target }, elapsed, kind)
            };
            match turn.run(attempt, late).await {
                Ok(connected) => {
                    let passage = tour.succeeded(turn, Proof::Opened);
                    return Ok(Chosen { connected, passage });
                }
                Err(error) => tour.failed(turn, error)?,
            }
        }
        Err(tour.failure())
    }

    /// Connects to the first upstream that can be reached, for plain HTTP to the target: in absolute form
    /// if the upstream [speaks HTTP](Upstream::takes_requests), else through a tunnel to the target.
    ///
    /// # Errors
    ///
    /// [`DialError`] of the last upstream that was tried, with those before it.
    ///
    /// # Cancel safety
    ///
    /// As [`forward`](Self::forward).
    pub async fn to_proxy(
        self: &Arc<Self>,
        dialer: &Dialer,
        target: &Target,
    ) -> Result<Chosen, DialError> {
        let mut tour = Tour::new(self, target, Proof::Reached);
        while let Some(turn) = tour.next() {
            let upstream = turn.upstream();
            let tunnel = !upstream.takes_requests();
            let attempt = async {
                if tunnel {
                    dialer.through(upstream, target).await
                } else {
                    dialer.to_proxy(upstream).await
                }
            };
            let late = |upstream: &Upstream, elapsed, kind| {
                DialError::new(Path::ToProxy(upstream.endpoint().clone()), elapsed, kind)
            };
            match turn.run(attempt, late).await {
                Ok(connected) => {
                    let proof = if tunnel {
                        Proof::Opened
                    } else {
                        Proof::Reached
                    };
                    let passage = tour.succeeded(turn, proof);
                    return Ok(Chosen { connected, passage });
                }
                Err(error) => tour.failed(turn, error)?,
            }
        }
        Err(tour.failure())
    }
}
