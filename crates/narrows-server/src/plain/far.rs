//! The connection to the server that answers, or to the proxy that asks it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use narrows_endpoint::{Hop, Route, Target};
use narrows_log::Via;
use narrows_tunnel::Leg;
use narrows_upstream::Upstream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::sleep;

use super::outgoing::OutgoingBody;
use super::prefixed::Prefixed;
use crate::egress::{Fallback, Far, FarIo};

/// A connection that takes requests, one after the other.
pub(super) struct FarLeg {
    pub(super) meter: Arc<Meter>,
    pub(super) peer: SocketAddr,
    /// The proxy that takes the requests, if it is one.
    pub(super) proxy: Option<Arc<Upstream>>,
    pub(super) sender: SendRequest<OutgoingBody>,
    pub(super) leads: Leads,
    pub(super) fallback: Option<Fallback>,
    pub(super) hop: Hop,
    pub(super) via: Via,
}

/// Where a connection leads: it is only ever used for what it was opened for.
pub(super) struct Leads {
    /// Of the setup whose egress opened it: another one may have another way for the same route.
    pub(super) generation: u64,
    pub(super) route: Route,
    pub(super) target: Target,
}

/// Octets that went over a connection.
#[derive(Debug, Default)]
pub(super) struct Meter {
    read: AtomicU64,
    written: AtomicU64,
}

impl FarLeg {
    /// Starts HTTP on a connection. A task drives it until it closes or nothing moves for `idle`.
    pub(super) async fn start(
        far: Far,
        leads: Leads,
        idle: Option<Duration>,
    ) -> hyper::Result<Self> {
        let meter = Arc::new(Meter::default());
        let io = Metered {
            // A proxy or server that speaks first is read before it is asked; it is out of order.
            io: Prefixed::new(Leg::new(far.io, far.early)),
            meter: Arc::clone(&meter),
        };
        let (sender, connection) = http1::Builder::new()
            .preserve_header_case(true)
            .handshake(TokioIo::new(io))
            .await?;
        let watched = Arc::clone(&meter);
        tokio::spawn(async move {
            tokio::select! {
                // How it ended is told to whoever waits for the answer.
                _ = connection => {}
                () = stalled(&watched, idle) => {}
            }
        });
        Ok(Self {
            fallback: far.fallback,
            hop: far.hop,
            meter,
            peer: far.peer,
            leads,
            proxy: far.proxy,
            sender,
            via: far.via,
        })
    }
}

impl Meter {
    /// Octets written to and read from the connection so far.
    pub(super) fn totals(&self) -> (u64, u64) {
        (
            self.written.load(Ordering::Relaxed),
            self.read.load(Ordering::Relaxed),
        )
    }
}

/// Whoever waits for an answer's head gives up a moment earlier and says why.
const GRACE: Duration = Duration::from_secs(1);

/// Completes when nothing has moved for as long as `idle` says.
async fn stalled(meter: &Meter, idle: Option<Duration>) {
    let Some(idle) = idle else {
        return std::future::pending().await;
    };
    loop {
        let before = meter.totals();
        sleep(idle + GRACE).await;
        if meter.totals() == before {
            return;
        }
    }
}

/// Counts what goes over a stream.
struct Metered {
    io: Prefixed<FarIo>,
    meter: Arc<Meter>,
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.io).poll_read(cx, buffer);
        self.meter
            .read
            .fetch_add((buffer.filled().len() - before) as u64, Ordering::Relaxed);
        result
    }
}

impl Metered {
    fn count(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(octets)) = written {
            self.meter
                .written
                .fetch_add(octets as u64, Ordering::Relaxed);
        }
        written
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.count(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bytes);
        self.count(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
