//! A run: many targets over one or more paths, all at once within bounds.

use std::collections::HashSet;

use narrows_endpoint::Target;
use narrows_tls_probe::{HopKind, Party, Report, Step};
use serde::{Deserialize, Serialize};

use crate::exit::Exit;

pub mod diff;
pub mod findings;
mod progress;
pub mod reading;
pub mod runner;
pub mod targets;

/// The form of the JSON output; it changes when a field changes its meaning or goes away.
pub const SCHEMA: u32 = 1;

/// What a run found out.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Run {
    /// [`SCHEMA`].
    pub schema_version: u32,
    /// When it began, in seconds since 1970.
    pub started: u64,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
    /// The paths, as their labels.
    pub paths: Vec<String>,
    /// What was found out: failures first, then warnings; inside in the order asked for.
    pub results: Vec<Tested>,
    /// What was asked for and not tested.
    pub not_tested: Vec<NotTested>,
    /// What several results have in common, one sentence each.
    pub findings: Vec<String>,
}

/// One target over one path.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tested {
    /// What it is needed for, or `named` if it stood on the command line.
    pub use_case: String,
    /// Everything about it.
    pub report: Report,
}

/// Something that was asked for and not tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotTested {
    /// Its name, and port if it has one.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// How many of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Reachable, nothing to say.
    pub ok: usize,
    /// Reachable, with warnings.
    pub warned: usize,
    /// Not reachable.
    pub failed: usize,
    /// Not tested.
    pub not_tested: usize,
}

/// What makes a run fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOn {
    /// Something that is not reachable (1); warnings alone are 3.
    #[default]
    Unreachable,
    /// Warnings too (1).
    Warning,
    /// Nothing: 0 whatever was found, 4 if nothing could be tested.
    Never,
}

// === impl Run ===

impl Run {
    /// Puts failures first, then warnings; inside the order stays.
    pub(crate) fn sort(&mut self) {
        self.results.sort_by_key(Tested::rank);
    }

    /// How many of what.
    pub fn counts(&self) -> Counts {
        let of = |rank| self.results.iter().filter(|one| one.rank() == rank).count();
        Counts {
            failed: of(FAILED),
            warned: of(WARNED),
            ok: of(OK),
            not_tested: self.not_tested.len(),
        }
    }

    /// How the process ends.
    pub fn exit(&self, fail_on: FailOn) -> Exit {
        let counts = self.counts();
        if self.results.iter().all(Tested::is_ours) {
            return Exit::Nothing;
        }
        match (fail_on, counts.failed, counts.warned) {
            (FailOn::Never, _, _) | (_, 0, 0) => Exit::Clean,
            (FailOn::Unreachable, 0, _) => Exit::Warnings,
            _ => Exit::Failure,
        }
    }

    /// The results by target, in the order of the first of each; one for each path that was tested.
    pub fn by_target(&self) -> Vec<Vec<&Tested>> {
        let mut seen = HashSet::new();
        let targets = self.results.iter().map(|one| &one.report.target);
        let targets: Vec<_> = targets.filter(|target| seen.insert(*target)).collect();
        let of = |target: &Target| {
            let of_target = |path: &String| {
                let mut results = self.results.iter();
                results.find(|one| one.report.target == *target && one.report.path == *path)
            };
            self.paths.iter().filter_map(of_target).collect()
        };
        targets.into_iter().map(of).collect()
    }
}

// === impl Tested ===

const FAILED: u8 = 0;
const WARNED: u8 = 1;
const OK: u8 = 2;

impl Tested {
    /// What it is needed for, and what was found.
    pub fn new(use_case: impl Into<String>, report: Report) -> Self {
        Self {
            use_case: use_case.into(),
            report,
        }
    }

    fn rank(&self) -> u8 {
        match (self.report.is_reachable(), self.report.warnings.is_empty()) {
            (false, _) => FAILED,
            (true, false) => WARNED,
            (true, true) => OK,
        }
    }

    /// Whether the test itself broke: on this machine, or in front of the first hop of its path.
    fn is_ours(&self) -> bool {
        let verdict = &self.report.verdict;
        let before_hop =
            verdict.hop != HopKind::Target && matches!(verdict.step, Step::Resolve | Step::Connect);
        !self.report.is_reachable() && (verdict.party == Party::ThisHost || before_hop)
    }
}

#[cfg(test)]
pub(crate) mod tests;
