//! What many reports show together that one alone does not: a wildcard that a rule forgot, a wrong
//! clock, a device that signs for everybody.
//!
//! Pure: reports in, findings out. Reports that were read back from JSON do as well.

mod certificates;
mod names;
mod paths;
#[cfg(test)]
mod tests;

use std::fmt;

use narrows_endpoint::{Host, Target};

use crate::report::Report;
use crate::verdict_id::VerdictId;
use crate::words::{Certainty, Party};

/// A report, and what the selection knew about its target.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// The report.
    pub report: &'a Report,
    /// The features that need the target, as the selection names them; empty for names given by hand.
    pub features: &'a [String],
}

/// Something that several targets have in common.
///
/// `Display` is its sentence, lower case and without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// Who most likely brings it about.
    pub party: Party,
    /// How sure that is.
    pub certainty: Certainty,
    /// The targets that show it, in the order of the reports.
    pub targets: Vec<Target>,
}

/// What several targets can have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingKind {
    /// Whatever goes this way fails, and nothing that goes another way fails with it.
    BehindOneHop {
        /// The path's label.
        path: String,
        /// What all of them fail with.
        id: VerdictId,
    },
    /// This machine's clock is wrong: every certificate is outside of its time, on the same side.
    Clock {
        /// Whether it is behind; else it is ahead.
        behind: bool,
        /// By how many days at least.
        days: i64,
    },
    /// What fails is what this feature needs, and nothing that it needs works.
    Feature {
        /// The feature.
        feature: String,
    },
    /// Unrelated names show certificates of one issuer that the public roots do not know, or that signs
    /// under the name of a known product.
    OneIssuer {
        /// The issuer.
        issuer: String,
        /// The product, if one is known.
        product: Option<String>,
    },
    /// All addresses of IPv6 fail, and all of IPv4 work.
    OnlyIpv6,
    /// Unrelated names answer with the same page.
    SamePage {
        /// Its status.
        status: u16,
        /// Its beginning.
        excerpt: String,
    },
    /// What fails is what is below this name, and nothing below it works.
    Suffix {
        /// Without `*.`.
        suffix: String,
    },
}

/// Looks for what the reports have in common. Findings come in the order of how much they explain: a
/// clock explains every certificate, a suffix explains one rule.
///
/// One report, or reports that are all fine, show nothing. Never more than one finding of a kind for the
/// same targets.
pub fn correlate(observed: &[Observed<'_>]) -> Vec<Finding> {
    let reports: Vec<&Report> = observed.iter().map(|each| each.report).collect();
    let mut findings = Vec::new();
    findings.extend(certificates::clock(&reports));
    findings.extend(paths::behind_one_hop(&reports));
    findings.extend(certificates::one_issuer(&reports));
    findings.extend(paths::same_page(&reports));
    findings.extend(paths::only_ipv6(&reports));
    findings.extend(names::suffix(&reports));
    findings.extend(names::features(observed));
    findings
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.targets.len();
        match &self.kind {
            FindingKind::BehindOneHop { path, id } => {
                write!(
                    f,
                    "everything over {path} fails ({count} targets): {}",
                    id.summary()
                )
            }
            FindingKind::Clock { behind, days } => {
                let (state, side) = if *behind {
                    ("not valid yet", "behind")
                } else {
                    ("expired", "ahead")
                };
                write!(
                    f,
                    "all {count} certificates are {state}: this machine's clock is {side} by {days} days or more"
                )
            }
            FindingKind::Feature { feature } => {
                write!(
                    f,
                    "all {count} targets that {feature} needs fail, and nothing else does"
                )
            }
            FindingKind::OneIssuer { issuer, product } => {
                write!(
                    f,
                    "{count} unrelated names show certificates of one issuer, {issuer}"
                )?;
                product
                    .as_ref()
                    .map_or(Ok(()), |product| write!(f, ", as {product} signs"))
            }
            FindingKind::OnlyIpv6 => {
                write!(
                    f,
                    "only IPv6 fails, for {count} targets: IPv4 works for all of them"
                )
            }
            FindingKind::SamePage { status, excerpt } => {
                write!(
                    f,
                    "{count} unrelated names answer with the same page ({status}): {excerpt}"
                )
            }
            FindingKind::Suffix { suffix } => {
                write!(
                    f,
                    "all {count} names that fail are below {suffix}, and none below it works"
                )
            }
        }
    }
}

/// What names are compared by to call them unrelated: the last two labels, or the address.
///
/// Coarser than a registry's list would have it, which errs towards calling names related.
fn site(host: &Host) -> String {
    let text = host.to_string();
    match host {
        Host::Ip(_) => text,
        Host::Name(_) => {
            let labels: Vec<&str> = text.rsplit('.').take(2).collect();
            labels.into_iter().rev().collect::<Vec<_>>().join(".")
        }
    }
}

/// Whether at least so many of the targets are unrelated.
fn unrelated(reports: &[&Report], least: usize) -> bool {
    let mut sites: Vec<String> = reports
        .iter()
        .map(|report| site(report.target.host()))
        .collect();
    sites.sort();
    sites.dedup();
    sites.len() >= least
}

fn targets(reports: &[&Report]) -> Vec<Target> {
    let mut targets: Vec<Target> = Vec::new();
    for report in reports {
        if !targets.contains(&report.target) {
            targets.push(report.target.clone());
        }
    }
    targets
}
