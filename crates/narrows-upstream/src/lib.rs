#![doc = include_str!("../README.md")]

mod answer;
mod attempt;
mod challenges;
mod dialer;
mod digest;
mod error;
mod exchange;
mod facts;
mod gateway;
mod judge;
mod proxy_url;
mod race;
mod resolve;
pub mod socks;
mod stream;
mod timeouts;
mod tls_fault;
mod tls_settings;
mod upstream;
mod upstreams;
pub mod window;

pub use answer::ProxyAnswer;
pub use attempt::{Attempt, ConnectFailure};
pub use dialer::{Connected, Dialer};
pub use error::{AuthenticationFault, DialError, DialErrorKind, SocksFault};
pub use facts::{Fact, Facts};
pub use gateway::{
    BearerToken, BearerTokenError, Gateway, GatewayConfig, GatewayConfigError, GatewayConnected,
    GatewayCredentials, GatewayHealth, GatewayStream, PemError, Protocol, Spoken, Verdict,
};
pub use judge::{AllowAll, Denied, Judge};
pub use proxy_url::{ProxyScheme, ProxyUrl, ProxyUrlError};
pub use resolve::{
    MAX_ADDRESSES, MAX_LOOKUPS, Resolve, ResolveError, Resolving, StaticResolver, SystemResolver,
};
pub use stream::Stream;
pub use timeouts::Timeouts;
pub use tls_fault::{CertificateFault, TlsFault};
pub use tls_settings::TlsSettings;
pub use upstream::{Authentication, Authorization, Upstream};
pub use upstreams::{Chosen, Notice, Parked, Passage, UpstreamHealth, Upstreams};
