//! [`Tls`]: handshakes, and everything that can be seen of them.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use narrows_endpoint::Host;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::alert::Alert;
use crate::evidence::{CertificateEvidence, TlsEvidence};
use crate::http;
use crate::options::Options;
use crate::path::Hop;
use crate::prober::ProberError;
use crate::verifier::{NoIdentity, Witness, verifier};
use crate::wire::{Io, Tape, Wire};
use crate::words::HelloSize;
use narrows_connect::printable;

mod greet;
mod seen;

use seen::{agreed, blank, count, failed, note};

/// What rustls says when a server is too old, in our words: [`judge`](crate::judge) looks for it.
pub(crate) const TOO_OLD: &str = "the server chose a version below TLS 1.2";
/// How long a server may take to turn away a client that has no certificate.
const ALERT_GRACE: Duration = Duration::from_millis(500);
/// How long the text behind the first octets may take, when what answers is not TLS.
const TEXT_GRACE: Duration = Duration::from_millis(500);

/// What all handshakes share: two configurations, and the trust store.
#[derive(Debug)]
pub(crate) struct Tls {
    small: ClientConfig,
    large: ClientConfig,
    verifier: Arc<dyn ServerCertVerifier>,
    now: Option<SystemTime>,
}

/// The ClientHello to send, and whom to expect behind it.
#[derive(Clone, Debug)]
pub(crate) struct Hello<'a> {
    /// The name that the certificate must bear, and that is sent unless `named` is false.
    pub(crate) host: &'a Host,
    /// Whether the name is sent.
    pub(crate) named: bool,
    pub(crate) size: HelloSize,
    /// The application protocols offered, best first.
    pub(crate) alpn: &'a [&'a [u8]],
    /// Who verifies, if not the target's verifier.
    pub(crate) verifier: Option<Arc<dyn ServerCertVerifier>>,
}

/// A handshake, however it went.
#[derive(Debug)]
pub(crate) struct Handshake<S> {
    pub(crate) tls: TlsEvidence,
    pub(crate) certificate: Option<CertificateEvidence>,
    /// The stream, if the handshake was completed. Its certificate may be bad all the same.
    pub(crate) stream: Option<TlsStream<Wire<S>>>,
}

// === impl Tls ===

impl Tls {
    pub(crate) fn new(options: &Options) -> Result<Self, ProberError> {
        let untrusted = |error: rustls::Error| ProberError::TrustStore(error.to_string());
        let provider = Arc::new(provider(HelloSize::Small));
        let verifier = verifier(&options.trust, &[], &provider).map_err(ProberError::TrustStore)?;
        Ok(Self {
            small: base(HelloSize::Small, &verifier).map_err(untrusted)?,
            large: base(HelloSize::Large, &verifier).map_err(untrusted)?,
            verifier,
            now: options.now,
        })
    }

    /// The verifier for a hop: the target's, with the hop's own authorities beside.
    pub(crate) fn hop_verifier(
        &self,
        hop: &Hop,
        options: &Options,
    ) -> Result<Arc<dyn ServerCertVerifier>, String> {
        if hop.authorities().is_empty() {
            return Ok(Arc::clone(&self.verifier));
        }
        let made = || {
            verifier(
                &options.trust,
                hop.authorities(),
                self.small.crypto_provider(),
            )
        };
        hop.verifier().get_or_init(made).clone()
    }

    /// Shakes hands. The certificate's outcome does not stop the handshake.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future closes the stream.
    pub(crate) async fn shake<S: Io>(
        &self,
        (io, early): (S, Bytes),
        hello: &Hello<'_>,
        deadline: Duration,
    ) -> Handshake<S> {
        let witness = Arc::new(Witness::new(
            hello.verifier.as_ref().unwrap_or(&self.verifier).clone(),
            self.now,
        ));
        let identity = Arc::new(NoIdentity::default());
        let mut evidence = blank(hello);
        let wire = Wire::new(io, early);
        let tape = wire.tape().clone();
        let config = self.config(hello, witness.clone(), identity.clone());
        let Some(name) = server_name(hello.host) else {
            return Handshake::unsent("no certificate can have this name");
        };
        let until = Instant::now() + deadline;
        let connect = TlsConnector::from(Arc::new(config))
            .connect(name, wire)
            .into_fallible();
        let outcome = timeout_at(until, connect).await;
        evidence.client_cert_requested = identity.was_asked();
        let certificate = witness.seen();
        let stream = see(&mut evidence, outcome, &tape, until).await;
        count(&mut evidence, &tape.notes());
        Handshake {
            tls: evidence,
            certificate,
            stream,
        }
    }

