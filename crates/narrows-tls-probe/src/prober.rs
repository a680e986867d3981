//! [`Prober`]: walks paths.

use std::collections::HashSet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use narrows_endpoint::{Host, Target};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::evidence::{Evidence, ResolveEvidence, ResolveFault};
use crate::experiments;
use crate::judge::{judge, usable};
use crate::options::Options;
use crate::path::Path;
use crate::report::{AddressReport, Report, StepReport};
use crate::resolve::{Resolve, SystemResolver};
use crate::tls::Tls;
use crate::walk::{Walk, first_stop};
use crate::warnings;
use crate::words::Step;

pub use crate::experiments::MAX_EXPERIMENTS;

/// The most addresses of one name that are walked to; more than these are nobody's service.
const MAX_ADDRESSES: usize = 16;

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

pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) tls: Tls,
    resolver: Box<dyn Resolve>,
}

/// A walk over one address that is over.
struct Walked {
    address: SocketAddr,
    steps: Vec<StepReport>,
}

// === impl Prober ===

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
        let shared = Shared {
            tls: Tls::new(&options)?,
            resolver: Box::new(resolver),
            options,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// What it was made with.
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// Walks the path to the target. Never fails: a failure is the answer.
    ///
    /// A name with several addresses is walked to over each of them at once. What a failing target's
    /// follow-up connections show is part of its verdict; a reachable target has none, but one for a large
    /// ClientHello if the options ask for it.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future closes what it opened; nothing is known then.
    pub async fn probe(&self, target: &Target, path: &Path) -> Report {
        let mut walk = Walk::new(&self.shared, path, Instant::now());
        let addresses = self.resolve(&mut walk, target).await;
        let walked = match path.hops() {
            [] => self.walk_all(&walk, addresses, target).await,
            _ => self.walk_first(&walk, addresses, target).await,
        };
        let mut report = self.report(&walk, target, walked.as_slice());
        self.follow_up(&walk, target, &walked, &mut report).await;
        report.warnings = warnings::warnings(&report, self.options());
        report.elapsed = walk.start.elapsed();
        report
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
        let path = Path::direct().with_label("stream");
        let mut walk = Walk::new(&self.shared, &path, Instant::now());
        walk.talk((io, bytes::Bytes::new()), target).await;
        let mut report = self.report(&walk, target, &[]);
        report.warnings = warnings::warnings(&report, self.options());
        report.elapsed = walk.start.elapsed();
        report
    }

    /// The addresses of the first hop, and the resolve step if there is a name.
    async fn resolve(&self, walk: &mut Walk, target: &Target) -> Vec<SocketAddr> {
        let path = walk.path.clone();
        let (kind, to) = first_stop(&path, target);
        let name = match to.host() {
            Host::Ip(ip) => return vec![SocketAddr::new(*ip, to.port())],
            Host::Name(name) => name,
        };
        let started = Instant::now();
        let lookup = self.shared.resolver.resolve(name);
        let found = timeout(self.options().deadlines.resolve, lookup).await;
        let found = found.unwrap_or(Err(ResolveFault::Timeout));
        let (mut addresses, fault) = match found {
            Ok(addresses) if addresses.is_empty() => (addresses, Some(ResolveFault::NoAddress)),
            Ok(addresses) => (addresses, None),
            Err(fault) => (Vec::new(), Some(fault)),
        };
        let mut seen = HashSet::new();
        addresses.retain(|address| seen.insert(*address));
        addresses.truncate(MAX_ADDRESSES);
        let dialled = addresses.iter().copied().filter(|address| usable(*address));
        let dialled = dialled
            .map(|address| SocketAddr::new(address, to.port()))
            .collect();
        let evidence = ResolveEvidence {
            name: Some(name.to_string()),
            addresses,
            fault,
        };
        walk.note(
            Step::Resolve,
            (kind, to),
            started,
            Evidence::Resolve(evidence),
        );
        dialled
    }

    /// Walks to all addresses of the target at once.
    async fn walk_all(
        &self,
        walk: &Walk,
        addresses: Vec<SocketAddr>,
        target: &Target,
    ) -> Vec<Walked> {
        if let [only] = addresses[..] {
            return vec![self.walk_one(walk, only, target).await];
        }
        let mut set = JoinSet::new();
        for (at, address) in addresses.into_iter().enumerate() {
            let (prober, target) = (self.clone(), target.clone());
            let (path, start) = (walk.path.clone(), walk.start);
            set.spawn(async move {
                let walk = Walk::new(&prober.shared, &path, start);
                (at, prober.walk_one(&walk, address, &target).await)
            });
        }
        let mut walked = set.join_all().await;
        walked.sort_by_key(|(at, _)| *at);
        walked.into_iter().map(|(_, walked)| walked).collect()
    }

    /// Walks over the first hop's addresses in turn until one takes the connection: they are not the
    /// target's.
    async fn walk_first(
        &self,
        walk: &Walk,
        addresses: Vec<SocketAddr>,
        target: &Target,
    ) -> Vec<Walked> {
        let mut last = Vec::new();
        for address in addresses {
            let walked = self.walk_one(walk, address, target).await;
            let connected = walked.steps.first().is_some_and(StepReport::passed);
            last = vec![walked];
            if connected {
                break;
            }
        }
        last
    }

    async fn walk_one(&self, walk: &Walk, address: SocketAddr, target: &Target) -> Walked {
        let mut walk = Walk::new(&self.shared, &walk.path, walk.start);
        walk.whole(address, target).await;
        Walked {
            address,
            steps: walk.steps,
        }
    }

    /// What the walks say together; the first that reached the target counts, or the one that came
    /// furthest.
    fn report(&self, walk: &Walk, target: &Target, walked: &[Walked]) -> Report {
        let mut steps = walk.steps.clone();
        if let Some(deciding) = deciding(walked) {
            steps.extend_from_slice(&deciding.steps);
        }
        let several = if walked.len() > 1 { walked } else { &[] };
        let addresses = several.iter().map(|walked| AddressReport {
            address: walked.address.ip(),
            verdict: judge(&walked.steps, &[]),
            steps: walked.steps.clone(),
        });
        Report {
            target: target.clone(),
            path: walk.path.label(),
            verdict: judge(&steps, &[]),
            addresses: addresses.collect(),
            steps,
            warnings: Vec::new(),
            experiments: Vec::new(),
            elapsed: walk.start.elapsed(),
        }
    }

    async fn follow_up(
        &self,
        walk: &Walk,
        target: &Target,
        walked: &[Walked],
        report: &mut Report,
    ) {
        let Some(deciding) = deciding(walked) else {
            return;
        };
        let plan = experiments::plan(&report.verdict, target, self.options());
        if plan.is_empty() {
            return;
        }
        report.experiments = experiments::run(plan, walk, deciding.address, target).await;
        report.verdict = judge(&report.steps, &report.experiments);
    }
}

impl fmt::Debug for Prober {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prober")
            .field("options", self.options())
            .finish_non_exhaustive()
    }
}

/// The walk that counts: the first that reached the target, else the first of those that came furthest.
fn deciding(walked: &[Walked]) -> Option<&Walked> {
    let reached = |walked: &&Walked| judge(&walked.steps, &[]).is_reachable();
    let furthest = || {
        let step = |walked: &&Walked| walked.steps.last().map(|step| step.step);
        walked.iter().rev().max_by_key(step)
    };
    walked.iter().find(reached).or_else(furthest)
}
