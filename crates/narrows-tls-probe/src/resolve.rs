//! [`Resolve`]: from a name to addresses.

use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

use narrows_endpoint::{Host, Name};

use crate::evidence::ResolveFault;

mod system;

pub use system::SystemResolver;

/// What [`Resolve::resolve`] returns: the addresses, later.
pub type Resolving<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveFault>> + Send + 'a>>;

/// Turns a name into addresses. The prober sets the deadline, and never asks about an address.
pub trait Resolve: Send + Sync {
    /// Looks up the addresses of `name`, best first. An empty list means
    /// [`ResolveFault::NoAddress`].
    ///
    /// # Errors
    ///
    /// The future gives a [`ResolveFault`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future must be harmless: the prober does so at its deadline.
    fn resolve<'a>(&'a self, name: &'a Name) -> Resolving<'a>;
}

/// A resolver with a fixed table, for laboratories and for embedders that resolve elsewhere.
///
/// A name that is not in the table is [`ResolveFault::NotFound`].
#[derive(Clone, Debug, Default)]
pub struct StaticResolver {
    table: HashMap<Name, Vec<IpAddr>>,
}

impl StaticResolver {
    /// An empty table: no name exists.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives `host` these addresses, in this order. A literal address is ignored: it needs no table.
    #[must_use]
    pub fn with(mut self, host: Host, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        if let Host::Name(name) = host {
            self.table.insert(name, addresses.into_iter().collect());
        }
        self
    }
}

impl Resolve for StaticResolver {
    fn resolve<'a>(&'a self, name: &'a Name) -> Resolving<'a> {
        let found = self.table.get(name).cloned();
        Box::pin(std::future::ready(found.ok_or(ResolveFault::NotFound)))
    }
}
