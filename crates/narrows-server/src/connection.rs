//! One client connection: which protocol it speaks, and who serves it.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use http::Method;
use narrows_endpoint::{Hop, Step};
use narrows_tunnel::{AcceptError, Leg, Transport, accept, refuse};
use pin_project_lite::pin_project;
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout_at};
use tracing::debug;

use crate::admission::Place;
use crate::live::Live;
use crate::observe::{Observe, Refused};
use crate::plain;
use crate::policy::Policy;
use crate::refusals::{self, Failure};
use crate::server::Shared;
use crate::setup::Setup;
use crate::tunnel::{CLIENT_LEFT, Tunnel};

/// Room for the request head that clients really send; longer ones make it grow.
const HEAD_HINT: usize = 512;

/// What a connection's first bytes say.
enum First {
    /// `CONNECT ` and the rest of a head.
    Connect,
    /// Another method: plain HTTP.
    Http,
    /// The client closed or failed before it had said enough.
    Left,
    /// Not HTTP at all.
    Other,
    /// Too little within the time for a head.
    Slow,
}

pin_project! {
    /// A connection that has become a tunnel; completes when that has ended.
    pub(crate) struct Placed<S: Transport, P: Policy, O: Observe> {
        #[pin]
        tunnel: Tunnel<S, P, O>,
        place: Place,
    }
}

impl<S: Transport, P: Policy, O: Observe> Future for Placed<S, P, O> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().tunnel.poll(cx)
    }
}

impl<P: Policy, O: Observe> Shared<P, O> {
    /// Serves a connection if there is a place for it, and says why if there is none.
    pub(crate) async fn admit<S>(
        self: Arc<Self>,
        io: S,
        client: SocketAddr,
        connection: P::Connection,
    ) -> Option<Placed<S, P, O>>
    where
        S: Transport + Send + 'static,
    {
        let reading = self.current();
        let failure = match self.place(&reading, client) {
            Ok(place) => {
                return self
                    .connection(io, client, connection, place, reading)
                    .await;
            }
            Err(failure) => failure,
        };
        match self.admission.enter_refusal() {
            Some(_place) => self.turn_away(io, client, &failure).await,
            None => self.head_refused(client, &failure, ""),
        }
        None
    }

    /// Serves one connection up to an open tunnel, which is left to the caller, or to its end.
    ///
    /// The head is read within the limits that held when the connection came; the request is judged by what
    /// holds when its head is there.
    ///
    /// This future is large and the tunnel's is small: who boxes this one keeps little while it carries.
    async fn connection<S>(
        self: Arc<Self>,
        mut io: S,
        client: SocketAddr,
        connection: P::Connection,
        place: Place,
        reading: Arc<Setup<P>>,
    ) -> Option<Placed<S, P, O>>
    where
        S: Transport + Send + 'static,
    {
        let deadline = Instant::now() + reading.settings.head_time;
        let mut buffer = BytesMut::with_capacity(HEAD_HINT);
        match first_bytes(&mut io, &mut buffer, deadline, &self.live).await {
            First::Connect => {
                let tunnel = self
                    .connect(io, buffer, client, &connection, deadline, reading)
                    .await?;
                return Some(Placed { tunnel, place });
            }
            First::Http => {
                let leg = Leg::new(io, buffer.freeze());
                Box::pin(plain::serve(self, leg, client, connection, place)).await;
            }
            First::Left if buffer.is_empty() => {}
            First::Left => self.nothing_read(client, CLIENT_LEFT, &left(buffer.len()).refusal),
            // No record: browsers open connections that they may never need.
            First::Slow if buffer.is_empty() => debug!(%client, "closed: nothing came in time"),
            First::Slow => self.turn_away(io, client, &too_slow(&reading)).await,
            First::Other => {
                self.turn_away(io, client, &refusals::not_http(&buffer))
                    .await;
            }
        }
        None
    }

    async fn connect<S>(
        self: &Arc<Self>,
        io: S,
        buffer: BytesMut,
        client: SocketAddr,
        connection: &P::Connection,
        deadline: Instant,
        reading: Arc<Setup<P>>,
    ) -> Option<Tunnel<S, P, O>>
    where
        S: Transport + Send,
    {
        match accept(io, buffer, &reading.settings.head, deadline).await {
            Ok(pending) => {
                let setup = self.current();
                let request = pending.request();
                let (target, version) = (request.target.clone(), request.version);
                let asked = self.asked(&setup, client, Method::CONNECT, target, version);
                return self.answer(&setup, pending, asked, connection).await;
            }
            Err(AcceptError::Rejected(rejected)) => {
                let failure = Failure::from(rejected.error());
                self.head_refused(
                    client,
                    &failure,
                    rejected.error().raw_target().unwrap_or(""),
                );
                // The record is written; a client that cannot be told has left.
                let name = &reading.settings.name;
                let _ = rejected.refuse(&failure.refusal, name).await;
            }
            Err(AcceptError::TimedOut { io }) => {
                self.turn_away(io, client, &too_slow(&reading)).await;
            }
            Err(AcceptError::Closed { received }) => {
                self.nothing_read(client, CLIENT_LEFT, &left(received).refusal);
            }
            Err(error) => self.nothing_read(
                client,
                CLIENT_LEFT,
                &Failure::head(CLIENT_LEFT, error.to_string()).refusal,
            ),
        }
        None
    }

    /// Answers a connection of which no request is known, and closes it.
    pub(crate) async fn turn_away<S>(&self, io: S, client: SocketAddr, failure: &Failure)
    where
        S: Transport + Send,
    {
        self.head_refused(client, failure, "");
        // The record is written; a client that cannot be told has left.
        let name = &self.current().settings.name;
        let _ = refuse(io, &failure.refusal, name).await;
    }

