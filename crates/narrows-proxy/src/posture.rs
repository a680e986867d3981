//! The effective posture: what settings come to, for people, and as a digest by which two are compared.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use narrows_endpoint::{Level, RuleSet};
use narrows_upstream::TlsSettings;

use crate::settings::Settings;
use crate::ways;

/// SHA-256, as 64 lower-case hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for octet in digest(&SHA256, bytes).as_ref() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02x}");
    }
    text
}

/// A digest of what settings come to: `sha256:` and 16 hexadecimal digits.
///
/// Two machines with the same digest decide alike and go the same ways. Comments, the order of rules and
/// where something is written do not count. Secrets do not either: a digest that is shown must not help to
/// guess one.
pub fn fingerprint(settings: &Settings) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "default {}", settings.default.0);
    let _ = writeln!(text, "listen {:?}", settings.listen);
    let _ = writeln!(text, "log {:?}", settings.log);
    let _ = writeln!(text, "server {:?}", settings.server);
    let _ = writeln!(text, "reach {}", settings.reach);
    let _ = writeln!(text, "report only {}", settings.report_only);
    let _ = writeln!(text, "timeouts {:?}", settings.timeouts);
    let _ = writeln!(text, "upstream {}", ways::upstream_urls(settings).join(" "));
    for upstream in &settings.upstreams {
        let (mode, token) = (&upstream.authentication, upstream.token.is_some());
        let trust = trust(&upstream.tls);
        let _ = writeln!(text, "authentication {mode:?} {token} trust {trust}");
    }
    let gateway = &settings.gateway;
    if let Some(leg) = &gateway.leg {
        let _ = writeln!(text, "gateway trust {}", trust(leg.config.tls()));
    }
    let leg = gateway.leg.as_ref().map(|leg| {
        let (address, protocol) = (&leg.address, leg.protocol());
        format!("{address} {protocol} {}", leg.through_proxy)
    });
    let _ = writeln!(
        text,
        "gateway {} {leg:?} {} {}",
        gateway.used, gateway.fallback, gateway.optimistic
    );
    let rules = settings.rules.iter();
    let rules: BTreeSet<_> = rules
        .map(|rule| rule_text(rule.level, &rule.pattern))
        .collect();
    for rule in &rules {
        let _ = writeln!(text, "rule {rule}");
    }
    if let Some(catalogue) = &settings.catalogue {
        let _ = writeln!(text, "catalogue {}", catalogue.date());
        for pattern in catalogue.carried() {
            let _ = writeln!(text, "carried {pattern}");
        }
        for row in catalogue.never_gateway() {
            let _ = writeln!(text, "never {}", row.pattern);
        }
    }
    format!("sha256:{}", &sha256(text.as_bytes())[..16])
}

/// What settings come to, a row for each thing, in the manner of `azcmagent show`.
pub fn report(settings: &Settings, rules: &RuleSet) -> String {
    let listen: Vec<_> = settings.listen.iter().map(ToString::to_string).collect();
    let clients: Vec<_> = settings
        .server
        .clients
        .iter()
        .map(ToString::to_string)
        .collect();
    let clients = match clients.is_empty() {
        true => "this machine alone".to_owned(),
        false => format!("this machine, {}", clients.join(", ")),
    };
    let reach = match settings.server.clients.is_empty() {
        true => "no client is on another machine".to_owned(),
        false => settings.reach.to_string(),
    };
    let (route, source) = &settings.default;
    let own = settings.rules.len();
    let by_level = [
        ("deny", Level::Deny),
        ("never by the gateway", Level::Never),
        ("bypass", Level::Bypass),
        ("by the gateway", Level::Carried),
    ];
    let counts = by_level.map(|(name, level)| {
        let of_level = settings.rules.iter().filter(|rule| rule.level == level);
        format!("{} {name}", of_level.count())
    });
    let catalogue = match &settings.catalogue {
        Some(catalogue) => format!("of {}", catalogue.date()),
        None => "switched off".to_owned(),
    };
    let log = settings.log.iter().map(ToString::to_string);
    let log = log.collect::<Vec<_>>().join(", ");
    let (upstream, gateway) = ways::ways_in_words(settings);
    let rows = [
        ("Listening on", listen.join(", ")),
        ("Clients", clients),
        ("Direct reach of clients elsewhere", reach),
        ("Upstream proxy", upstream),
        ("Gateway", gateway),
        ("Default route", format!("{route} ({source})")),
        (
            "Rules",
            format!("{} ({own} of the configuration)", rules.len()),
        ),
        ("Rules of the configuration", counts.join(", ")),
        ("Catalogue", catalogue),
        ("Tunnel log", log),
        ("Hash", fingerprint(settings)),
    ];
    let rows = rows
        .iter()
        .map(|(key, value)| format!("{key:<40}: {value}\n"));
    rows.collect()
}

/// Who is trusted beside the system's authorities, in whatever order, and which certificate is shown.
fn trust(tls: &TlsSettings) -> String {
    let authorities: BTreeSet<_> = tls.authorities().map(sha256).collect();
    let shown = tls.client_certificate().map(sha256);
    format!("{authorities:?} {shown:?}")
}

fn rule_text(level: Level, pattern: &narrows_endpoint::Pattern) -> String {
    let level = match level {
        Level::Deny => "deny",
        Level::Never => "never",
        Level::Bypass => "bypass",
        Level::Carried => "gateway",
        Level::Default => "default",
    };
    format!("{level} {pattern}")
}

#[cfg(test)]
mod tests;
