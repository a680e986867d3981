//! [`Via`]: the path by which a target is reached.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use clap::Args;
use narrows_endpoint::Target;
use narrows_tls_probe::{self as probe, Authorization, Hop};
use narrows_upstream::{
    Dialer, Gateway, GatewayConfig, GatewayCredentials, ProxyScheme, ProxyUrl, ProxyUrlError,
    Upstream,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::fault::Fault;
use crate::selection::read_target;

/// Where narrows-proxy listens on a machine.
const LOCAL: &str = "http://127.0.0.1:40343";

/// The path by which a target is reached, as it stands on the command line.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Via {
    /// From this machine.
    Direct,
    /// Inside TLS with a gateway.
    Gateway(Target),
    /// Through the proxy of this machine, whatever it does with the target.
    Local(ProxyUrl),
    /// Through an upstream proxy.
    Proxy(ProxyUrl),
}

/// What a gateway wants of its clients.
#[derive(Clone, Debug, Default, Args)]
pub struct GatewayArgs {
    /// Trust the authorities in this PEM file for the gateway, beside the system's
    #[arg(long, env = "NARROWS_GATEWAY_CA_FILE", value_name = "FILE")]
    pub gateway_ca_file: Option<PathBuf>,

    /// Show the gateway the bearer token in this file
    #[arg(long, env = "NARROWS_GATEWAY_TOKEN_FILE", value_name = "FILE")]
    pub gateway_token_file: Option<PathBuf>,

    /// Reach the gateway through this proxy: `http://[user:password@]host:port`
    #[arg(
        long,
        env = "NARROWS_PROBE_GATEWAY_PROXY",
        value_name = "URL",
        hide_env_values = true,
        value_parser = read_http_proxy
    )]
    pub gateway_proxy: Option<ProxyUrl>,
}

/// A path that is ready to be taken.
#[derive(Clone, Debug)]
pub struct Path {
    name: String,
    dialer: Dialer,
    way: Way,
}

#[derive(Clone)]
enum Way {
    Direct,
    Gateway(Arc<Gateway>),
    Proxy(Arc<Upstream>),
}

/// A connection by any path.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

// === impl Via ===

impl FromStr for Via {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, rest) = match text.split_once('=') {
            Some((kind, rest)) => (kind, Some(rest)),
            None => (text, None),
        };
        match (kind, rest) {
            ("direct", None) => Ok(Self::Direct),
            ("local", url) => read_http_proxy(url.unwrap_or(LOCAL)).map(Self::Local),
            ("proxy", Some(url)) => read_http_proxy(url).map(Self::Proxy),
            ("gateway", Some(url)) => read_target(url).map(Self::Gateway),
            _ => Err(
                "a path is direct, local, proxy=http://host:port or gateway=https://host".into(),
            ),
        }
    }
}

/// Never shows credentials.
impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str("direct"),
            Self::Gateway(target) => write!(f, "gateway {target}"),
            Self::Local(url) => write!(f, "local {}", url.endpoint()),
            Self::Proxy(url) => write!(f, "proxy {}", url.endpoint()),
        }
    }
}

impl Via {
    /// The path as the prober walks it. Reads the gateway's files if it leads through one.
    ///
    /// # Errors
    ///
    /// A file that cannot be read.
    pub fn walk(&self, gateway: &GatewayArgs) -> Result<probe::Path, Fault> {
        match self {
            Self::Direct => Ok(probe::Path::direct()),
            Self::Local(url) => Ok(probe::Path::through(proxy_hop(url)).with_label("local")),
            Self::Proxy(url) => Ok(probe::Path::through(proxy_hop(url))),
            Self::Gateway(target) => {
                let hop = gateway.hop(target)?;
                Ok(match &gateway.gateway_proxy {
                    None => probe::Path::through(hop),
                    Some(url) => probe::Path::through(proxy_hop(url)).then(hop),
                })
            }
        }
    }
}

/// A proxy that can be walked step by step: one that speaks HTTP in clear.
fn read_http_proxy(url: &str) -> Result<ProxyUrl, String> {
    let url: ProxyUrl = url
        .parse()
        .map_err(|error: ProxyUrlError| error.to_string())?;
    match url.scheme() {
        ProxyScheme::Http => Ok(url),
        ProxyScheme::Https => Err(format!(
            "a proxy inside TLS is walked like a gateway: write gateway=https://{}",
            url.endpoint()
        )),
        scheme => Err(format!(
            "proxies by {}:// are not walked: only http://, and https:// as gateway=",
            scheme.as_str()
        )),
    }
}

