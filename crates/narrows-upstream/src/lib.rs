#![doc = include_str!("../README.md")]

mod answer;
mod attempt;
mod dialer;
mod error;
mod excerpt;
mod exchange;
mod judge;
mod proxy_url;
mod race;
mod resolve;
mod timeouts;
mod upstream;

pub use answer::ProxyAnswer;
pub use attempt::{Attempt, ConnectFailure};
pub use dialer::{Connected, Dialer};
pub use error::{AuthenticationFault, DialError, DialErrorKind};
pub use judge::{AllowAll, Denied, Judge};
pub use proxy_url::{ProxyUrl, ProxyUrlError};
pub use resolve::{
    MAX_ADDRESSES, MAX_LOOKUPS, Resolve, ResolveError, Resolving, StaticResolver, SystemResolver,
};
pub use timeouts::Timeouts;
pub use upstream::{Authorization, Upstream};
