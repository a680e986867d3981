//! [`Judge`]: the last word on an address before it is dialled.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use narrows_endpoint::Target;

/// Decides whether a target may be reached at an address.
///
/// The dialler asks once for every address of a target, after resolution and for literal addresses
/// too, and dials only what passed; nothing is resolved again in between. It is not asked about the
/// address of an upstream proxy, which the operator configured, nor about a target that an upstream
/// proxy resolves.
///
/// Closures of the same shape are judges. A judge answers at once: it runs on the async threads.
///
/// # Examples
///
/// ```
/// use std::net::IpAddr;
/// use narrows_endpoint::Target;
/// use narrows_upstream::{Denied, Judge};
///
/// let judge = |_: &Target, addr: IpAddr| {
///     if addr.is_loopback() { Err(Denied::new("loopback")) } else { Ok(()) }
/// };
/// let target: Target = "localhost:80".parse()?;
/// assert!(judge.judge(&target, [127, 0, 0, 1].into()).is_err());
/// # Ok::<(), narrows_endpoint::TargetError>(())
/// ```
pub trait Judge: Send + Sync {
    /// Says whether `target` may be reached at `addr`.
    ///
    /// An IPv4-mapped IPv6 address arrives as the IPv4 address. Other ways to hold IPv4 in IPv6 (NAT64,
    /// 6to4) arrive as they are.
    ///
    /// # Errors
    ///
    /// [`Denied`] with the reason, which ends up in the log and in the answer to the client.
    fn judge(&self, target: &Target, addr: IpAddr) -> Result<(), Denied>;
}

/// The judge that lets every address pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

/// An address may not be dialled, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Denied {
    reason: Cow<'static, str>,
}

// === impl Denied ===

impl Denied {
    /// Denies for a reason in a few words, such as `loopback address`.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason: reason.into(),
        }
    }

    /// The reason in a few words.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

// === impl Judge ===

impl Judge for AllowAll {
    fn judge(&self, _: &Target, _: IpAddr) -> Result<(), Denied> {
        Ok(())
    }
}

impl<F> Judge for F
where
    F: Fn(&Target, IpAddr) -> Result<(), Denied> + Send + Sync,
{
    fn judge(&self, target: &Target, addr: IpAddr) -> Result<(), Denied> {
        self(target, addr)
    }
}

impl Judge for Arc<dyn Judge> {
    fn judge(&self, target: &Target, addr: IpAddr) -> Result<(), Denied> {
        (**self).judge(target, addr)
    }
}

impl fmt::Debug for dyn Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Judge")
    }
}
