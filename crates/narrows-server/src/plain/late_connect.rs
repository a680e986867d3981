//! CONNECT on a connection that has carried plain HTTP before.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use narrows_connect::check_connect;
use narrows_tunnel::{Leg, Transport};

use super::door::Door;
use super::exchange::version;
use super::{Body, Session};
use crate::observe::{Asked, Observe};
use crate::policy::Policy;
use crate::refusals::Failure;
use crate::tunnel::Unanswered;

impl<P: Policy, O: Observe> Session<P, O> {
    /// Serves a CONNECT that hyper has parsed, by the same rules as one that comes first.
    pub(super) async fn late_connect<S>(
        self: Arc<Self>,
        mut request: Request<Incoming>,
    ) -> Response<Body>
    where
        S: Transport + Send + 'static,
    {
        // hyper reads ports such as `+443` as numbers, so the text is judged, not its reading.
        let authority = request
            .uri()
            .authority()
            .map_or("", |authority| authority.as_str());
        let headers = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        let connect = match check_connect(authority, version(request.version()), headers) {
            Ok(connect) => connect,
            Err(error) => {
                let asked_for = request.uri().to_string();
                let body = request.into_body();
                return self
                    .refuse_head(&Failure::from(&error), &asked_for, body)
                    .await;
            }
        };
        let asked = Asked {
            client: self.client,
            id: self.shared.next_id(),
            target: connect.target,
            version: connect.version,
        };
        let authorization = connect.proxy_authorization.as_ref();
        let unanswered = Unanswered::new(&self.shared, &asked);
        let far = self
            .shared
            .open(&asked, authorization, &self.connection)
            .await;
        unanswered.answered();
        let far = match far {
            Ok(far) => far,
            Err(failure) => {
                self.shared.refused(&asked, &failure);
                return self.answer(&failure);
            }
        };
        let upgrade = hyper::upgrade::on(&mut request);
        let session = Arc::clone(&self);
        self.shared.live.spawn(async move {
            let shared = &session.shared;
            let unanswered = Unanswered::new(shared, &asked);
            let upgraded = upgrade.await;
            unanswered.answered();
            match upgraded.ok().and_then(|upgraded| upgraded.downcast().ok()) {
                Some(parts) => {
                    let io: TokioIo<Door<S>> = parts.io;
                    let leg = rejoin(io.into_inner().into_leg(), parts.read_buf);
                    shared.tunnel(asked, leg, far).run().await;
                }
                None => shared.client_left(&asked),
            }
        });
        Response::new(Either::Left(Full::new(Bytes::new())))
    }
}

/// What hyper has read beyond the head comes before what it has not.
fn rejoin<S>(leg: Leg<S>, read: Bytes) -> Leg<S> {
    let early = if leg.early.is_empty() {
        read
    } else {
        Bytes::from([read, leg.early].concat())
    };
    Leg::new(leg.io, early)
}
