//! [`Options`]: how long each step may take, whom to trust, and what to try beyond the walk.

use std::time::{Duration, SystemTime};

use narrows_endpoint::Name;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

/// What a [`Prober`](crate::Prober) does, the same for all its targets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How long each step may take.
    pub deadlines: Deadlines,
    /// Whom to trust.
    pub trust: Trust,
    /// Whether a target that answers TLS is asked for `/` over HTTP.
    pub http: bool,
    /// Whether failures are explained by follow-up connections, at most
    /// [`MAX_EXPERIMENTS`](crate::MAX_EXPERIMENTS) for a target.
    pub experiments: bool,
    /// Whether a large ClientHello is tried on reachable targets too, with one more connection.
    pub large_hello: bool,
    /// Names that are known to be let through, for the control: the first that is not the target's own is
    /// used. Without one, only the ClientHello without a name is a control.
    pub neutral: Vec<Name>,
    /// Whether private addresses are expected, as with private endpoints, or in a laboratory.
    pub expect_private: bool,
    /// The `User-Agent` of the HTTP requests.
    pub user_agent: String,
    /// The time to judge certificates by; `None` is this machine's clock.
    pub now: Option<SystemTime>,
    /// Certificates that expire sooner than this are warned of.
    pub expiring: Duration,
}

/// How long each step may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlines {
    /// To resolve a name.
    pub resolve: Duration,
    /// To connect to one address.
    pub connect: Duration,
    /// For a proxy or gateway to answer CONNECT; it dials the target meanwhile.
    pub tunnel: Duration,
    /// For a TLS handshake.
    pub tls: Duration,
    /// For the head of the HTTP answer.
    pub http: Duration,
    /// For each follow-up connection as a whole.
    pub experiment: Duration,
}

/// Whom to trust.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Trust {
    /// The operating system's trust store, and these.
    Platform(Vec<CertificateDer<'static>>),
    /// These authorities and no others.
    Roots(RootCertStore),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            deadlines: Deadlines::default(),
            trust: Trust::Platform(Vec::new()),
            http: true,
            experiments: true,
            large_hello: false,
            neutral: Vec::new(),
            expect_private: false,
            user_agent: concat!("narrows-probe/", env!("CARGO_PKG_VERSION")).to_owned(),
            now: None,
            expiring: Duration::from_secs(14 * 24 * 60 * 60),
        }
    }
}

impl Default for Deadlines {
    /// 5 s for each step, 15 s for a proxy that dials meanwhile, 3 s for a follow-up connection.
    fn default() -> Self {
        let mut deadlines = Self::uniform(Duration::from_secs(5));
        deadlines.tunnel = Duration::from_secs(15);
        deadlines.experiment = Duration::from_secs(3);
        deadlines
    }
}

impl Deadlines {
    /// The same for every step.
    pub const fn uniform(each: Duration) -> Self {
        Self {
            resolve: each,
            connect: each,
            tunnel: each,
            tls: each,
            http: each,
            experiment: each,
        }
    }

    /// The same, with another deadline for CONNECT.
    #[must_use]
    pub const fn with_tunnel(mut self, tunnel: Duration) -> Self {
        self.tunnel = tunnel;
        self
    }
}
