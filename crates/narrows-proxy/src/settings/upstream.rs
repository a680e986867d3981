//! The enterprise proxy, and who named it.

mod trust;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use narrows_connect::Credentials;
use narrows_endpoint::{Host, Level, Source, Target};
use narrows_upstream::{Authentication, BearerToken, ProxyUrl, TlsSettings};

use super::login::Login;
use super::{Merge, Rule};
use crate::config::{Loaded, Urls};
use crate::environment::Environment;
use narrows_service::problem::Problem;

/// The enterprise proxy, and who named it.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Where it is, with the credentials that belong to it.
    pub url: ProxyUrl,
    /// The flag, the variable or the line that names it.
    pub source: Source,
    /// Whom to trust as an `https` proxy, and the client certificate.
    pub tls: TlsSettings,
    /// The bearer token, if it wants one.
    pub token: Option<BearerToken>,
    /// By which schemes a password may go.
    pub authentication: Authentication,
}

const URL_HINT: &str = "write http://host:port, https://host:port or socks5://host:port, or http://user:password@host:port";

impl Upstream {
    fn new(url: ProxyUrl, source: Source) -> Self {
        Self {
            url,
            source,
            tls: TlsSettings::new(),
            token: None,
            authentication: Authentication::Auto,
        }
    }
}

impl Merge<'_> {
    /// The upstreams, and the rules that come with them: `NO_PROXY` belongs to `HTTPS_PROXY`.
    pub(super) fn upstreams(
        &mut self,
        own: &[SocketAddr],
        lookup: impl Fn(&str) -> Option<String>,
    ) -> (Vec<Upstream>, Vec<Rule>) {
        self.problems.extend(self.homeless_login());
        let named = self.named();
        if !named.is_empty() {
            let number = named.len();
            let mut upstreams: Vec<Upstream> = Vec::new();
            for (text, source) in named {
                let Some(upstream) = self.explicit(&text, source, own) else {
                    continue;
                };
                let twice = |other: &Upstream| other.url.endpoint() == upstream.url.endpoint();
                if upstreams.iter().any(twice) {
                    let message = format!("{} is named twice", upstream.url.endpoint());
                    let problem = Problem::new(upstream.source, message);
                    self.problems.push(problem.hint("name each proxy once"));
                } else {
                    upstreams.push(upstream);
                }
            }
            self.upstream_refused = upstreams.len() < number;
            self.with_login(&mut upstreams);
            let from_file = self.urls_are_the_files();
            self.with_trust(&mut upstreams, from_file);
            return (upstreams, Vec::new());
        }
        match Environment::read(lookup, |url| is_own(url.endpoint(), own)) {
            Ok(environment) => {
                let (mut upstreams, rules) = self.take(environment);
                self.with_trust(&mut upstreams, false);
                (upstreams, rules)
            }
            Err(problem) => {
                self.upstream_refused = true;
                self.problems.push(problem);
                (Vec::new(), Vec::new())
            }
        }
    }

    /// The URLs that a flag, its variable or the file names.
    fn named(&self) -> Vec<(String, Source)> {
        let option = self.options.proxy.as_deref().map(str::trim);
        if let Some(text) = option.filter(|text| !text.is_empty()) {
            let source = self.origins.of("proxy");
            let urls = split(text).into_iter();
            return urls.map(|url| (url, source.clone())).collect();
        }
        let Some(url) = self
            .loaded
            .and_then(|loaded| loaded.file.proxy.url.as_ref())
        else {
            return Vec::new();
        };
        match url.get_ref() {
            Urls::One(text) => vec![(text.clone(), self.place(url))],
            Urls::Many(urls) => urls
                .iter()
                .map(|text| (text.get_ref().clone(), self.place(text)))
                .collect(),
        }
    }

    /// Reads a URL that was named; its text may hold a password and is not repeated.
    fn explicit(&mut self, text: &str, source: Source, own: &[SocketAddr]) -> Option<Upstream> {
        let url: ProxyUrl = match text.parse() {
            Ok(url) => url,
            Err(error) => {
                let message = format!("the upstream proxy's URL is refused: {error}");
                self.problems
                    .push(Problem::new(source, message).hint(URL_HINT));
                return None;
            }
        };
        if is_own(url.endpoint(), own) {
            let message =
                format!("{url} is an address of this proxy itself: every request would loop");
            let problem = Problem::new(source, message);
            self.problems
                .push(problem.hint("name the enterprise proxy, or leave it out"));
            return None;
        }
        Some(Upstream::new(url, source))
    }

    /// A login of the file that has no URL there. To guess one would give the password to a proxy that
    /// somebody else named.
    fn homeless_login(&self) -> Option<Problem> {
        let loaded = self.loaded?;
        let proxy = &loaded.file.proxy;
        if proxy.url.is_some() {
            return None;
        }
        let (key, source) = trust::homeless(loaded)?;
        let message = format!("{key} belongs to proxy.url, and this file has none");
        let problem = Problem::new(source, message);
        Some(problem.hint(
            "write url = \"http://host:port\" beside it in [proxy]; the login for another URL belongs into that URL",
        ))
    }

    fn take(&mut self, environment: Environment) -> (Vec<Upstream>, Vec<Rule>) {
        self.warnings.extend(environment.warnings);
        let Some((url, source)) = environment.upstream else {
            return (Vec::new(), Vec::new());
        };
        let rules = environment
            .bypass
            .into_iter()
            .map(|(pattern, source)| Rule {
                level: Level::Bypass,
                pattern,
                source,
            });
        (vec![Upstream::new(url, source)], rules.collect())
    }

    /// Whether it is `proxy.url` that counts.
    fn urls_are_the_files(&self) -> bool {
        let option = self.options.proxy.as_deref().unwrap_or_default();
        let in_file = self
            .loaded
            .is_some_and(|loaded| loaded.file.proxy.url.is_some());
        in_file && option.trim().is_empty()
    }

    /// Adds `proxy.user` and its password to the URLs of `proxy.url` that have no login, and to no others.
    fn with_login(&mut self, upstreams: &mut [Upstream]) {
        let Some(loaded) = self.loaded else {
            return;
        };
        if !self.urls_are_the_files() || upstreams.is_empty() {
            return;
        }
        let bare = upstreams
            .iter_mut()
            .filter(|upstream| upstream.url.credentials().is_none());
        let mut bare: Vec<_> = bare.collect();
        match login(loaded, bare.is_empty()) {
            Ok(None) => {}
            Ok(Some(login)) => {
                for upstream in &mut bare {
                    upstream.url = upstream.url.clone().with_credentials(login.clone());
                }
            }
            Err(problem) => self.problems.push(problem),
        }
    }
}

