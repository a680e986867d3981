//! What is wrong with a name's addresses, or with the TCP connection.

use std::time::Duration;

use narrows_endpoint::{AddressClass, Target};

use super::{Finding, ms, usable};
use crate::evidence::{ConnectEvidence, ConnectFault, ResolveEvidence, ResolveFault};
use crate::verdict_id::VerdictId as Id;
use crate::words::Certainty;

pub(super) fn resolve(
    to: &Target,
    elapsed: Duration,
    evidence: &ResolveEvidence,
) -> Option<Finding> {
    let host = to.host();
    let finding = match &evidence.fault {
        None => return unusable(to, evidence),
        Some(ResolveFault::NotFound) => {
            let text = format!("{host} does not exist, says this machine's resolver");
            Finding::new(Id::DnsNxdomain, Certainty::Likely, text)
        }
        Some(ResolveFault::NoAddress) => {
            let text = format!("{host} exists and has no address, says this machine's resolver");
            Finding::new(Id::DnsNoAddress, Certainty::Likely, text)
        }
        Some(ResolveFault::Timeout) => {
            let text = format!(
                "this machine's resolver said nothing about {host} in {}",
                ms(elapsed)
            );
            Finding::new(Id::DnsTimeout, Certainty::Likely, text)
        }
        Some(ResolveFault::Failed(why)) => {
            let text = format!("this machine's resolver could not answer for {host}: {why}");
            Finding::new(Id::DnsServerError, Certainty::Likely, text)
        }
    };
    Some(finding)
}

/// Addresses that no service can have, and nothing else.
fn unusable(to: &Target, evidence: &ResolveEvidence) -> Option<Finding> {
    let first = *evidence.addresses.first()?;
    if evidence.addresses.iter().any(|address| usable(*address)) {
        return None;
    }
    let class = AddressClass::of(first);
    let text = format!("{} resolves to {first} ({class})", to.host());
    Some(match class {
        AddressClass::Unspecified => Finding::new(Id::DnsSinkhole, Certainty::Proved, text),
        _ => Finding::new(Id::DnsBogon, Certainty::Proved, text),
    })
}

pub(super) fn connect(elapsed: Duration, evidence: &ConnectEvidence) -> Option<Finding> {
    let (peer, took) = (evidence.peer, ms(elapsed));
    let (id, certainty, text) = match evidence.fault.as_ref()? {
        ConnectFault::Denied => (
            Id::TcpLocalDenied,
            Certainty::Proved,
            format!("this machine forbids the connection to {peer}"),
        ),
        ConnectFault::Exhausted(why) => (
            Id::TcpLocalResources,
            Certainty::Proved,
            format!("this machine could not even try {peer}: {why}"),
        ),
        ConnectFault::Refused => (
            Id::TcpRefused,
            Certainty::Guess,
            format!("{peer} refused the connection after {took}"),
        ),
        ConnectFault::Reset => (
            Id::TcpResetOnAccept,
            Certainty::Guess,
            format!("{peer} reset the connection after {took}, before anything was sent"),
        ),
        ConnectFault::Timeout => (
            Id::TcpTimeout,
            Certainty::Likely,
            format!("no answer from {peer} in {took}"),
        ),
        ConnectFault::Unreachable(why) | ConnectFault::Other(why) => (
            Id::TcpUnreachable,
            Certainty::Likely,
            format!("no way to {peer}: {why}"),
        ),
    };
    Some(Finding::new(id, certainty, text))
}
