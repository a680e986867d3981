//! [`Walk`]: the steps over one address, taken and written down.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use narrows_endpoint::Target;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::client::TlsStream;

use crate::evidence::{ConnectEvidence, ConnectFault, Evidence};
use crate::http;
use crate::judge::passes;
use crate::path::{Hop, Path};
use crate::prober::Shared;
use crate::report::StepReport;
use crate::tls::{Handshake, Hello};
use crate::tunnel;
use crate::wire::{BoxedIo, Io, Wire};
use crate::words::{HelloSize, HopKind, Outcome, Step};
use narrows_connect::printable;

/// What is offered to targets: what the HTTP step can speak, and what browsers offer.
pub(crate) const TARGET_ALPN: &[&[u8]] = &[b"h2", b"http/1.1"];
/// What is offered to hops, with which CONNECT is spoken.
const HOP_ALPN: &[&[u8]] = &[b"http/1.1"];

/// A walk to a target, or to another port or name in an experiment.
pub(crate) struct Walk {
    pub(crate) shared: Arc<Shared>,
    pub(crate) path: Path,
    /// When the probe began.
    pub(crate) start: Instant,
    /// The steps taken so far.
    pub(crate) steps: Vec<StepReport>,
}

/// A stream, and what came before it with the answer of the last hop.
pub(crate) type Reached<S> = (S, Bytes);

impl Walk {
    pub(crate) fn new(shared: &Arc<Shared>, path: &Path, start: Instant) -> Self {
        Self {
            shared: Arc::clone(shared),
            path: path.clone(),
            start,
            steps: Vec::new(),
        }
    }

    /// Another walk on the same path, for the same probe.
    pub(crate) fn again(&self) -> Self {
        Self::new(&self.shared, &self.path, self.start)
    }

    /// Walks from the TCP connection on: to the target, and as far into it as the options say.
    pub(crate) async fn whole(&mut self, address: SocketAddr, target: &Target) {
        if let Some(reached) = self.reach(address, target).await {
            self.talk(reached, target).await;
        }
    }

