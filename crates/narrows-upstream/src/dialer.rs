//! [`Dialer`]: from a target to an open connection.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use narrows_connect::Limits;
use narrows_endpoint::{Host, Target};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::attempt::{Attempt, ConnectFailure};
use crate::error::{DialError, DialErrorKind, Path};
use crate::race::{interleave, race};
use crate::resolve::tidy;
use crate::{AllowAll, Judge, Resolve, ResolveError, SystemResolver, Timeouts, Upstream};

mod through;

/// Reaches targets: directly, or through an upstream proxy.
///
/// It keeps no connections and caches no names. Cloning is cheap.
///
/// # Examples
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use narrows_upstream::{Dialer, Upstream};
///
/// let dialer = Dialer::default();
/// let proxy = Upstream::new("http://proxy.example:3128".parse()?);
/// let tunnel = dialer.through(&proxy, &"example.com:443".parse()?).await?;
/// # drop(tunnel);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Dialer {
    resolver: Arc<dyn Resolve>,
    judge: Arc<dyn Judge>,
    timeouts: Timeouts,
    limits: Limits,
}

/// An open connection.
#[derive(Debug)]
#[non_exhaustive]
pub struct Connected {
    /// The connection; `TCP_NODELAY` is set.
    pub io: TcpStream,
    /// What came behind the proxy's answer: the first bytes from the target, to be read before `io`.
    /// Empty if there was no CONNECT.
    pub early: Bytes,
    /// The address that was dialled: the target's, or the proxy's.
    pub peer: SocketAddr,
}

// === impl Dialer ===

impl Dialer {
    /// A dialler that lets every address pass; see [`with_judge`](Self::with_judge).
    pub fn new(resolver: impl Resolve + 'static, timeouts: Timeouts) -> Self {
        Self {
            resolver: Arc::new(resolver),
            judge: Arc::new(AllowAll),
            timeouts,
            limits: Limits::default(),
        }
    }

    /// Asks `judge` about every address of a target before it is dialled.
    #[must_use]
    pub fn with_judge(mut self, judge: impl Judge + 'static) -> Self {
        self.judge = Arc::new(judge);
        self
    }

    /// Limits the size of a proxy's answer; by default as [`Limits::default`].
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Connects straight to the target.
    ///
    /// # Errors
    ///
    /// [`DialError`]: the name gave no address, none may be dialled, or none could be connected to.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future closes every socket it had opened. A name lookup that is under
    /// way ends on its own, see [`SystemResolver`].
    pub async fn direct(&self, target: &Target) -> Result<Connected, DialError> {
        let start = Instant::now();
        let open = async {
            let addrs = self.addresses(target).await?;
            let allowed = self.allowed(target, addrs)?;
            self.connect(target, &allowed).await
        };
        open.await
            .map_err(|kind| DialError::new(Path::Direct(target.clone()), start.elapsed(), kind))
    }

    /// Connects to the proxy itself and says nothing, for plain HTTP in absolute form.
    ///
    /// [`Upstream::authorize`] says which credentials the requests may carry.
    ///
    /// # Errors
    ///
    /// [`DialError`]: the proxy's name gave no address, or none could be connected to.
    ///
    /// # Cancel safety
    ///
    /// As [`direct`](Self::direct).
    pub async fn to_proxy(&self, proxy: &Upstream) -> Result<Connected, DialError> {
        let start = Instant::now();
        self.connect_proxy(proxy).await.map_err(|kind| {
            DialError::new(
                Path::ToProxy(proxy.endpoint().clone()),
                start.elapsed(),
                kind,
            )
        })
    }
}

/// The steps that the public calls are made of.
impl Dialer {
    /// The addresses of a host: itself if it is one, else as the resolver says, best first.
    async fn addresses(&self, target: &Target) -> Result<Addresses, DialErrorKind> {
        let name = match target.host() {
            Host::Ip(ip) => return Ok(Addresses::One(*ip)),
            Host::Name(name) => name,
        };
        let found = timeout(self.timeouts.resolve, self.resolver.resolve(name)).await;
        let addrs = tidy(found.map_err(|_| ResolveError::Timeout)??);
        match addrs[..] {
            [] => Err(ResolveError::NotFound.into()),
            [one] => Ok(Addresses::One(one)),
            _ => Ok(Addresses::Many(interleave(addrs))),
        }
    }

    /// Keeps the addresses that the judge lets pass.
    fn allowed(&self, target: &Target, addrs: Addresses) -> Result<Addresses, DialErrorKind> {
        let mut first_denied = None;
        let mut judge = |addr: IpAddr| match self.judge.judge(target, addr) {
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
        match (allowed, first_denied) {
            (Some(allowed), _) => Ok(allowed),
            (None, Some((address, denied))) => Err(DialErrorKind::Denied {
                address,
                addresses,
                denied,
            }),
            (None, None) => Err(ResolveError::NotFound.into()),
        }
    }

    /// Connects to one of the addresses, within the connect deadline.
    async fn connect(&self, target: &Target, to: &Addresses) -> Result<Connected, DialErrorKind> {
        match to {
            Addresses::One(addr) => {
                self.connect_one(SocketAddr::new(*addr, target.port()))
                    .await
            }
            Addresses::Many(addrs) => {
                let peers: Vec<_> = addrs
                    .iter()
                    .map(|&addr| SocketAddr::new(addr, target.port()))
                    .collect();
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

    /// Connects to a proxy. Its address was configured, so no judge is asked.
    async fn connect_proxy(&self, proxy: &Upstream) -> Result<Connected, DialErrorKind> {
        let addrs = self.addresses(proxy.endpoint()).await?;
        self.connect(proxy.endpoint(), &addrs).await
    }
}

impl Default for Dialer {
    /// The system's resolver, the default timeouts, every address allowed.
    fn default() -> Self {
        Self::new(SystemResolver::new(), Timeouts::default())
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer")
            .field("timeouts", &self.timeouts)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Where a host is; the usual single address needs no list.
enum Addresses {
    One(IpAddr),
    Many(Vec<IpAddr>),
}

async fn connect(peer: SocketAddr) -> io::Result<Connected> {
    let io = TcpStream::connect(peer).await?;
    io.set_nodelay(true)?;
    Ok(Connected {
        io,
        early: Bytes::new(),
        peer,
    })
}
