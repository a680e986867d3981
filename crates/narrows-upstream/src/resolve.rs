//! [`Resolve`]: from a name to addresses.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use narrows_endpoint::{Host, Name};

mod system;

pub use system::{MAX_LOOKUPS, SystemResolver};

/// The most addresses of one name that are kept; more than this in one answer is nobody's service.
pub const MAX_ADDRESSES: usize = 64;

/// What [`Resolve::resolve`] returns: the addresses, later.
pub type Resolving<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>>;

/// Turns a name into addresses.
///
/// The dialler never asks about a literal address, and sets the deadline itself by dropping the
/// future. It removes duplicates and cuts the answer at [`MAX_ADDRESSES`]; the order is kept and
/// counts: the family of the first address is tried first.
///
/// # Examples
///
/// ```
/// use narrows_upstream::{Resolve, ResolveError, Resolving};
/// use narrows_endpoint::{Host, Name};
///
/// struct Nothing;
///
/// impl Resolve for Nothing {
///     fn resolve<'a>(&'a self, _: &'a Name) -> Resolving<'a> {
///         Box::pin(std::future::ready(Err(ResolveError::NotFound)))
///     }
/// }
/// ```
pub trait Resolve: Send + Sync {
    /// Looks up the addresses of `name`, best first.
    ///
    /// # Errors
    ///
    /// The future gives a [`ResolveError`]; an empty list means the same as
    /// [`ResolveError::NotFound`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future must be harmless: the dialler does so at its deadline and when the client
    /// has gone.
    fn resolve<'a>(&'a self, name: &'a Name) -> Resolving<'a>;
}

/// Why a name gave no addresses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The name does not exist or has no address.
    #[error("no such name, or it has no address")]
    NotFound,
    /// The resolver failed for another reason.
    #[error("the resolver failed: {0}")]
    Other(#[source] io::Error),
    /// The resolver could not find out, and asking later may help.
    #[error("the name servers did not answer properly: {0}")]
    Temporary(#[source] io::Error),
    /// No answer before the deadline.
    #[error("no answer from the resolver in time")]
    Timeout,
}

/// A resolver with a fixed table, for tests and for embedders that resolve elsewhere.
///
/// A name that is not in the table is [`ResolveError::NotFound`]; nothing else is asked.
///
/// # Examples
///
/// ```
/// use narrows_upstream::{Dialer, StaticResolver, Timeouts};
///
/// let resolver = StaticResolver::new()
///     .with("example.com".parse()?, [[127, 0, 0, 1].into()]);
/// let dialer = Dialer::new(resolver, Timeouts::default());
/// # Ok::<(), narrows_endpoint::HostError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct StaticResolver {
    table: HashMap<Name, Vec<IpAddr>>,
}

// === impl StaticResolver ===

impl StaticResolver {
    /// An empty table: no name has addresses.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives `host` these addresses, in this order. A literal address is ignored: it needs no table.
    #[must_use]
    pub fn with(mut self, host: Host, addrs: impl IntoIterator<Item = IpAddr>) -> Self {
        if let Some(name) = host.name() {
            self.table.insert(name.clone(), addrs.into_iter().collect());
        }
        self
    }
}

impl Resolve for StaticResolver {
    fn resolve<'a>(&'a self, name: &'a Name) -> Resolving<'a> {
        let found = self.table.get(name).cloned();
        Box::pin(std::future::ready(found.ok_or(ResolveError::NotFound)))
    }
}

// === impl Resolve ===

impl<R: Resolve + ?Sized> Resolve for Arc<R> {
    fn resolve<'a>(&'a self, name: &'a Name) -> Resolving<'a> {
        (**self).resolve(name)
    }
}

/// Keeps the first mention of each address, IPv4-mapped ones as IPv4, and at most [`MAX_ADDRESSES`].
pub(crate) fn tidy(addrs: impl IntoIterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut kept = Vec::new();
    for addr in addrs {
        let addr = addr.to_canonical();
        if !kept.contains(&addr) {
            kept.push(addr);
        }
        if kept.len() == MAX_ADDRESSES {
            break;
        }
    }
    kept
}

#[cfg(test)]
mod tests;
