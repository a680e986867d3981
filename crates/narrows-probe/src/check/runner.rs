//! [`Runner`]: many probes at once, within bounds.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use narrows_endpoint::Target;
use narrows_tls_probe::{Path, Prober, Report};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::progress::Progress;
use super::targets::Targets;
use super::{NotTested, Run, SCHEMA, Tested, findings};

/// How many probes are under way at a time, unless told otherwise: 500 endpoints that answer in 200 ms
/// take under a second, also while 50 that hang hold their places, and a usual limit of 1024 descriptors
/// has room for the follow-up connections of failing ones.
pub const CONCURRENCY: usize = 192;

/// Probes targets over paths.
#[derive(Clone, Debug)]
pub struct Runner {
    prober: Prober,
    paths: Vec<Path>,
    places: Arc<Semaphore>,
    progress: bool,
}

// === impl Runner ===

impl Runner {
    /// Probes with this prober over these paths, so many at a time.
    pub fn new(prober: Prober, paths: Vec<Path>, concurrency: usize) -> Self {
        Self {
            prober,
            paths,
            places: Arc::new(Semaphore::new(concurrency.max(1))),
            progress: false,
        }
    }

    /// Shows how far it is on standard error, if that is a terminal.
    #[must_use]
    pub const fn with_progress(mut self, progress: bool) -> Self {
        self.progress = progress;
        self
    }

    /// The paths.
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// Probes everything, until `end`: what is not known then is in [`Run::not_tested`].
    ///
    /// Targets are begun in their order, and one that hangs holds up nothing but its own place.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends every probe; what is known is lost. Let `end` end it instead.
    pub async fn run(&self, targets: &Targets, end: impl Future<Output = ()>) -> Run {
        let (clock, started) = (Instant::now(), SystemTime::now());
        let mut jobs = Vec::new();
        for (use_case, target) in &targets.wanted {
            let over = self.paths.iter().map(|path| (use_case, target, path));
            jobs.extend(over);
        }
        let mut reports: Vec<Option<Report>> = vec![None; jobs.len()];
        self.probe_all(&jobs, &mut reports, pin!(end)).await;

        let mut results = Vec::new();
        let mut not_tested = targets.not_tested.clone();
        for ((use_case, target, path), report) in jobs.into_iter().zip(reports) {
            match report {
                Some(report) => results.push(Tested::new(use_case, report)),
                None => not_tested.push(NotTested {
                    name: target.to_string(),
                    reason: format!("it was stopped before an answer came ({})", path.label()),
                }),
            }
        }
        let mut run = Run {
            schema_version: SCHEMA,
            started: seconds(started),
            elapsed_ms: u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX),
            paths: self.paths.iter().map(Path::label).collect(),
            findings: findings::find(&results),
            results,
            not_tested,
        };
        run.sort();
        run
    }

    async fn probe_all(
        &self,
        jobs: &[(&String, &Target, &Path)],
        reports: &mut [Option<Report>],
        mut end: Pin<&mut impl Future<Output = ()>>,
    ) {
        let progress = Progress::new(jobs.len(), self.progress);
        let mut probes = JoinSet::new();
        for (at, (_, target, path)) in jobs.iter().enumerate() {
            let (prober, places) = (self.prober.clone(), Arc::clone(&self.places));
            let (target, path) = ((*target).clone(), (*path).clone());
            probes.spawn(async move {
                // The semaphore is fair, and nobody closes it.
                let _place = places.acquire().await;
                (at, prober.probe(&target, &path).await)
            });
        }
        loop {
            tokio::select! {
                // What is known is kept, also when the end comes at the same moment.
                biased;
                done = probes.join_next() => match done {
                    None => return,
                    Some(Ok((at, report))) => {
                        progress.done(&report);
                        reports[at] = Some(report);
                    }
                    // A probe that panicked is not tested; the others go on.
                    Some(Err(_)) => {}
                },
                () = &mut end => return,
            }
        }
    }
}

fn seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or(Duration::ZERO).as_secs()
}
