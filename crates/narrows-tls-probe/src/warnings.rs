//! What a target has about it although it may be reachable.

use jiff::fmt::rfc2822;
use narrows_endpoint::AddressClass;

use crate::evidence::Evidence;
use crate::judge::certificate;
use crate::options::Options;
use crate::report::{ExperimentKind, Report};
use crate::verdict::Warning;
use crate::verdict_id::VerdictId as Id;
use crate::words::{Certainty, HelloSize, HopKind, Party, Step};

/// How far two clocks may be apart, in seconds, before one of them is wrong.
const MAX_SKEW: u64 = 5 * 60;

/// All of them, the addresses first.
pub(crate) fn warnings(report: &Report, options: &Options) -> Vec<Warning> {
    let mut found = Vec::new();
    found.extend(private(report, options));
    found.extend(half_broken(report));
    found.extend(certificate(report, options));
    found.extend(clock(report));
    found.extend(large_hello(report));
    found
}

fn warning(id: Id, certainty: Certainty, sentence: String) -> Warning {
    Warning {
        id,
        party: id.party(),
        certainty,
        sentence,
    }
}

/// Addresses that a public name does not have.
fn private(report: &Report, options: &Options) -> Option<Warning> {
    if options.expect_private || report.target.host().to_string() == "localhost" {
        return None;
    }
    let resolved = report
        .steps
        .iter()
        .find_map(|step| match step.evidence.as_ref()? {
            Evidence::Resolve(resolve) if step.to == report.target => Some(&resolve.addresses),
            _ => None,
        })?;
    let odd = resolved
        .iter()
        .find(|address| !AddressClass::of(**address).is_public())?;
    let class = AddressClass::of(*odd);
    let id = match class {
        AddressClass::CarrierNat | AddressClass::Private => Id::DnsPrivateAddress,
        AddressClass::Loopback | AddressClass::Unspecified => Id::DnsSinkhole,
        _ => Id::DnsBogon,
    };
    let sentence = format!("{} resolves to {odd} ({class})", report.target.host());
    Some(warning(id, Certainty::Likely, sentence))
}

/// Addresses that fail while another one works.
fn half_broken(report: &Report) -> Vec<Warning> {
    let failing: Vec<_> = report
        .addresses
        .iter()
        .filter(|each| !each.verdict.is_reachable())
        .collect();
    if !report.is_reachable() || failing.is_empty() {
        return Vec::new();
    }
    let six = failing.iter().all(|each| each.address.is_ipv6());
    let all_six = report
        .addresses
        .iter()
        .filter(|each| each.address.is_ipv6())
        .count();
    let only_six = six && all_six == failing.len();
    let lead = if only_six {
        "only IPv6 fails: "
    } else {
        "one of several addresses fails: "
    };
    let each = failing.iter().map(|each| Warning {
        id: each.verdict.id,
        party: each.verdict.party,
        certainty: each.verdict.certainty,
        sentence: format!("{lead}{}", each.verdict.sentence),
    });
    each.collect()
}

/// What an accepted certificate shows: a device that signs in the service's place, or its end.
fn certificate(report: &Report, options: &Options) -> Vec<Warning> {
    let evidence = report
        .step(Step::Certificate)
        .filter(|step| step.hop == HopKind::Target);
    let Some(Evidence::Certificate(evidence)) = evidence.and_then(|step| step.evidence.as_ref())
    else {
        return Vec::new();
    };
    if evidence.fault.is_some() {
        return Vec::new();
    }
    let judgement = certificate::read(&report.target, evidence, options.expiring);
    // A guess is no reason to warn: whoever runs a private authority has new certificates of it.
    let found = judgement.interception.iter();
    let found = found.filter(|found| found.certainty > Certainty::Guess);
    let intercepted = found.map(|found| {
        warning(
            Id::CertIntercepted,
            found.certainty,
            certificate::describe(found),
        )
    });
    let faults = judgement.faults.iter();
    let faults = faults.map(|fault| warning(fault.id(), fault.certainty(), fault.to_string()));
    intercepted.chain(faults).collect()
}

/// The answer's own time, against this machine's at the handshake.
fn clock(report: &Report) -> Option<Warning> {
    let at = report
        .steps
        .iter()
        .rev()
        .find_map(|step| match step.evidence.as_ref()? {
            Evidence::Certificate(certificate) => Some(certificate.at),
            _ => None,
        })?;
    let date = report
        .steps
        .iter()
        .rev()
        .find_map(|step| match step.evidence.as_ref()? {
            Evidence::Http(http) => http.answer.as_ref()?.header("date"),
            _ => None,
        })?;
    let date = rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    let off = i64::try_from(at).ok()?.checked_sub(date.as_second())?;
    if off.unsigned_abs() < MAX_SKEW {
        return None;
    }
    let (minutes, way) = (
        off.unsigned_abs() / 60,
        if off > 0 { "ahead of" } else { "behind" },
    );
    let sentence = format!("this machine's clock is {minutes} minutes {way} the service's");
    Some(warning(Id::CertClockSkew, Certainty::Likely, sentence))
}

/// A large hello that fails where the small one succeeded.
fn large_hello(report: &Report) -> Option<Warning> {
    let large = ExperimentKind::Hello {
        size: HelloSize::Large,
    };
    let tried: Vec<_> = report
        .experiments
        .iter()
        .filter(|each| each.kind == large)
        .collect();
    if !report.is_reachable() || tried.is_empty() || tried.iter().any(|each| each.answered) {
        return None;
    }
    let how = tried
        .iter()
        .find_map(|each| each.failure)
        .map_or("fails", Id::summary);
    let sentence = format!("a small ClientHello succeeds and a large one does not: {how}");
    let mut warning = warning(Id::TlsLargeHelloIntolerant, Certainty::Likely, sentence);
    warning.party = Party::Firewall;
    Some(warning)
}
