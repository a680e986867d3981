//! [`Client`]: asks the allowlist service, by any path.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use narrows_endpoint::Target;
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio_rustls::TlsConnector;

use super::answer::{AnswerError, names};
use crate::fault::Fault;
use crate::selection::read_target;
use crate::via::{Io, Path};

/// Connect, handshake, request and answer together.
const DEADLINE: Duration = Duration::from_secs(30);
/// The longest answer in octets: [`MAX_NAMES`](super::MAX_NAMES) of the longest names.
const MAX_ANSWER: usize = 2 << 20;
/// The version of the interface that the four known clients use.
const API_VERSION: &str = "2020-01-01";

/// Asks the allowlist service for one region, over HTTP/1.1 in TLS.
#[derive(Clone)]
pub struct Client {
    target: Target,
    path_and_query: String,
    suffix: String,
    path: Path,
    tls: TlsConnector,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The answer is not a list of names.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The answer broke off, or was too long.
    #[error("the answer of {0} broke off: {1}")]
    Body(Target, String),
    /// The service was not reached.
    #[error("{0}")]
    Connect(String),
    /// HTTP failed.
    #[error("{0} does not speak HTTP: {1}")]
    Http(Target, String),
    /// The service answered something else than 200.
    #[error("{0} answered {1}")]
    Status(Target, StatusCode),
    /// It took too long.
    #[error("{0} took longer than {1:?}")]
    Timeout(Target, Duration),
    /// TLS failed.
    #[error("TLS with {0} failed: {1}")]
    Tls(Target, std::io::Error),
}

// === impl Client ===

impl Client {
    /// Prepares to ask; nothing is contacted. `url` is the service without its query; `authorities`
    /// are trusted beside the system's.
    ///
    /// # Errors
    ///
    /// A URL that is not `https://host[:port]/path`, or a trust store that cannot be used.
    pub fn new(
        url: &str,
        region: &str,
        suffix: &str,
        path: Path,
        authorities: Vec<CertificateDer<'static>>,
    ) -> Result<Self, Fault> {
        let wrong = |why: &str| Fault::usage(format_args!("--allowlist-url: {url:?}: {why}"));
        let rest = url
            .strip_prefix("https://")
            .ok_or_else(|| wrong("the scheme must be https://"))?;
        let (authority, file) = rest.split_once('/').unwrap_or((rest, ""));
        if file.contains(|c: char| !c.is_ascii_graphic() || matches!(c, '?' | '#')) {
            return Err(wrong("a path may not have spaces, '?' or '#'"));
        }
        let target = read_target(authority).map_err(|why| wrong(&why))?;
        Ok(Self {
            path_and_query: format!("/{file}?api-version={API_VERSION}&location={region}"),
            target,
            suffix: suffix.to_owned(),
            path,
            tls: connector(authorities)?,
        })
    }

    /// Asks once. The names are sorted, and every one is below the suffix.
    ///
    /// # Errors
    ///
    /// [`FetchError`]: what failed, and at which hop.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future closes the connection.
    pub async fn fetch(&self) -> Result<Vec<String>, FetchError> {
        let timeout = || FetchError::Timeout(self.target.clone(), DEADLINE);
        let fetched = tokio::time::timeout(DEADLINE, self.ask()).await;
        Ok(names(&fetched.map_err(|_| timeout())??, &self.suffix)?)
    }

    async fn ask(&self) -> Result<Bytes, FetchError> {
        let target = || self.target.clone();
        let io = self
            .path
            .open(&self.target)
            .await
            .map_err(FetchError::Connect)?;
        let tls = self.handshake(io).await?;
        let http = |error: hyper::Error| FetchError::Http(target(), error.to_string());
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls))
            .await
            .map_err(http)?;
        let exchange = async {
            let answer = sender.send_request(self.request()).await.map_err(http)?;
            if answer.status() != StatusCode::OK {
                return Err(FetchError::Status(target(), answer.status()));
            }
            let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
            body.map(http_body_util::Collected::to_bytes)
                .map_err(|error| FetchError::Body(target(), error.to_string()))
        };
        // The connection lives as long as the exchange: what it fails with, the exchange says.
        let (mut exchange, connection) = (pin!(exchange), pin!(connection));
        tokio::select! {
            answer = &mut exchange => answer,
            _ = connection => exchange.await,
        }
    }

    async fn handshake(
        &self,
        io: Box<dyn Io>,
    ) -> Result<tokio_rustls::client::TlsStream<Box<dyn Io>>, FetchError> {
        let failed = |error| FetchError::Tls(self.target.clone(), error);
        let host = self.target.host();
        let name = host.ip().map_or_else(
            || ServerName::try_from(host.to_string()).map_err(std::io::Error::other),
            |ip| Ok(ServerName::from(ip)),
        );
        self.tls
            .connect(name.map_err(failed)?, io)
            .await
            .map_err(failed)
    }

    fn request(&self) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        // Judged when the client was made; what is no URI asks for nothing.
        *request.uri_mut() = self.path_and_query.parse().unwrap_or_default();
        let headers = request.headers_mut();
        let host = match self.target.port() {
            443 => self.target.host().to_string(),
            _ => self.target.to_string(),
        };
        if let Ok(host) = host.parse() {
            headers.insert(header::HOST, host);
        }
        headers.insert(
            header::ACCEPT,
            header::HeaderValue::from_static("application/json"),
        );
        headers.insert(
            header::USER_AGENT,
            header::HeaderValue::from_static("narrows-probe"),
        );
        request
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("target", &self.target)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// TLS as the operating system trusts it, and these authorities beside it.
fn connector(authorities: Vec<CertificateDer<'static>>) -> Result<TlsConnector, Fault> {
    let wrong = |error: &dyn std::fmt::Display| {
        Fault::failure(format_args!("the trust store cannot be used: {error}"))
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Verifier::new_with_extra_roots(authorities, Arc::clone(&provider))
        .map_err(|error| wrong(&error))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
