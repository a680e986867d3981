//! [`Dialer`]: from a target to an open connection.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use narrows_connect::Limits;
use narrows_endpoint::Target;
use tokio::time::Instant;

use crate::error::{DialError, Path};
use crate::{AllowAll, Judge, Resolve, Stream, SystemResolver, Timeouts, Upstream};

mod connect;
mod gateway;
mod socks;
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
    proxy_judge: Arc<dyn Judge>,
    timeouts: Timeouts,
    limits: Limits,
}

/// An open connection.
#[derive(Debug)]
#[non_exhaustive]
pub struct Connected {
    /// The connection; `TCP_NODELAY` is set. Inside TLS if an `https` proxy is at the other end.
    pub io: Stream,
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
            proxy_judge: Arc::new(AllowAll),
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

    /// Asks `judge` about every address of an upstream proxy before it is dialled.
    ///
    /// For the loop by a name of this machine, which only resolution shows. It gets the proxy's own host
    /// and port as the target. By default every address passes: the operator has chosen the proxy.
    #[must_use]
    pub fn with_proxy_judge(mut self, judge: impl Judge + 'static) -> Self {
        self.proxy_judge = Arc::new(judge);
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
        self.direct_if(target, &AllowAll).await
    }

    /// As [`direct`](Self::direct), and one more judge has a say, for this target alone.
    ///
    /// # Errors
    ///
    /// As [`direct`](Self::direct).
    ///
    /// # Cancel safety
    ///
    /// As [`direct`](Self::direct).
    pub async fn direct_if(
        &self,
        target: &Target,
        judge: &dyn Judge,
    ) -> Result<Connected, DialError> {
        let start = Instant::now();
        let open = async {
            let addrs = self.addresses(target).await?;
            let addrs = Self::allowed(target, addrs, &*self.judge)?;
            let addrs = Self::allowed(target, addrs, judge)?;
            self.connect(addrs, target.port()).await
        };
        open.await
            .map_err(|kind| DialError::new(Path::Direct(target.clone()), start.elapsed(), kind))
    }

    /// Connects to the proxy itself and says nothing, for plain HTTP in absolute form.
    ///
    /// [`Upstream::authorize_plain`] says which credentials the requests may carry.
    ///
    /// # Errors
    ///
    /// [`DialError`]: the proxy's name gave no address, none may be dialled, or none could be connected
    /// to.
    ///
    /// # Cancel safety
    ///
    /// As [`direct`](Self::direct).
    pub async fn to_proxy(&self, proxy: &Upstream) -> Result<Connected, DialError> {
        let start = Instant::now();
        let connected = self.connect_proxy(proxy).await.map_err(|kind| {
            let path = Path::ToProxy(proxy.endpoint().clone());
            DialError::new(path, start.elapsed(), kind)
        });
        if let Err(error) = &connected {
            proxy.note_outcome(start.elapsed(), Some(error));
        }
        connected
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
