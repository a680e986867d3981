//! What the same target over several paths says together.

use narrows_tls_probe::{Report, VerdictId};

use super::Tested;

/// One sentence about the difference between the paths to one target, if there is something to say.
///
/// A path is direct or leads through something; which of several proxies or gateways it was stands in
/// the label. Nothing is said of a target that is reachable over every path.
pub fn read(of_one_target: &[&Tested]) -> Option<String> {
    let reports = || of_one_target.iter().map(|one| &one.report);
    let failing: Vec<&Report> = reports().filter(|report| !report.is_reachable()).collect();
    let good: Vec<&str> = reports()
        .filter(|report| report.is_reachable())
        .map(|report| &*report.path)
        .collect();
    let intercepted = |report: &&Report| is_intercepted(report);
    let opened: Vec<&str> = reports()
        .filter(intercepted)
        .map(|report| &*report.path)
        .collect();
    if of_one_target.len() < 2 || (failing.is_empty() && opened.is_empty()) {
        return None;
    }
    if failing.len() == of_one_target.len() {
        return Some(everywhere(&failing));
    }
    if !opened.is_empty() && opened.len() < of_one_target.len() {
        return Some(format!(
            "TLS is opened by a device on the path {}, and not on the others: exempt the name there",
            opened.join(" and ")
        ));
    }
    Some(some_fail(failing.first()?, &good.join(" and ")))
}

/// What it means that this path fails while those that are good do not.
fn some_fail(failing: &Report, good: &str) -> String {
    match (&*failing.path, failing.verdict.id) {
        ("direct", id) if id.family() == "tls" || id.family() == "tcp" => format!(
            "the direct way is filtered, {good} is not: as it should be where everything goes by {good}"
        ),
        ("direct", id) => format!("only the direct way fails ({id}); {good} does not need it"),
        (path, VerdictId::ProxyDenied) if path.starts_with("gateway") => {
            format!("the gateway does not carry this name: it must be open by {good}")
        }
        (path, VerdictId::ProxyDenied) => {
            format!("the list of {path} lacks this name; {good} reaches it")
        }
        (path, VerdictId::ProxyAuthRequired) => {
            format!("{path} wants credentials; {good} reaches the target")
        }
        (path, id) if id.family() == "proxy" => {
            format!("{path} is to blame, not the target: {good} reaches it")
        }
        (path, id) => format!("what breaks it ({id}) is behind {path}: {good} reaches the target"),
    }
}

fn everywhere(failing: &[&Report]) -> String {
    let ids: std::collections::BTreeSet<_> = failing
        .iter()
        .map(|report| report.verdict.id.as_str())
        .collect();
    if ids.len() == 1 {
        let id = failing[0].verdict.id;
        return format!(
            "every path fails alike ({id}): the target itself, or this machine's clock or trust store"
        );
    }
    "every path fails, each in its own way: see them one by one".to_owned()
}

fn is_intercepted(report: &Report) -> bool {
    let id = VerdictId::CertIntercepted;
    report.verdict.id == id || report.warnings.iter().any(|warning| warning.id == id)
}