/// The login that a file names beside the URLs.
fn login(loaded: &Loaded, all_have_one: bool) -> Result<Option<Credentials>, Problem> {
    let proxy = &loaded.file.proxy;
    let (user, file) = (proxy.user.as_ref(), proxy.password_file.as_ref());
    let Some(login) = Login::named(loaded, "proxy", user, file)? else {
        return Ok(None);
    };
    if all_have_one {
        let message = "proxy.user is a second login: the upstream's URL has one already";
        let problem = Problem::new(loaded.source(login.user), message);
        return Err(problem.hint("take it out of the URL"));
    }
    login.read(loaded).map(Some)
}

/// The URLs of a list with commas; a comma in a password is not followed by a URL.
fn split(text: &str) -> Vec<String> {
    let mut urls: Vec<String> = Vec::new();
    for piece in text.split(',') {
        match urls.last_mut() {
            Some(before) if !piece.contains("://") => {
                before.push(',');
                before.push_str(piece);
            }
            _ => urls.push(piece.trim().to_owned()),
        }
    }
    urls
}

/// Whether this is an address that we listen on, as far as can be known without resolving names.
pub(super) fn is_own(endpoint: &Target, own: &[SocketAddr]) -> bool {
    own.iter()
        .filter(|listen| listen.port() == endpoint.port())
        .any(|listen| match endpoint.host() {
            Host::Ip(ip) => reaches(*ip, listen.ip()),
            Host::Name(name) => {
                name.as_str() == "localhost"
                    && [
                        IpAddr::V4(Ipv4Addr::LOCALHOST),
                        IpAddr::V6(Ipv6Addr::LOCALHOST),
                    ]
                    .into_iter()
                    .any(|ip| reaches(ip, listen.ip()))
            }
        })
}

/// Whether connecting to `ip` arrives at a listener on `listen` of this machine.
pub(crate) fn reaches(ip: IpAddr, listen: IpAddr) -> bool {
    // Connecting to the unspecified address means this machine, as listening on it means all of it.
    ip == listen
        || (ip.is_loopback() || ip.is_unspecified()) && listen.is_unspecified()
        || ip.is_unspecified() && listen.is_loopback()
}
