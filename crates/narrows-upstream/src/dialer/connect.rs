//! From a host to a socket: resolve, judge, race.

use std::io;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use narrows_endpoint::{Host, Target};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::{Connected, Dialer};
use crate::attempt::{Attempt, ConnectFailure};
use crate::error::DialErrorKind;
use crate::facts::Stage;
use crate::gateway::handshake;
use crate::race::{interleave, race};
use crate::resolve::tidy;
use crate::{GatewayStream, Judge, ProxyScheme, ResolveError, Stream, TlsFault, Upstream};

/// Where a host is, in the resolver's order; the usual single address needs no list.
pub(super) enum Addresses {
    One(IpAddr),
    Many(Vec<IpAddr>),
}

// === impl Dialer ===

impl Dialer {
    /// The addresses of a host: itself if it is one, else as the resolver says.
    pub(super) async fn addresses(&self, target: &Target) -> Result<Addresses, DialErrorKind> {
        let name = match target.host() {
            Host::Ip(ip) => return Ok(Addresses::One(*ip)),
            Host::Name(name) => name,
        };
        let found = timeout(self.timeouts.resolve, self.resolver.resolve(name)).await;
        let addrs = tidy(found.map_err(|_| ResolveError::Timeout)??);
        match addrs[..] {
            [] => Err(ResolveError::NotFound.into()),
            [one] => Ok(Addresses::One(one)),
            _ => Ok(Addresses::Many(addrs)),
        }
    }

    /// Keeps the addresses that a judge lets pass.
    pub(super) fn allowed(
        target: &Target,
        addrs: Addresses,
        judge: &dyn Judge,
    ) -> Result<Addresses, DialErrorKind> {
        let mut first_denied = None;
        let mut judge = |addr: IpAddr| match judge.judge(target, addr) {
            Ok(()) => true,
            Err(denied) => {
                first_denied.get_or_insert((addr, denied));
                false
            }
        };
        let (allowed, addresses) = match addrs {
            Addresses::One(addr) => (judge(addr).then_some(Addresses::One(addr)), 1),
            Addresses::Many(mut addrs) => {
                let addresses = addrs.len();
                addrs.retain(|&addr| judge(addr));
                let some = (!addrs.is_empty()).then_some(Addresses::Many(addrs));
                (some, addresses)
            }
        };
        if let Some(allowed) = allowed {
            return Ok(allowed);
        }
        // There was at least one address, so there was a first denial.
        let (address, denied) = first_denied.ok_or(ResolveError::NotFound)?;
        Err(DialErrorKind::Denied {
            address,
            addresses,
            denied,
        })
    }

    /// Connects to one of the addresses, within the connect deadline.
    pub(super) async fn connect(
        &self,
        addrs: Addresses,
        port: u16,
    ) -> Result<Connected, DialErrorKind> {
        match addrs {
            Addresses::One(addr) => self.connect_one(SocketAddr::new(addr, port)).await,
            Addresses::Many(addrs) => {
                let addrs = interleave(addrs).into_iter();
                let peers: Vec<_> = addrs.map(|addr| SocketAddr::new(addr, port)).collect();
                self.connect_any(&peers).await
            }
        }
    }

    /// The fast path of a single address: one socket, one timer, nothing allocated or spawned.
    async fn connect_one(&self, peer: SocketAddr) -> Result<Connected, DialErrorKind> {
        let error = match timeout(self.timeouts.connect, connect(peer)).await {
            Ok(Ok(connected)) => return Ok(connected),
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        let attempts = vec![Attempt { peer, error }];
        Err(DialErrorKind::Connect(ConnectFailure::new(attempts, 1)))
    }

    async fn connect_any(&self, peers: &[SocketAddr]) -> Result<Connected, DialErrorKind> {
        let mut attempts = Vec::with_capacity(peers.len());
        let race = race(peers, self.timeouts.stagger, connect, &mut attempts);
        match timeout(self.timeouts.connect, race).await {
            Ok(Some(connected)) => Ok(connected),
            Ok(None) | Err(_) => {
                let failure = ConnectFailure::new(attempts, peers.len());
                Err(DialErrorKind::Connect(failure))
            }
        }
    }

    /// Connects to a proxy, if its judge lets it.
    pub(super) async fn connect_proxy(&self, proxy: &Upstream) -> Result<Connected, DialErrorKind> {
        let hop = proxy.endpoint();
        let addrs = self.addresses(hop).await?;
        let addrs = Self::allowed(hop, addrs, &*self.proxy_judge)?;
        let start = Instant::now();
        let mut connected = self.connect(addrs, hop.port()).await?;
        if proxy.url().scheme() == ProxyScheme::Https {
            connected = self.secure(proxy, connected).await?;
        }
        proxy.note(Stage::Tcp, start.elapsed(), None);
        Ok(connected)
    }

    /// TLS with an `https` proxy.
    async fn secure(
        &self,
        proxy: &Upstream,
        connected: Connected,
    ) -> Result<Connected, DialErrorKind> {
        let (config, name) = proxy.tls().map_err(|error| {
            let fault = TlsFault::Protocol(error.to_string());
            DialErrorKind::Tls(fault)
        })?;
        let session = handshake(config, name, connected, self.timeouts.tls).await;
        let session = session.map_err(DialErrorKind::Tls)?;
        Ok(Connected {
            io: Stream::Tls(GatewayStream::h1(session.io)),
            early: Bytes::new(),
            peer: session.peer,
        })
    }

    /// Connects to a hop whose address was configured, so that no judge is asked.
    pub(super) async fn connect_configured(
        &self,
        hop: &Target,
    ) -> Result<Connected, DialErrorKind> {
        let addrs = self.addresses(hop).await?;
        self.connect(addrs, hop.port()).await
    }
}

async fn connect(peer: SocketAddr) -> io::Result<Connected> {
    let io = TcpStream::connect(peer).await?;
    io.set_nodelay(true)?;
    Ok(Connected {
        io: io.into(),
        early: Bytes::new(),
        peer,
    })
}
