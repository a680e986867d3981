//! CONNECT over HTTP/2 (RFC 9113 §8.5): many tunnels on one client connection.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::request::Parts;
use http::{Method, Request, Response};
use narrows_connect::Version;
use narrows_tunnel::{Leg, Transport};
use narrows_upstream::window;
use tokio::time::{sleep, timeout};

use crate::admission::Place;
use crate::egress::Far;
use crate::observe::{Asked, Observe};
use crate::policy::{Grant, Policy};
use crate::refusals::Failure;
use crate::server::Shared;
use crate::setup::Setup;
use crate::tunnel::{Unanswered, judge_split};
use stream::H2Tunnel;
use windows::Windows;

mod stream;
mod windows;

/// Tunnels at a time on one connection; a client that wants more opens another. With the first windows all
/// of them may stall, and there is still room for others.
const STREAMS: u32 = window::BUDGET / window::FIRST;
/// How long a connection may stay without tunnels before it is told to go. Longer than clients keep
/// sessions ready, so that it only meets those that have forgotten theirs, or are gone.
const IDLE: Duration = Duration::from_secs(900);
/// As [`IDLE`], before anyone was let through: long enough for a session that is made ahead of use, and
/// too short to take all places by saying nothing.
const UNPROVEN: Duration = Duration::from_secs(120);
type H2<S> = Connection<S, Bytes>;

/// What the tunnels of a client connection share.
struct Session<P: Policy, O: Observe> {
    /// Whether there was ever a tunnel.
    carried: AtomicBool,
    client: SocketAddr,
    connection: P::Connection,
    /// Given back when the connection and its last tunnel have ended.
    _place: Place,
    shared: Arc<Shared<P, O>>,
    windows: Arc<Windows>,
}

/// Serves a client connection until it ends. What abuses the protocol (streams that are opened and reset
/// in masses, floods of settings, pings and continuations) ends the connection, by the limits of the
/// `h2` crate; what is wrong with one request ends that stream.
pub(crate) async fn serve<S, P, O>(
    shared: Arc<Shared<P, O>>,
    io: S,
    client: SocketAddr,
    connection: P::Connection,
    place: Place,
) where
    S: Transport + Send + 'static,
    P: Policy,
    O: Observe,
{
    let first = shared.current();
    let mut builder = Builder::new();
    builder
        .initial_connection_window_size(window::CONNECTION)
        .initial_window_size(window::FIRST)
        .max_concurrent_streams(STREAMS)
        .max_frame_size(window::FRAME)
        .max_header_list_size(u32::try_from(first.settings.head.max_bytes).unwrap_or(u32::MAX))
        .max_send_buffer_size(window::SEND_BUFFER);
    let handshake = timeout(first.settings.head_time, builder.handshake(io)).await;
    drop(first);
    // A client that does not speak HTTP/2 after agreeing to it has asked for nothing.
    let Ok(Ok(mut h2)) = handshake else { return };
    let session = Arc::new(Session {
        carried: AtomicBool::new(false),
        client,
        connection,
        _place: place,
        shared,
        windows: Arc::new(Windows::new()),
    });
    if let Some(pings) = h2.ping_pong() {
        let windows = Arc::clone(&session.windows);
        tokio::spawn(async move { windows.measure(pings).await });
    }
    while let Some((request, respond)) = session.next(&mut h2).await {
        let session = Arc::clone(&session);
        let live = Arc::clone(&session.shared.live);
        live.spawn(async move { session.stream(request, respond).await });
    }
}

impl<P: Policy, O: Observe> Session<P, O> {
    /// The next request; `None` when the connection has ended. Driving it is what moves the bytes of its
    /// tunnels too.
    async fn next<S: Transport>(
        self: &Arc<Self>,
        h2: &mut H2<S>,
    ) -> Option<(Request<RecvStream>, SendResponse<Bytes>)> {
        let accepted = tokio::select! {
            accepted = self.accept(h2) => accepted,
            () = self.shared.live.drains() => {
                h2.graceful_shutdown();
                self.accept(h2).await
            }
            () = self.is_idle() => {
                h2.graceful_shutdown();
                // A client that is gone answers nothing.
                let patience = self.shared.current().settings.head_time;
                timeout(patience, self.accept(h2)).await.ok()?
            }
        };
        let request = accepted?;
        if let Err(error) = &request {
            self.broken(error);
        }
        request.ok()
    }

