//! The gateway: where it is, the way to it, and what serves where it does not.

mod trust;

use std::net::SocketAddr;

use narrows_endpoint::{Host, Level, Route, Source, Target};
use narrows_upstream::{GatewayConfig, Protocol};
use toml::Spanned;

use super::upstream::is_own;
use super::{LISTEN, Merge, Rule};
use crate::config::{self, ConnectionType, Fallback, Loaded};
use narrows_service::problem::Problem;

/// What becomes of targets that the gateway carries.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Whether anything is decided as `gateway` at all.
    pub used: bool,
    /// The way to the gateway, if one is configured and used.
    pub leg: Option<Leg>,
    /// What serves where the gateway does not: the proxy, direct, or [`Route::Deny`].
    pub fallback: Route,
    /// Whether clients are answered before the gateway has.
    pub optimistic: bool,
}

/// The way to the gateway.
#[derive(Clone, Debug)]
pub struct Leg {
    /// The gateway's host and port.
    pub address: Target,
    /// Address, protocol, trust and credentials; the proxy on the way is not in it.
    pub config: GatewayConfig,
    /// Which protocols are offered.
    pub protocol: Protocol,
    /// The flag, the variable or the line that names the gateway.
    pub source: Source,
    /// Whether the enterprise proxy is on the way.
    pub through_proxy: bool,
}

/// A text that a flag, its variable or a key of the file gives.
struct Given {
    /// The key with a colon, before messages; empty for a flag, which is its own key.
    key: &'static str,
    source: Source,
    text: String,
}

const URL_HINT: &str = "write https://gw.example.net, or https://gw.example.net:8443";

// === impl Leg ===

impl Leg {
    /// The word for the protocols that are offered.
    pub const fn protocol(&self) -> &'static str {
        match self.protocol {
            Protocol::Auto => "auto",
            Protocol::H1 => "h1",
            Protocol::H2 => "h2",
        }
    }
}

// === impl Given ===

impl Given {
    fn problem(&self, message: impl std::fmt::Display) -> Problem {
        Problem::new(self.source.clone(), format!("{}{message}", self.key))
    }

    /// A problem of the file that the text names.
    fn file_problem(&self, error: impl std::fmt::Display) -> Problem {
        self.problem(format_args!("{}: {error}", self.text))
    }
}

// === impl Merge ===

impl<'a> Merge<'a> {
    /// What becomes of targets that the gateway carries, with or without an upstream proxy.
    pub(super) fn gateway(
        &mut self,
        own: &[SocketAddr],
        upstream: bool,
        rules: &[Rule],
    ) -> Gateway {
        let url = self.gateway_url();
        let used = self.connection_type(url.as_ref());
        let leg = match url {
            Some(url) => self.leg(&url, own, upstream, rules),
            None => {
                self.warn_of_unused_credentials();
                None
            }
        };
        Gateway {
            used,
            leg: leg.filter(|_| used),
            fallback: self.fallback(upstream),
            optimistic: self
                .gateway_section()
                .is_some_and(|section| section.optimistic),
        }
    }

    /// Whether anything is decided as `gateway`; judges what `connection.type` says.
    fn connection_type(&mut self, url: Option<&Given>) -> bool {
        let kind = self.loaded.and_then(|loaded| {
            let kind = loaded.file.connection.kind.as_ref()?;
            Some((*kind.get_ref(), loaded.source(kind)))
        });
        match (kind, url) {
            (Some((ConnectionType::Gateway, source)), None) => {
                let message = "connection.type is \"gateway\", but gateway.url is missing";
                let problem = Problem::new(source, message);
                self.problems
                    .push(problem.hint("name it in [gateway]: url = \"https://gw.example.net\""));
                true
            }
            (Some((ConnectionType::Direct, _)), url) => {
                let rules = self.loaded.map(|loaded| &loaded.file.rules.gateway);
                let named = url.filter(|url| url.key.is_empty());
                let unused = [
                    named.map(|url| url.source.to_string()),
                    rules
                        .filter(|rules| !rules.is_empty())
                        .map(|_| "rules.gateway".to_owned()),
                ];
                for what in unused.into_iter().flatten() {
                    self.warnings.push(format!(
                        "{what} is not used, because connection.type is \"direct\""
                    ));
                }
                false
            }
            _ => true,
        }
    }

    /// What serves where the gateway does not.
    fn fallback(&mut self, upstream: bool) -> Route {
        let word = self.loaded.and_then(|loaded| {
            let word = loaded.file.gateway.fallback.as_ref()?;
            Some((*word.get_ref(), loaded.source(word)))
        });
        match word {
            None if upstream => Route::Proxy,
            None | Some((Fallback::Direct, _)) => Route::Direct,
            Some((Fallback::None, _)) => Route::Deny,
            Some((Fallback::Proxy, source)) => {
                self.needs_upstream(upstream, "gateway.fallback is \"proxy\"", source);
                Route::Proxy
            }
        }
    }

