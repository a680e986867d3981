//! CONNECT on a connection that has carried plain HTTP before.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use narrows_tunnel::{Leg, Transport};

use super::door::Door;
use super::exchange::version;
use super::{Body, Session, answer};
use crate::egress::Far;
use crate::observe::{Asked, Observe};
use crate::policy::{Grant, Policy};
use crate::setup::Setup;
use crate::tunnel::{Unanswered, judge_split};

impl<P: Policy, O: Observe> Session<P, O> {
    /// Serves a CONNECT that hyper has parsed, by the same rules as one that comes first.
    pub(super) async fn late_connect<S>(
        self: Arc<Self>,
        mut request: Request<Incoming>,
    ) -> Response<Body>
    where
        S: Transport + Send + 'static,
    {
        let judged = judge_split(request.uri(), version(request.version()), request.headers());
        let connect = match judged {
            Ok(connect) => connect,
            Err(failure) => {
                let asked_for = request.uri().to_string();
                let body = request.into_body();
                return self.refuse_head(&failure, &asked_for, body).await;
            }
        };
        let setup = self.shared.current();
        let asked = self.shared.asked(
            &setup,
            self.client,
            Method::CONNECT,
            connect.target.clone(),
            connect.version,
        );
        let unanswered = Unanswered::new(&self.shared, &asked);
        let opening = self.shared.open(&setup, &asked, &connect, &self.connection);
        let far = opening.await;
        unanswered.answered();
        let far = match far {
            Ok(far) => far,
            Err(failure) => {
                self.shared.refused(&asked, &failure);
                return answer(&setup, &failure);
            }
        };
        self.take_over::<S>(setup, asked, far, hyper::upgrade::on(&mut request));
        Response::new(Either::Left(Full::new(Bytes::new())))
    }

    /// Makes a tunnel of the connection as soon as hyper has answered and let go of it.
    fn take_over<S>(
        self: Arc<Self>,
        setup: Arc<Setup<P>>,
        asked: Asked,
        far: (Far, Grant),
        upgrade: OnUpgrade,
    ) where
        S: Transport + Send + 'static,
    {
        let live = Arc::clone(&self.shared.live);
        live.spawn(async move {
            let shared = &self.shared;
            let unanswered = Unanswered::new(shared, &asked);
            let upgraded = upgrade.await;
            unanswered.answered();
            match upgraded.ok().and_then(|upgraded| upgraded.downcast().ok()) {
                Some(parts) => {
                    let io: TokioIo<Door<S>> = parts.io;
                    let leg = rejoin(io.into_inner().into_leg(), parts.read_buf);
                    // The block ends before the wait: a long tunnel keeps no old rules, and is held once.
                    {
                        let tunnel = shared.tunnel(&setup, asked, leg, far);
                        drop(setup);
                        tunnel
                    }
                    .await;
                }
                None => shared.client_left(&asked),
            }
        });
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
