//! `HTTPS_PROXY` and `NO_PROXY`: the upstream proxy that the environment names, and its exceptions.
//!
//! No standard defines these variables. The dialect read here is that of Go's `httpproxy`, which most
//! agents on a server share, with curl's `ALL_PROXY`; where programs differ, this is what holds:
//!
//! **Which proxy.** The first of `HTTPS_PROXY`, `https_proxy`, `ALL_PROXY` and `all_proxy` that is set
//! and not empty. It is the upstream for every target, plain HTTP too.
//!
//! - `http://[user:password@]host:port`, or `host:port`, which means the same. Without a port it is 80.
//!   One slash at the end is dropped. A user and password may be percent-encoded.
//! - `https://…` and `socks5://…` are proxies inside TLS and SOCKS5 proxies. Other schemes are errors, not
//!   ignored: to go another way than the environment says would surprise.
//! - `HTTP_PROXY` and `http_proxy` are not used, and said so if they are all there is: a web server sets
//!   `HTTP_PROXY` from a request header (CVE-2016-5385).
//! - A value that points at an address of our own is ignored with a warning. It is how clients are
//!   pointed at Narrows, and to follow it would be a loop.
//!
//! **What goes directly.** The first of `NO_PROXY` and `no_proxy` that is set and not empty, and only
//! together with a proxy of the above. It is a list, separated by commas or white space:
//!
//! - `example.com` is that name and every name below it.
//! - `.example.com` and `*.example.com` are the names below it, not `example.com`.
//! - `192.0.2.1`, `2001:db8::1` and `[2001:db8::1]` are addresses, `192.0.2.0/24` is a network. They
//!   match targets that are written as addresses; nothing is resolved.
//! - `example.com:8080` and the like mean that port only.
//! - `*` as any of the entries means that there is no upstream at all.
//! - Case does not matter. An entry that is none of these is left out with a warning.
//! - `localhost` and loopback addresses go directly without being listed, as in Go. (curl asks the
//!   proxy for them.)

use std::net::{IpAddr, Ipv6Addr};

use narrows_endpoint::{Pattern, PatternError, PatternProblem, Source};
use narrows_upstream::ProxyUrl;

use narrows_service::problem::Problem;

/// What the environment says about an upstream.
#[derive(Debug, Default)]
pub struct Environment {
    /// The upstream and the variable that names it.
    pub upstream: Option<(ProxyUrl, Source)>,
    /// What does not go by that upstream, and the variable that says so.
    pub bypass: Vec<(Pattern, Source)>,
    /// What was left out, each a sentence for a person.
    pub warnings: Vec<String>,
}

/// The variables that may name the upstream, in order.
const PROXY: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// The variables that may list exceptions, in order.
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// Variables that name an upstream elsewhere, but not here.
const UNUSED: [&str; 2] = ["HTTP_PROXY", "http_proxy"];
/// What goes directly without being listed.
const IMPLIED: [&str; 3] = ["localhost", "127.0.0.0/8", "[::1]"];

impl Environment {
    /// Reads the variables through `lookup`. `is_own` says whether an upstream is one of our own
    /// addresses.
    ///
    /// # Errors
    ///
    /// The variable that counts does not name an upstream that can be used.
    pub fn read(
        lookup: impl Fn(&str) -> Option<String>,
        is_own: impl Fn(&ProxyUrl) -> bool,
    ) -> Result<Self, Problem> {
        let mut read = Self::default();
        let Some((name, value)) = first(&PROXY, &lookup) else {
            if let Some((name, _)) = first(&UNUSED, &lookup) {
                read.warn(format!(
                    "{name} is not used; set HTTPS_PROXY or --proxy to use an upstream"
                ));
            }
            return Ok(read);
        };
        let source = Source::Environment(name.into());
        let url = read_url(&value).map_err(|error| {
            Problem::new(source.clone(), error).hint("set http://host:port, or unset the variable")
        })?;
        if is_own(&url) {
            read.warn(format!(
                "{name} points at this proxy itself and is ignored; use --proxy for an upstream"
            ));
            return Ok(read);
        }
        if read.exceptions(&source, &lookup) {
            read.upstream = Some((url, source));
        }
        Ok(read)
    }

    /// Reads the exceptions from the upstream that `named_by` names; `false` if they leave no use for it.
    fn exceptions(&mut self, named_by: &Source, lookup: &impl Fn(&str) -> Option<String>) -> bool {
        if let Some((name, list)) = first(&NO_PROXY, lookup) {
            let source = Source::Environment(name.into());
            let separates = |c: char| c == ',' || c.is_whitespace();
            for entry in list.split(separates).filter(|entry| !entry.is_empty()) {
                if entry == "*" {
                    self.bypass.clear();
                    return false;
                }
                match read_entry(entry) {
                    Ok(patterns) => {
                        let patterns = patterns
                            .into_iter()
                            .map(|pattern| (pattern, source.clone()));
                        self.bypass.extend(patterns);
                    }
                    Err(error) => self.warn(format!("{name}: left out: {error}")),
                }
            }
        }
        let implied = IMPLIED.iter().filter_map(|text| text.parse().ok());
        self.bypass
            .extend(implied.map(|pattern| (pattern, named_by.clone())));
        true
    }

    fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }
}

/// The first variable that is set and not empty. Programs clear a variable by setting it empty.
fn first(
    names: &[&'static str],
    lookup: &impl Fn(&str) -> Option<String>,
) -> Option<(&'static str, String)> {
    names.iter().find_map(|&name| {
        let value = lookup(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| (name, value.to_owned()))
    })
}

/// Reads a URL the way the variables are written: the scheme and the port may be missing.
fn read_url(value: &str) -> Result<ProxyUrl, <ProxyUrl as std::str::FromStr>::Err> {
    let value = value.strip_suffix('/').unwrap_or(value);
    if value.contains("://") {
        value.parse()
    } else {
        format!("http://{value}").parse()
    }
}

/// The patterns that one entry stands for: one, or a name and the names below it.
fn read_entry(entry: &str) -> Result<Vec<Pattern>, PatternError> {
    if entry.parse::<Ipv6Addr>().is_ok() {
        return Ok(vec![format!("[{entry}]").parse()?]);
    }
    if let Some(below) = entry.strip_prefix('.') {
        return Ok(vec![format!("*.{below}").parse()?]);
    }
    let exact: Pattern = entry.parse()?;
    if entry.contains(['*', '/', '[']) || is_ipv4(entry) {
        return Ok(vec![exact]);
    }
    match format!("*.{entry}").parse::<Pattern>() {
        Ok(below) => Ok(vec![exact, below]),
        // `localhost`, `intranet`: one label has nothing below it that could be named in a rule.
        Err(error) if matches!(error.problem(), PatternProblem::PublicSuffix { .. }) => {
            Ok(vec![exact])
        }
        Err(error) => Err(error),
    }
}

fn is_ipv4(entry: &str) -> bool {
    let host = entry.split_once(':').map_or(entry, |(host, _)| host);
    host.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests;
