//! Plain HTTP in absolute form (RFC 9112 §3.2.2): certificate revocation lists, package downloads.
//!
//! hyper is the one parser of framing on both sides: what is forwarded is built anew from what it
//! understood, never copied through.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use narrows_tunnel::{Leg, Transport};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::admission::Place;
use crate::observe::Observe;
use crate::policy::Policy;
use crate::refusals::{self, Failure};
use crate::server::Shared;
use crate::setup::Setup;
use crate::tunnel::CLIENT_LEFT;
use answer::Answer;
use door::{Door, Progress};
use far::FarLeg;
use outgoing::LINGER;
use upload::{Fault, Upload};

mod answer;
mod door;
mod exchange;
mod far;
mod head;
mod late_connect;
mod outgoing;
mod prefixed;
mod upload;

/// The body of every response that a client gets.
type Body = Either<Full<Bytes>, Answer>;

/// hyper refuses to work with a smaller buffer for heads.
const SMALLEST_BUFFER: usize = 8192;

/// A client connection that speaks plain HTTP.
struct Session<P: Policy, O: Observe> {
    client: SocketAddr,
    /// What the policy is told about the connection.
    connection: P::Connection,
    /// The connection of the last exchange, for the next one to the same place.
    kept: Mutex<Option<FarLeg>>,
    /// How far the client has come with its next request.
    progress: Progress,
    /// Given back when the connection ends, or the tunnel that took it over.
    _place: Place,
    shared: Arc<Shared<P, O>>,
}

/// Serves a client connection until it closes or becomes a tunnel.
pub(crate) async fn serve<S, P, O>(
    shared: Arc<Shared<P, O>>,
    leg: Leg<S>,
    client: SocketAddr,
    connection: P::Connection,
    place: Place,
) where
    S: Transport + Send + 'static,
    P: Policy,
    O: Observe,
{
    let progress = Progress::default();
    let first = shared.current();
    let door = Door::new(leg, first.settings.name.clone(), progress.clone());
    let session = Arc::new(Session {
        progress: progress.clone(),
        client,
        connection,
        kept: Mutex::new(None),
        _place: place,
        shared: Arc::clone(&shared),
    });
    let service = service_fn(move |request| {
        let session = Arc::clone(&session);
        async move { Ok::<_, Infallible>(session.serve_request::<S>(request).await) }
    });
    let (head_time, head_bytes) = (first.settings.head_time, first.settings.head.max_bytes);
    // A connection may be kept for long, and judges nothing by it.
    drop(first);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_time)
        .max_buf_size(head_bytes.max(SMALLEST_BUFFER))
        .auto_date_header(false)
        .preserve_header_case(true)
        .serve_connection(TokioIo::new(door), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = shared.live.drains() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        record_unparsed(&shared, client, &error, head_time, progress.in_head());
    }
}

/// hyper ends a connection by itself when it cannot parse what comes; the record is ours to write.
///
/// `in_head` says whether part of a head had come: without it a client has only gone, or waited for too
/// long, between two requests.
fn record_unparsed<P: Policy, O: Observe>(
    shared: &Shared<P, O>,
    client: SocketAddr,
    error: &hyper::Error,
    head_time: Duration,
    in_head: bool,
) {
    let failure = if error.is_parse_too_large() {
        Failure::head(431, "the request head is too large")
    } else if error.is_parse() {
        Failure::head(400, format!("the request is malformed: {error}"))
    } else if !in_head {
        // Whatever was under way has a record of its own.
        return;
    } else if error.is_timeout() {
        refusals::too_slow(head_time.as_secs())
    } else {
        Failure::head(
            CLIENT_LEFT,
            "the client left in the middle of a request head",
        )
    };
    shared.head_refused(client, &failure, "");
}

impl<P: Policy, O: Observe> Session<P, O> {
    async fn serve_request<S>(self: Arc<Self>, request: Request<Incoming>) -> Response<Body>
    where
        S: Transport + Send + 'static,
    {
        self.progress.begin();
        if request.method() == Method::CONNECT {
            return self.late_connect::<S>(request).await;
        }
        self.exchange(request).await
    }

    /// Records a request that is refused before there is a valid target, and answers it.
    async fn refuse_head(&self, failure: &Failure, target: &str, body: Incoming) -> Response<Body> {
        self.shared.head_refused(self.client, failure, target);
        let unsent = Upload::new(body, Fault::default());
        let _ = timeout(LINGER, unsent.discard()).await;
        answer(&self.shared.current(), failure)
    }
}

/// The answer that says why a request came to nothing.
///
/// It closes the connection: a refused CONNECT must (RFC 9931), and after a refused request there may be a
/// body on its way that nobody wants.
fn answer<P>(setup: &Setup<P>, failure: &Failure) -> Response<Body> {
    let refusal = &failure.refusal;
    let mut response = Response::new(Either::Left(Full::from(refusal.body())));
    if let Ok(status) = hyper::StatusCode::from_u16(refusal.status()) {
        *response.status_mut() = status;
    }
    for (name, value) in refusal.headers(&setup.settings.name) {
        head::append(response.headers_mut(), name, &value);
    }
    response
}