    /// The gateway that is named. A URL that is refused does not hide what else is wrong with it.
    fn leg(
        &mut self,
        url: &Given,
        own: &[SocketAddr],
        upstream: bool,
        rules: &[Rule],
    ) -> Option<Leg> {
        let address = match read_url(url, own) {
            Ok(address) => Some(address),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        };
        let protocol = match self.gateway_section().and_then(|section| section.protocol) {
            None | Some(config::GatewayProtocol::Auto) => Protocol::Auto,
            Some(config::GatewayProtocol::H1) => Protocol::H1,
            Some(config::GatewayProtocol::H2) => Protocol::H2,
        };
        let stand_in = || Target::new(Host::Ip(LISTEN.ip()), crate::HTTPS);
        let config = GatewayConfig::new(address.clone().unwrap_or_else(stand_in));
        let config = self.with_authorities(config.with_protocol(protocol));
        let config = self.with_identity(config);
        let config = match self.gateway_credentials() {
            Some(credentials) => config.with_credentials(credentials),
            None => config,
        };
        let through_proxy = self.through_proxy(address.as_ref(), upstream, rules);
        Some(Leg {
            address: address?,
            config,
            protocol,
            source: url.source.clone(),
            through_proxy,
        })
    }

    /// Whether the upstream proxy is on the way: as the file says, else if there is one and no bypass
    /// rule names the gateway.
    fn through_proxy(&mut self, address: Option<&Target>, upstream: bool, rules: &[Rule]) -> bool {
        let said = self.loaded.and_then(|loaded| {
            let said = loaded.file.gateway.through_proxy.as_ref()?;
            Some((*said.get_ref(), loaded.source(said)))
        });
        match said {
            Some((true, source)) => {
                self.needs_upstream(upstream, "gateway.through_proxy is true", source);
                upstream
            }
            Some((false, _)) => false,
            None => {
                let bypassed = |address: &Target| {
                    rules
                        .iter()
                        .any(|rule| rule.level == Level::Bypass && rule.pattern.matches(address))
                };
                upstream && !address.is_some_and(bypassed)
            }
        }
    }

    fn gateway_url(&self) -> Option<Given> {
        let option = self.options.gateway.as_deref();
        let section = self.gateway_section();
        let key = section.and_then(|section| section.url.as_ref());
        self.given("gateway", option, "gateway.url: ", key)
    }

    fn gateway_section(&self) -> Option<&'a config::Gateway> {
        self.loaded.map(|loaded| &loaded.file.gateway)
    }

    /// What the flag or its variable gives, else the file.
    fn given(
        &self,
        flag: &str,
        option: Option<&str>,
        key: &'static str,
        in_file: Option<&Spanned<String>>,
    ) -> Option<Given> {
        let option = option.map(str::trim).filter(|text| !text.is_empty());
        match (option, self.loaded, in_file) {
            (Some(text), _, _) => Some(Given {
                key: "",
                source: self.origins.of(flag),
                text: text.to_owned(),
            }),
            (None, Some(loaded), Some(text)) => Some(given_by(loaded, key, text)),
            _ => None,
        }
    }

    /// Takes a value, or notes the problem.
    fn keep<T>(&mut self, found: Result<T, Problem>) -> Option<T> {
        found.map_err(|problem| self.problems.push(problem)).ok()
    }
}

fn given_by(loaded: &Loaded, key: &'static str, text: &Spanned<String>) -> Given {
    Given {
        key,
        source: loaded.source(text),
        text: text.get_ref().clone(),
    }
}

/// Reads `https://host[:port]`, with or without one slash at the end.
fn read_url(url: &Given, own: &[SocketAddr]) -> Result<Target, Problem> {
    let read = |text: &str| {
        let authority = text.strip_prefix("https://")?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        Target::with_default_port(authority, crate::HTTPS).ok()
    };
    let Some(address) = read(&url.text) else {
        if url.text.contains('@') {
            let message = "the URL holds a user or a password, which do not belong there";
            let hint = "put the password into the file that gateway.password_file names";
            return Err(url.problem(message).hint(hint));
        }
        let message = format!("{:?} is not an https URL of a host and port", url.text);
        return Err(url.problem(message).hint(URL_HINT));
    };
    if is_own(&address, own) {
        let message =
            format!("{address} is an address of this proxy itself: every tunnel would loop");
        return Err(url
            .problem(message)
            .hint("name the gateway, or leave it out"));
    }
    Ok(address)
}

#[cfg(test)]
mod tests;