    /// As `h2`'s own, and sees to the windows meanwhile.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    async fn accept<S: Transport>(
        &self,
        h2: &mut H2<S>,
    ) -> Option<Result<(Request<RecvStream>, SendResponse<Bytes>), h2::Error>> {
        loop {
            tokio::select! {
                accepted = h2.accept() => return accepted,
                () = self.windows.changed() => self.windows.resize(h2),
            }
        }
    }

    /// Completes when there has been no tunnel for a while.
    async fn is_idle(self: &Arc<Self>) {
        loop {
            let patience = self.patience();
            sleep(patience).await;
            // Each request holds the session.
            if Arc::strong_count(self) == 1 && patience == self.patience() {
                return;
            }
        }
    }

    fn patience(&self) -> Duration {
        if self.carried.load(Ordering::Relaxed) {
            IDLE
        } else {
            UNPROVEN
        }
    }

    /// Records that this server ended the connection, because the client broke the protocol or abused it.
    fn broken(&self, error: &h2::Error) {
        let reason = error.reason().filter(|_| error.is_library());
        let Some(reason) = reason.filter(|_| error.is_go_away()) else {
            // The client ended it, or the network did; its tunnels have records of their own.
            return;
        };
        let detail = format!("the HTTP/2 connection was ended with {reason:?}: {reason}");
        self.shared
            .head_refused(self.client, &Failure::head(400, detail), "");
    }

    /// Serves one request to its end.
    async fn stream(&self, request: Request<RecvStream>, mut respond: SendResponse<Bytes>) {
        let setup = self.shared.current();
        let (head, receive) = request.into_parts();
        if head.method == Method::CONNECT && head.uri.authority().is_none() {
            // Malformed by RFC 9113 §8.5: an error of this stream, not of the connection.
            let failure = Failure::head(400, "CONNECT without :authority");
            self.shared.head_refused(self.client, &failure, "");
            return respond.send_reset(Reason::PROTOCOL_ERROR);
        }
        let connect = match judge(&head) {
            Ok(connect) => connect,
            Err(failure) => {
                let asked_for = head.uri.to_string();
                self.shared.head_refused(self.client, &failure, &asked_for);
                return refuse(&setup, respond, &failure);
            }
        };
        let asked = self.shared.asked(
            &setup,
            self.client,
            Method::CONNECT,
            connect.target.clone(),
            connect.version,
        );
        let opened = match self.shared.place(&setup, self.client) {
            Ok(place) => self
                .open(&setup, &asked, &connect, &mut respond)
                .await
                .map(|far| far.map(|far| (far, place))),
            Err(failure) => Some(Err(failure)),
        };
        match opened {
            None => self.shared.client_left(&asked),
            Some(Err(failure)) => {
                self.shared.refused(&asked, &failure);
                refuse(&setup, respond, &failure);
            }
            // A response without headers has nothing that could be refused but the stream's end.
            Some(Ok((far, _place))) => match respond.send_response(Response::new(()), false) {
                Ok(send) => {
                    self.carried.store(true, Ordering::Relaxed);
                    let client = Leg::from(H2Tunnel::new(send, receive, self.windows.share()));
                    // The block ends before the wait: a long tunnel keeps no old rules, and is held once.
                    {
                        let tunnel = self.shared.tunnel(&setup, asked, client, far);
                        drop(setup);
                        tunnel
                    }
                    .await;
                }
                Err(_) => self.shared.client_left(&asked),
            },
        }
    }

    /// Decides and opens the far side; `None` when the client resets the stream meanwhile. Without that,
    /// a client could start any number of dials by resetting its streams.
    async fn open(
        &self,
        setup: &Setup<P>,
        asked: &Asked,
        request: &narrows_connect::Request,
        respond: &mut SendResponse<Bytes>,
    ) -> Option<Result<(Far, Grant), Failure>> {
        let unanswered = Unanswered::new(&self.shared, asked);
        let opening = self.shared.open(setup, asked, request, &self.connection);
        let opened = tokio::select! {
            opened = Box::pin(opening) => Some(opened),
            _ = poll_fn(|cx| respond.poll_reset(cx)) => None,
        };
        unanswered.answered();
        opened
    }
}

/// Answers with a refusal and ends the stream.
fn refuse<P>(setup: &Setup<P>, mut respond: SendResponse<Bytes>, failure: &Failure) {
    let refusal = &failure.refusal;
    let mut response = Response::builder().status(refusal.status());
    for (name, value) in refusal.headers(&setup.settings.name) {
        // HTTP/2 has no connection-specific fields (RFC 9113 §8.2.2).
        if name != "Connection" {
            response = response.header(name, value);
        }
    }
    let Ok(response) = response.body(()) else {
        return;
    };
    // The record is written; a client that cannot be told has left.
    if let Ok(mut send) = respond.send_response(response, false) {
        let _ = send.send_data(Bytes::from(refusal.body()), true);
    }
}

/// Judges a request head by the rules for CONNECT.
fn judge(head: &Parts) -> Result<narrows_connect::Request, Failure> {
    if head.method != Method::CONNECT {
        return Err(Failure::head(405, "only CONNECT is served over HTTP/2"));
    }
    judge_split(&head.uri, Version::Http2, &head.headers)
}