fn proxy_hop(url: &ProxyUrl) -> Hop {
    let hop = Hop::proxy(url.endpoint().clone());
    match url.credentials() {
        Some(credentials) => hop.with_authorization(Authorization::basic(credentials)),
        None => hop,
    }
}

// === impl Path ===

impl Path {
    /// Prepares the path; nothing is contacted. Reads the gateway's files if it leads through one.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or a gateway that cannot be configured so.
    pub fn new(via: &Via, gateway: &GatewayArgs, dialer: Dialer) -> Result<Self, Fault> {
        let way = match via {
            Via::Direct => Way::Direct,
            Via::Proxy(url) | Via::Local(url) => Way::Proxy(Arc::new(Upstream::new(url.clone()))),
            Via::Gateway(target) => Way::Gateway(Arc::new(gateway.prepare(target)?)),
        };
        Ok(Self {
            name: via.to_string(),
            dialer,
            way,
        })
    }

    /// What it is called in tables.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Opens a connection to the target.
    ///
    /// # Errors
    ///
    /// One line that names the hop and the step that failed.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future closes what it had opened.
    pub async fn open(&self, target: &Target) -> Result<Box<dyn Io>, String> {
        let said = |error: narrows_upstream::DialError| error.to_string();
        let (io, early): (Box<dyn Io>, _) = match &self.way {
            Way::Direct => {
                let open = self.dialer.direct(target).await.map_err(said)?;
                (Box::new(open.io), open.early)
            }
            Way::Proxy(proxy) => {
                let open = self.dialer.through(proxy, target).await.map_err(said)?;
                (Box::new(open.io), open.early)
            }
            Way::Gateway(gateway) => {
                let open = gateway.open(&self.dialer, target).await.map_err(said)?;
                (Box::new(open.io), open.early)
            }
        };
        // A TLS server waits for its client; whoever speaks first is none.
        if early.is_empty() {
            Ok(io)
        } else {
            Err(format!("{target} sent bytes before TLS began"))
        }
    }
}

// === impl GatewayArgs ===

impl GatewayArgs {
    /// The gateway as the prober walks through it.
    fn hop(&self, target: &Target) -> Result<Hop, Fault> {
        let mut hop = Hop::gateway(target.clone());
        if let Some(path) = &self.gateway_ca_file {
            hop = hop.with_authorities(authorities(path)?);
        }
        if let Some(path) = &self.gateway_token_file {
            let token = Authorization::bearer(&token(path)?)
                .map_err(|error| Fault::usage(format_args!("{}: {error}", path.display())))?;
            hop = hop.with_authorization(token);
        }
        Ok(hop)
    }

    fn prepare(&self, target: &Target) -> Result<Gateway, Fault> {
        let usage = |error: &dyn fmt::Display| Fault::usage(format_args!("gateway: {error}"));
        let mut config = GatewayConfig::new(target.clone());
        if let Some(path) = &self.gateway_ca_file {
            let pem = read(path)?;
            config = config
                .with_authorities(&pem)
                .map_err(|error| Fault::usage(format_args!("{}: {error}", path.display())))?;
        }
        if let Some(path) = &self.gateway_token_file {
            let token = token(path)?
                .parse()
                .map_err(|error| Fault::usage(format_args!("{}: {error}", path.display())))?;
            config = config.with_credentials(GatewayCredentials::Bearer(token));
        }
        if let Some(url) = &self.gateway_proxy {
            config = config.with_upstream(Arc::new(Upstream::new(url.clone())));
        }
        Gateway::new(config).map_err(|error| usage(&error))
    }
}

/// The token in a file; one line end after it is dropped.
fn token(path: &std::path::Path) -> Result<String, Fault> {
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// The certificates in a PEM file that a flag names.
pub(crate) fn authorities(path: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let wrong = |why: &dyn fmt::Display| Fault::usage(format_args!("{}: {why}", path.display()));
    let found: Vec<_> = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(&error))?;
    if found.is_empty() {
        return Err(wrong(&"there is no certificate in it"));
    }
    Ok(found)
}

/// Reads a file that a flag names.
pub(crate) fn read(path: &std::path::Path) -> Result<Vec<u8>, Fault> {
    std::fs::read(path)
        .map_err(|error| Fault::usage(format_args!("cannot read {}: {error}", path.display())))
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "Direct",
            Self::Gateway(_) => "Gateway",
            Self::Proxy(_) => "Proxy",
        })
    }
}
