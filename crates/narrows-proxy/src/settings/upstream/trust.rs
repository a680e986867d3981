//! Whom we trust as an `https` proxy, and what proves to proxies who we are.

use narrows_endpoint::{Host, Source};
use narrows_upstream::{
    Authentication, BearerToken, BearerTokenError, GatewayConfigError, ProxyScheme, TlsSettings,
};
use toml::Spanned;

use super::super::Merge;
use super::super::login::secret;
use super::Upstream;
use crate::config::{Loaded, ProxyAuthentication};
use narrows_service::files;
use narrows_service::problem::Problem;

const TOKEN_HINT: &str = "write the token alone into it, on one line, without the word Bearer";

impl Merge<'_> {
    /// Adds what the file says of all its proxies. `proxy.ca_file` serves proxies that others name too; what
    /// proves who we are belongs to `proxy.url` alone.
    pub(super) fn with_trust(&mut self, upstreams: &mut [Upstream], from_file: bool) {
        let Some(loaded) = self.loaded else {
            return;
        };
        let tls = self.keep_all(tls(loaded, from_file)).unwrap_or_default();
        let token = match from_file {
            true => self.keep_all(token(loaded, upstreams)).flatten(),
            false => None,
        };
        let authentication = match loaded.file.proxy.authentication {
            Some(ProxyAuthentication::Basic) => Authentication::Basic,
            Some(ProxyAuthentication::Digest) => Authentication::Digest,
            Some(ProxyAuthentication::Auto) | None => Authentication::Auto,
        };
        for upstream in upstreams {
            upstream.tls = tls.clone();
            upstream.token.clone_from(&token);
            upstream.authentication = authentication;
        }
    }

    fn keep_all<T>(&mut self, found: Result<T, Problem>) -> Option<T> {
        found.map_err(|problem| self.problems.push(problem)).ok()
    }
}

fn tls(loaded: &Loaded, from_file: bool) -> Result<TlsSettings, Problem> {
    let proxy = &loaded.file.proxy;
    let mut tls = TlsSettings::new();
    if let Some(file) = &proxy.ca_file {
        let pem = read(loaded, "proxy.ca_file", file)?;
        tls = tls.with_authorities(&pem).map_err(|error| {
            unfit(loaded, "proxy.ca_file", file, &error)
                .hint("name a file with CA certificates in PEM")
        })?;
    }
    match (&proxy.client_certificate_file, &proxy.client_key_file) {
        (Some(certificate), Some(key)) if from_file => {
            let chain_pem = read(loaded, "proxy.client_certificate_file", certificate)?;
            let key_pem = read(loaded, "proxy.client_key_file", key)?;
            tls.with_client_certificate(&chain_pem, &key_pem)
                .map_err(|error| match error {
                    GatewayConfigError::Key(_) => {
                        unfit(loaded, "proxy.client_key_file", key, &error)
                    }
                    _ => unfit(loaded, "proxy.client_certificate_file", certificate, &error),
                })
        }
        (Some(one), None) | (None, Some(one)) => {
            let message = "proxy.client_certificate_file and proxy.client_key_file belong together, and one of them is missing";
            Err(Problem::new(loaded.source(one), message).hint("write both, or neither"))
        }
        _ => Ok(tls),
    }
}

/// The token, which goes in clear to no other machine.
fn token(loaded: &Loaded, upstreams: &[Upstream]) -> Result<Option<BearerToken>, Problem> {
    let proxy = &loaded.file.proxy;
    let Some(file) = &proxy.token_file else {
        return Ok(None);
    };
    if let Some(user) = &proxy.user {
        let message = "proxy.user is a second kind of credentials beside proxy.token_file";
        return Err(Problem::new(loaded.source(user), message).hint("write one of them"));
    }
    for upstream in upstreams {
        let local = match upstream.url.endpoint().host() {
            Host::Ip(ip) => ip.is_loopback(),
            Host::Name(name) => name.as_str() == "localhost",
        };
        if upstream.url.scheme() != ProxyScheme::Https && !local {
            let message = format!(
                "proxy.token_file: the token would go to {} in clear",
                upstream.url
            );
            let problem = Problem::new(loaded.source(file), message);
            return Err(problem.hint("write https:// in proxy.url, or use proxy.user"));
        }
    }
    let text =
        secret(file.get_ref()).map_err(|error| unfit(loaded, "proxy.token_file", file, &error))?;
    let token = text.parse().map_err(|error: BearerTokenError| {
        unfit(loaded, "proxy.token_file", file, &error).hint(TOKEN_HINT)
    });
    token.map(Some)
}

/// What proves who we are, in a file that names no proxy: the key, its place, and the value.
pub(super) fn homeless(loaded: &Loaded) -> Option<(&'static str, Source)> {
    let proxy = &loaded.file.proxy;
    let keys = [
        ("proxy.user", &proxy.user),
        ("proxy.password_file", &proxy.password_file),
        ("proxy.token_file", &proxy.token_file),
        (
            "proxy.client_certificate_file",
            &proxy.client_certificate_file,
        ),
        ("proxy.client_key_file", &proxy.client_key_file),
    ];
    let mut keys = keys.into_iter();
    keys.find_map(|(key, value)| Some((key, loaded.source(value.as_ref()?))))
}

fn read(loaded: &Loaded, key: &str, file: &Spanned<String>) -> Result<Vec<u8>, Problem> {
    files::read(file.get_ref().as_ref()).map_err(|error| unfit(loaded, key, file, &error))
}

fn unfit(
    loaded: &Loaded,
    key: &str,
    file: &Spanned<String>,
    error: &dyn std::fmt::Display,
) -> Problem {
    let message = format!("{key}: {}: {error}", file.get_ref());
    Problem::new(loaded.source(file), message)
}