    /// Connects, and opens a tunnel through each hop; `None` when a step failed.
    pub(crate) async fn reach(
        &mut self,
        address: SocketAddr,
        target: &Target,
    ) -> Option<Reached<BoxedIo<'static>>> {
        let path = self.path.clone();
        let hops = path.hops();
        let first = first_stop(&path, target);
        let mut io: BoxedIo<'static> = Box::new(self.connect(address, first).await?);
        let mut early = Bytes::new();
        for (at, hop) in hops.iter().enumerate() {
            if hop.is_tls() {
                let stream = self.secure_hop((io, early), hop).await?;
                (io, early) = (Box::new(stream), Bytes::new());
            }
            let next = hops.get(at + 1).map_or(target, Hop::address);
            early = self.tunnel(&mut io, early, hop, next).await?;
        }
        Some((io, early))
    }

    /// TLS, certificate and HTTP with the target.
    pub(crate) async fn talk<S: Io>(&mut self, reached: Reached<S>, target: &Target) {
        let hello = Hello {
            host: target.host(),
            named: true,
            size: HelloSize::Small,
            alpn: TARGET_ALPN,
            verifier: None,
        };
        let Some(mut stream) = self.shake(reached, &hello, target).await else {
            return;
        };
        if self.shared.options.http {
            let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            self.http(&mut stream, target, h2).await;
        }
    }

    /// The TLS step and, if a certificate came, the certificate step. The stream is there whenever the
    /// handshake was completed, whatever the certificate.
    pub(crate) async fn shake<S: Io>(
        &mut self,
        reached: Reached<S>,
        hello: &Hello<'_>,
        target: &Target,
    ) -> Option<TlsStream<Wire<S>>> {
        let started = Instant::now();
        let deadline = self.shared.options.deadlines.tls;
        let mut handshake = self.shared.tls.shake(reached, hello, deadline).await;
        if !self.shared.options.http {
            handshake.await_alert().await;
        }
        self.note_handshake(Step::Tls, (HopKind::Target, target), started, handshake)
    }

    /// One request in plain text, also when the certificate is bad: nothing secret is in it, and the
    /// page may say who answers.
    pub(crate) async fn http<S: Io>(&mut self, io: &mut S, target: &Target, h2: bool) {
        let started = Instant::now();
        let Shared { options, .. } = &*self.shared;
        let (agent, deadline) = (&options.user_agent, options.deadlines.http);
        let evidence = if h2 {
            http::h2::ask(io, target, agent, deadline).await
        } else {
            http::ask(io, target, agent, deadline).await
        };
        self.note(
            Step::Http,
            (HopKind::Target, target),
            started,
            Evidence::Http(evidence),
        );
    }

    async fn connect(&mut self, peer: SocketAddr, to: (HopKind, &Target)) -> Option<TcpStream> {
        let started = Instant::now();
        let deadline = self.shared.options.deadlines.connect;
        let connected = timeout(deadline, TcpStream::connect(peer)).await;
        let (local, fault) = match &connected {
            Ok(Ok(io)) => (io.local_addr().ok(), None),
            Ok(Err(error)) => (None, Some(connect_fault(error, peer))),
            Err(_) => (None, Some(ConnectFault::Timeout)),
        };
        let evidence = ConnectEvidence { peer, local, fault };
        self.note(Step::Connect, to, started, Evidence::Connect(evidence));
        let io = connected.ok()?.ok()?;
        // It only makes small messages leave sooner.
        let _ = io.set_nodelay(true);
        Some(io)
    }

    /// TLS with a hop. Nothing is said to one whose certificate is bad: it may be sent credentials.
    async fn secure_hop(
        &mut self,
        reached: Reached<BoxedIo<'static>>,
        hop: &Hop,
    ) -> Option<TlsStream<Wire<BoxedIo<'static>>>> {
        let started = Instant::now();
        let step = match hop.kind() {
            HopKind::Gateway => Step::GatewayTls,
            _ => Step::ProxyTls,
        };
        let to = (hop.kind(), hop.address());
        let verifier = match self.shared.tls.hop_verifier(hop, &self.shared.options) {
            Ok(verifier) => verifier,
            Err(error) => {
                let handshake = Handshake::<BoxedIo<'static>>::unsent(&error);
                return self.note_handshake(step, to, started, handshake);
            }
        };
        let hello = Hello {
            host: hop.address().host(),
            named: true,
            size: HelloSize::Small,
            alpn: HOP_ALPN,
            verifier: Some(verifier),
        };
        let deadline = self.shared.options.deadlines.tls;
        let handshake = self.shared.tls.shake(reached, &hello, deadline).await;
        let stream = self.note_handshake(step, to, started, handshake);
        stream.filter(|_| self.steps.last().is_some_and(StepReport::passed))
    }

    async fn tunnel(
        &mut self,
        io: &mut BoxedIo<'static>,
        early: Bytes,
        hop: &Hop,
        next: &Target,
    ) -> Option<Bytes> {
        let started = Instant::now();
        let deadline = self.shared.options.deadlines.tunnel;
        let (evidence, early) = tunnel::open(io, early, next, hop.authorization(), deadline).await;
        let step = match hop.kind() {
            HopKind::Gateway => Step::GatewayConnect,
            _ => Step::ProxyConnect,
        };
        self.note(
            step,
            (hop.kind(), hop.address()),
            started,
            Evidence::Tunnel(evidence),
        );
        early
    }

    fn note_handshake<S>(
        &mut self,
        step: Step,
        to: (HopKind, &Target),
        started: Instant,
        handshake: Handshake<S>,
    ) -> Option<TlsStream<Wire<S>>> {
        self.note(step, to, started, Evidence::Tls(Box::new(handshake.tls)));
        if let Some(certificate) = handshake.certificate {
            // It was judged inside of the handshake, in no time that could be told apart.
            self.note(
                Step::Certificate,
                to,
                Instant::now(),
                Evidence::Certificate(certificate),
            );
        }
        handshake.stream
    }

    pub(crate) fn note(
        &mut self,
        step: Step,
        (hop, to): (HopKind, &Target),
        started: Instant,
        evidence: Evidence,
    ) {
        let passed = passes(to, hop, &evidence);
        self.steps.push(StepReport {
            step,
            hop,
            to: to.clone(),
            outcome: if passed {
                Outcome::Passed
            } else {
                Outcome::Failed
            },
            started: started.saturating_duration_since(self.start),
            elapsed: started.elapsed(),
            evidence: Some(evidence),
        });
    }
}

/// The host of the party that is connected to first.
pub(crate) fn first_stop<'a>(path: &'a Path, target: &'a Target) -> (HopKind, &'a Target) {
    let hop = path.hops().first();
    hop.map_or((HopKind::Target, target), |hop| (hop.kind(), hop.address()))
}

fn connect_fault(error: &io::Error, peer: SocketAddr) -> ConnectFault {
    use io::ErrorKind as Kind;
    let text = || printable(&error.to_string());
    match error.kind() {
        Kind::ConnectionRefused => ConnectFault::Refused,
        Kind::ConnectionReset | Kind::ConnectionAborted => ConnectFault::Reset,
        Kind::TimedOut => ConnectFault::Timeout,
        Kind::PermissionDenied => ConnectFault::Denied,
        Kind::NetworkUnreachable | Kind::HostUnreachable | Kind::NetworkDown => {
            ConnectFault::Unreachable(text())
        }
        // IPv4 always has a source address; what it lacks then is a free port.
        Kind::AddrNotAvailable if peer.is_ipv6() => ConnectFault::Unreachable(text()),
        Kind::AddrNotAvailable | Kind::OutOfMemory => ConnectFault::Exhausted(text()),
        _ if is_exhaustion(error) => ConnectFault::Exhausted(text()),
        _ => ConnectFault::Other(text()),
    }
}

/// Whether this machine ran out of something; std has no stable kind for these.
fn is_exhaustion(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let Some(errno) = Errno::from_io_error(error) else {
        return false;
    };
    #[cfg(not(windows))]
    if errno == Errno::NFILE {
        return true;
    }
    matches!(errno, Errno::MFILE | Errno::NOBUFS)
}
