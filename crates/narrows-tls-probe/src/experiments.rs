//! Follow-up connections: which ones are worth making after a failure, and making them.

use std::net::SocketAddr;
use std::num::NonZeroU16;

use narrows_endpoint::Target;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::evidence::{Evidence, TlsEvidence};
use crate::hello::OldHello;
use crate::judge::{is_cut, judge};
use crate::options::Options;
use crate::report::{Experiment, ExperimentKind, StepReport};
use crate::tls::Hello;
use crate::verdict::Verdict;
use crate::verdict_id::VerdictId as Id;
use crate::walk::{TARGET_ALPN, Walk};
use crate::words::{HelloSize, HopKind, Step};

/// The most extra connections that explaining one failing target may take. A passing one takes none,
/// unless a large ClientHello is asked for.
pub const MAX_EXPERIMENTS: usize = 8;

/// How many neutral names are tried on one target.
const MAX_NEUTRAL: usize = 2;

/// What to try after this verdict, in this order. Never more than [`MAX_EXPERIMENTS`].
///
/// The controls come first and the target's own name comes right after them, so that a disturbance that
/// passes does not look like a filter.
pub(crate) fn plan(verdict: &Verdict, target: &Target, options: &Options) -> Vec<ExperimentKind> {
    use ExperimentKind as Kind;
    let large = Kind::Hello {
        size: HelloSize::Large,
    };
    if verdict.is_reachable() {
        return if options.large_hello {
            vec![large]
        } else {
            Vec::new()
        };
    }
    if !options.experiments {
        return Vec::new();
    }
    let named = target.host().name().is_some();
    let neutral = options
        .neutral
        .iter()
        .filter(|name| target.host().name() != Some(*name));
    let neutral = neutral.take(MAX_NEUTRAL).map(|name| Kind::OtherName {
        sni: name.to_string(),
    });
    match verdict.because.unwrap_or(verdict.id) {
        id if is_cut(id) && verdict.step == Step::Tls => {
            let mut plan: Vec<_> = neutral.collect();
            plan.extend(named.then_some(Kind::NoName));
            plan.extend([Kind::Again, large]);
            plan.extend((target.port() == HTTPS).then_some(Kind::PlainHttp));
            plan
        }
        Id::TlsVersionUnsupported | Id::TlsNoCommonCipher => old_hellos(),
        Id::TlsAlert(alert) if matches!(alert.0, 40 | 47 | 70 | 71) => old_hellos(),
        _ => Vec::new(),
    }
}

/// Makes the connections: the controls at once, and when they are over the rest at once.
///
/// # Cancel safety
///
/// Cancel safe: dropping the future closes what it opened.
pub(crate) async fn run(
    plan: Vec<ExperimentKind>,
    walk: &Walk,
    address: SocketAddr,
    target: &Target,
) -> Vec<Experiment> {
    let plan = plan.into_iter().take(MAX_EXPERIMENTS);
    let (controls, rest) = plan.partition(is_control);
    let mut done = at_once(controls, walk, address, target).await;
    done.extend(at_once(rest, walk, address, target).await);
    done
}

/// Whether it must be over before the target's own name is tried again.
fn is_control(kind: &ExperimentKind) -> bool {
    use ExperimentKind as Kind;
    matches!(kind, Kind::NoName | Kind::OtherName { .. })
}

async fn at_once(
    kinds: Vec<ExperimentKind>,
    walk: &Walk,
    address: SocketAddr,
    target: &Target,
) -> Vec<Experiment> {
    let mut running = JoinSet::new();
    for (at, kind) in kinds.into_iter().enumerate() {
        let experiment = one(kind, walk.again(), address, target.clone());
        running.spawn(async move { (at, experiment.await) });
    }
    let mut done = running.join_all().await;
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, experiment)| experiment).collect()
}