    /// Records a refusal before there is a valid target.
    pub(crate) fn head_refused(&self, client: SocketAddr, failure: &Failure, target: &str) {
        self.observer.refused(&Refused {
            asked: None,
            client,
            hop: failure.hop,
            id: self.next_id(&self.current()),
            identity: None,
            reason: &failure.refusal.detail,
            status: failure.refusal.status(),
            step: failure.step,
            target: &presentable(target),
        });
    }

    fn nothing_read(&self, client: SocketAddr, status: u16, refusal: &narrows_connect::Refusal) {
        self.observer.refused(&Refused {
            asked: None,
            client,
            hop: Hop::Client,
            id: self.next_id(&self.current()),
            identity: None,
            reason: &refusal.detail,
            status,
            step: Step::Head,
            target: "",
        });
    }
}

fn too_slow<P>(reading: &Setup<P>) -> Failure {
    refusals::too_slow(reading.settings.head_time.as_secs())
}

/// What may be logged of a text that was asked for: of a URI its scheme and authority, since a path or
/// query may hold a secret, and nothing that stands before an `@`.
fn presentable(asked: &str) -> Cow<'_, str> {
    let (scheme, rest) = match asked.find("://") {
        Some(at) => asked.split_at(at + 3),
        None => ("", asked),
    };
    let authority = match rest.find(['/', '?', '#']) {
        Some(end) if !scheme.is_empty() => &rest[..end],
        _ => rest,
    };
    match authority.rfind('@') {
        Some(at) => format!("{scheme}***{}", &authority[at..]).into(),
        None => asked[..scheme.len() + authority.len()].into(),
    }
}

fn left(received: usize) -> Failure {
    Failure::head(
        CLIENT_LEFT,
        format!("the client left after {received} octets of a request head"),
    )
}

/// Reads until it is clear what the client speaks; what was read stays in the buffer.
///
/// A client that has sent nothing a moment after the server began to drain has left, as far as the server
/// goes.
async fn first_bytes<S>(io: &mut S, buffer: &mut BytesMut, deadline: Instant, live: &Live) -> First
where
    S: Transport,
{
    loop {
        if let Some(first) = recognise(buffer) {
            return first;
        }
        let silent = buffer.is_empty();
        let read = async {
            tokio::select! {
                biased;
                read = io.read_buf(buffer) => read,
                () = live.drains_silent(), if silent => Ok(0),
            }
        };
        match timeout_at(deadline, read).await {
            Ok(Ok(0) | Err(_)) => return First::Left,
            Ok(Ok(_)) => {}
            Err(_) => return First::Slow,
        }
    }
}

/// The longest method that is worth waiting for; the registered ones have up to 17 octets
/// (UPDATEREDIRECTREF).
const LONGEST_METHOD: usize = 32;

fn recognise(bytes: &[u8]) -> Option<First> {
    const CONNECT: &[u8] = b"CONNECT ";
    // An empty line before a request is tolerated (RFC 9112 §2.2).
    let method = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
    if method.starts_with(CONNECT) {
        return Some(First::Connect);
    }
    if bytes == b"\r" {
        return None;
    }
    let token = method
        .iter()
        .take_while(|byte| is_token_char(**byte))
        .count();
    match method.get(token) {
        Some(b' ') if token > 0 => Some(First::Http),
        Some(_) => Some(First::Other),
        None if method.len() > LONGEST_METHOD => Some(First::Other),
        None => None,
    }
}

/// RFC 9110 §5.6.2.
fn is_token_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn recognises(bytes: &[u8], want: &str) {
        let got = match recognise(bytes) {
            Some(First::Connect) => "connect",
            Some(First::Http) => "http",
            Some(First::Other) => "other",
            Some(_) => unreachable!(),
            None => "more",
        };
        assert_eq!(got, want, "{:?}", bytes.escape_ascii().to_string());
    }

    #[test]
    fn secrets_stay_out_of_the_log() {
        for (asked, shown) in [
            ("example.com:443", "example.com:443"),
            ("user:pw@example.com:443", "***@example.com:443"),
            (
                "http://user:p@w@example.com/x?sig=1",
                "http://***@example.com",
            ),
            ("http://example.com/x?sig=secret", "http://example.com"),
            ("/x", "/x"),
            ("", ""),
        ] {
            assert_eq!(presentable(asked), shown, "{asked}");
        }
    }

    #[test]
    fn protocols_are_told_apart() {
        for n in 0..8 {
            recognises(&b"CONNECT example.com:443 HTTP/1.1"[..n], "more");
        }
        recognises(b"CONNECT example.com:443 HTTP/1.1", "connect");
        recognises(b"GET http://example.com/ HTTP/1.1", "http");
        recognises(b"\r\nGET http://example.com/ HTTP/1.1", "http");
        recognises(b"M-SEARCH * HTTP/1.1", "http");
        recognises(b"connect example.com:443 HTTP/1.1", "http");
        recognises(b"FOO_BAR http://example.com/ HTTP/1.1", "http");
        recognises(b"\r\nCONNECT example.com:443 HTTP/1.1", "connect");
        recognises(b"\r", "more");
        recognises(b"\r\n", "more");
        recognises(b"", "more");
        recognises(b"OPTIO", "more");
        recognises(b" GET / HTTP/1.1", "other");
        recognises(b"CONNECT\texample.com:443", "other");
        recognises(b"\x16\x03\x01\x02\x00", "other");
        recognises(b"\x05\x01\x00", "other");
        recognises(b"\x04\x01", "other");
        recognises(&[b'A'; 64], "other");
    }
}