    /// A configuration for one handshake; what is large in it is shared.
    fn config(
        &self,
        hello: &Hello<'_>,
        witness: Arc<Witness>,
        identity: Arc<NoIdentity>,
    ) -> ClientConfig {
        let mut config = match hello.size {
            HelloSize::Small => self.small.clone(),
            HelloSize::Large => self.large.clone(),
        };
        config.dangerous().set_certificate_verifier(witness);
        config.client_auth_cert_resolver = identity;
        config.enable_sni = hello.named;
        config.alpn_protocols = hello.alpn.iter().map(|name| name.to_vec()).collect();
        config
    }
}

/// What all handshakes of one size begin from.
fn base(
    size: HelloSize,
    verifier: &Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider(size)))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(verifier))
        .with_no_client_auth();
    // A resumed session shows no certificate.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// The groups decide the size: a post-quantum share alone is longer than a small hello.
fn provider(size: HelloSize) -> CryptoProvider {
    let mut provider = default_provider();
    let classical = [kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1];
    provider.kx_groups = match size {
        HelloSize::Small => classical.to_vec(),
        HelloSize::Large => [&[kx_group::X25519MLKEM768], classical.as_slice()].concat(),
    };
    provider
}

fn server_name(host: &Host) -> Option<ServerName<'static>> {
    match host {
        Host::Ip(ip) => Some(ServerName::from(*ip)),
        Host::Name(name) => ServerName::try_from(name.as_str().to_owned()).ok(),
    }
}

// === impl Handshake ===

impl<S> Handshake<S> {
    /// One that could not be begun.
    pub(crate) fn unsent(error: &str) -> Self {
        Self {
            tls: TlsEvidence {
                error: Some(printable(error)),
                ..TlsEvidence::default()
            },
            certificate: None,
            stream: None,
        }
    }
}

impl<S: Io> Handshake<S> {
    /// Waits a moment for the alert by which TLS 1.3 turns away clients that have no certificate, if the
    /// server asked for one. Only then: a server that speaks first must not lose its words.
    pub(crate) async fn await_alert(&mut self) {
        let Some(stream) = self
            .stream
            .as_mut()
            .filter(|_| self.tls.client_cert_requested)
        else {
            return;
        };
        let read = timeout(ALERT_GRACE, stream.read_u8()).await;
        if let Ok(Err(error)) = read {
            self.tls.alert = late_alert(&error);
        }
    }
}

/// A handshake's stream, or why there is none and what is below.
type Connected<S> = Result<TlsStream<Wire<S>>, (io::Error, Wire<S>)>;

/// Writes down how a handshake ended, if it did before its deadline.
async fn see<S: Io>(
    evidence: &mut TlsEvidence,
    outcome: Result<Connected<S>, Elapsed>,
    tape: &Tape,
    until: Instant,
) -> Option<TlsStream<Wire<S>>> {
    match outcome {
        Ok(Ok(stream)) => {
            agreed(evidence, &stream);
            return Some(stream);
        }
        Ok(Err((error, mut wire))) => {
            failed(evidence, &error);
            note(evidence, &tape.notes(), &error);
            read_text(evidence, &mut wire, until).await;
        }
        Err(_) => note(evidence, &tape.notes(), &io::ErrorKind::TimedOut.into()),
    }
    None
}

/// Reads on where something else than TLS spoke: a page says why it came.
async fn read_text<S: AsyncRead + Unpin>(
    evidence: &mut TlsEvidence,
    wire: &mut Wire<S>,
    until: Instant,
) {
    if evidence.first.is_empty() {
        return;
    }
    let mut text = BytesMut::from(evidence.first.as_slice());
    let read = async {
        while text.len() < http::MAX_TEXT && matches!(wire.read_buf(&mut text).await, Ok(1..)) {}
    };
    // Running out of time leaves what was read.
    let _ = timeout_at(until, timeout(TEXT_GRACE, read)).await;
    evidence.first = text[..text.len().min(crate::evidence::MAX_FIRST)].to_vec();
    evidence.http = http::parse(&text).ok().flatten();
}

/// The error of TLS in an error of I/O.
pub(crate) fn inner(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// The alert in an error that a stream gave after the handshake: TLS 1.3 judges clients only then.
pub(crate) fn late_alert(error: &io::Error) -> Option<Alert> {
    match inner(error) {
        Some(rustls::Error::AlertReceived(alert)) => Some(Alert(u8::from(*alert))),
        _ => None,
    }
}