async fn one(
    kind: ExperimentKind,
    mut walk: Walk,
    address: SocketAddr,
    target: Target,
) -> Experiment {
    let started = Instant::now();
    let deadline = walk.shared.options.deadlines.experiment;
    let mut kind = kind;
    // Running out of time leaves the steps that were taken.
    let _ = timeout(deadline, make(&mut kind, &mut walk, address, &target)).await;
    let shaken: Vec<_> = walk
        .steps
        .iter()
        .filter(|step| step.step != Step::Certificate)
        .cloned()
        .collect();
    let verdict = judge(&shaken, &[]);
    Experiment {
        answered: walk.steps.last().is_some_and(answered),
        failure: Some(verdict.id).filter(|_| !verdict.is_reachable()),
        kind,
        steps: walk.steps,
        started: started.saturating_duration_since(walk.start),
        elapsed: started.elapsed(),
    }
}

async fn make(kind: &mut ExperimentKind, walk: &mut Walk, address: SocketAddr, target: &Target) {
    let mut host = target.host().clone();
    let (mut named, mut size) = (true, HelloSize::Small);
    match kind {
        ExperimentKind::Again => {}
        ExperimentKind::NoName => named = false,
        ExperimentKind::Hello { size: wanted } => size = *wanted,
        ExperimentKind::OtherName { sni } => match sni.parse() {
            Ok(other) => host = other,
            Err(_) => return,
        },
        ExperimentKind::OldHello { version, chose } => {
            let hello = OldHello::ALL
                .into_iter()
                .find(|hello| hello.version().to_string() == *version);
            if let Some(hello) = hello {
                *chose = old_hello(hello, walk, address, target).await;
            }
            return;
        }
        ExperimentKind::PlainHttp => return plain_http(walk, address, target).await,
    }
    let Some(reached) = walk.reach(address, target).await else {
        return;
    };
    let hello = Hello {
        host: &host,
        named,
        size,
        alpn: TARGET_ALPN,
        verifier: None,
    };
    // Nothing is sent on what comes of it: a handshake was all that was to be seen.
    walk.shake(reached, &hello, target).await;
}

async fn old_hello(
    hello: OldHello,
    walk: &mut Walk,
    address: SocketAddr,
    target: &Target,
) -> Option<String> {
    let reached = walk.reach(address, target).await?;
    let started = Instant::now();
    let deadline = walk.shared.options.deadlines.tls;
    let greeted = walk
        .shared
        .tls
        .greet(reached, hello, target.host(), deadline)
        .await;
    let (evidence, chose) = greeted;
    walk.note(
        Step::Tls,
        (HopKind::Target, target),
        started,
        Evidence::Tls(Box::new(evidence)),
    );
    chose
}

/// Asks on port 80 for what was denied without a word on the other.
async fn plain_http(walk: &mut Walk, address: SocketAddr, target: &Target) {
    let target = Target::new(target.host().clone(), HTTP);
    let address = match walk.path.hops() {
        [] => SocketAddr::new(address.ip(), HTTP.get()),
        _ => address,
    };
    if let Some((io, early)) = walk.reach(address, &target).await {
        let mut io = crate::wire::Wire::new(io, early);
        walk.http(&mut io, &target, false).await;
    }
}

/// Whether the last step of an experiment heard what it was made to hear.
fn answered(step: &StepReport) -> bool {
    match step.evidence.as_ref() {
        Some(Evidence::Certificate(_)) => true,
        Some(Evidence::Tls(tls)) => spoke(tls),
        Some(Evidence::Http(http)) => http.answer.is_some(),
        _ => false,
    }
}

/// Whether a ServerHello came.
fn spoke(tls: &TlsEvidence) -> bool {
    tls.completed || tls.version.is_some()
}

/// Newest first: the first that is answered says what the server still speaks.
fn old_hellos() -> Vec<ExperimentKind> {
    let hello = |hello: OldHello| ExperimentKind::OldHello {
        version: hello.version().to_string(),
        chose: None,
    };
    OldHello::ALL.map(hello).to_vec()
}

const HTTP: NonZeroU16 = NonZeroU16::new(80).expect("not zero");
const HTTPS: u16 = 443;

#[cfg(test)]
mod tests;
