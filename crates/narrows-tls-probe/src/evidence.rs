//! [`Evidence`]: what was seen at each step, as raw as it can be kept.
//!
//! Nothing here judges; [`judge`](crate::judge) does, from this alone.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::http;
use crate::serial;
use crate::words::{Ending, HelloSize};

/// The most octets that are kept of what was not TLS.
pub const MAX_FIRST: usize = 512;

/// What was seen at one step.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Evidence {
    /// Of the resolver.
    Resolve(ResolveEvidence),
    /// Of the TCP connection.
    Connect(ConnectEvidence),
    /// Of a CONNECT to a proxy or gateway.
    Tunnel(TunnelEvidence),
    /// Of a TLS handshake, with the target, a proxy or a gateway.
    Tls(Box<TlsEvidence>),
    /// Of the certificate that the handshake showed.
    Certificate(CertificateEvidence),
    /// Of the HTTP request.
    Http(HttpEvidence),
}

/// What the resolver said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolveEvidence {
    /// The name that was asked for; `None` if the host is an address.
    pub name: Option<String>,
    /// The addresses, in the system's order.
    pub addresses: Vec<IpAddr>,
    /// Why there are none.
    pub fault: Option<ResolveFault>,
}

/// Why a name gave no addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "text", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResolveFault {
    /// It exists, without an address.
    NoAddress,
    /// It does not exist. Some systems say so of names without an address too.
    NotFound,
    /// No answer before the deadline.
    Timeout,
    /// The resolver failed, in its words.
    Failed(String),
}

/// How the TCP connection went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectEvidence {
    /// The address that was dialled.
    pub peer: SocketAddr,
    /// This side's address, once there was a connection.
    pub local: Option<SocketAddr>,
    /// Why there was none.
    pub fault: Option<ConnectFault>,
}

/// Why there was no TCP connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "text", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConnectFault {
    /// This machine forbids it (EACCES, EPERM).
    Denied,
    /// This machine ran out of something, in its words.
    Exhausted(String),
    /// Anything else, in the system's words.
    Other(String),
    /// ECONNREFUSED.
    Refused,
    /// Reset before the connection stood.
    Reset,
    /// No answer before the deadline, or the system's own.
    Timeout,
    /// No way there, in the system's words.
    Unreachable(String),
}

/// How a CONNECT to a proxy or gateway went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TunnelEvidence {
    /// Whether credentials were sent.
    pub authorized: bool,
    /// Octets sent.
    pub sent: u64,
    /// Octets received.
    pub received: u64,
    /// The final answer, if its head was complete.
    pub answer: Option<HttpAnswer>,
    /// The schemes of `Proxy-Authenticate`, in lower case and in the order offered.
    pub schemes: Vec<String>,
    /// How the connection ended, if that was before the answer was complete.
    pub ending: Option<Ending>,
    /// Why the answer is none, in a few words.
    pub malformed: Option<String>,
    /// Whether what came looks like TLS.
    pub looks_like_tls: bool,
    /// The first octets, if they are no HTTP answer.
    #[serde(with = "serial::base64")]
    pub first: Vec<u8>,
}

/// How a TLS handshake went.
///
/// Whether the other side acknowledged what was sent is not known: no safe wrapper of the system call for
/// it exists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsEvidence {
    /// The name in the ClientHello; `None` if there was none, as for addresses.
    pub sni: Option<String>,
    /// How large a ClientHello was sent.
    pub hello: HelloSize,
    /// Octets sent, below TLS.
    pub sent: u64,
    /// Whether all of ClientHello was handed to the system.
    pub hello_sent: bool,
    /// Octets received, below TLS.
    pub received: u64,
    /// From the sending of ClientHello to the first octet received.
    #[serde(with = "serial::maybe_millis", rename = "first_byte_ms")]
    pub first_byte: Option<Duration>,
    /// Whether the handshake was completed.
    pub completed: bool,
    /// How the connection ended, if that ended the handshake.
    pub ending: Option<Ending>,
    /// From the sending of ClientHello, or from the last octet received if any was, to that end.
    #[serde(with = "serial::maybe_millis", rename = "ending_ms")]
    pub ending_after: Option<Duration>,
    /// The alert that the other side sent.
    pub alert: Option<Alert>,
    /// What rustls said against the handshake, in its words.
    pub error: Option<String>,
    /// The first octets, if what came is not TLS.
    #[serde(with = "serial::base64")]
    pub first: Vec<u8>,
    /// What they say, if they are an answer of HTTP.
    pub http: Option<HttpAnswer>,
    /// The agreed version, such as `TLS 1.3`.
    pub version: Option<String>,
    /// The agreed cipher suite, such as `TLS13_AES_256_GCM_SHA384`.
    pub cipher: Option<String>,
    /// The agreed key exchange group, such as `X25519`.
    pub group: Option<String>,
    /// The agreed application protocol.
    pub alpn: Option<String>,
    /// Whether the server asked for a client certificate.
    pub client_cert_requested: bool,
}

/// The certificate that was shown, and what the trust store said about it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CertificateEvidence {
    /// The name that it should bear.
    pub expected: String,
    /// What was sent: the leaf, then the rest, in the order sent.
    pub chain: Vec<Der>,
    /// When it was judged, in seconds since 1970.
    pub at: u64,
    /// Why it is not good; `None` if it is.
    pub fault: Option<TrustFault>,
    /// Whether the public roots, those that browsers trust, know who signed it. A chain that is good and
    /// that they do not know hangs on a root that somebody installed. `None` where it was not found out.
    #[serde(default)]
    pub public: Option<bool>,
}

/// A certificate in DER. `Debug` shows its length; serialised, it is base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Der(#[serde(with = "serial::base64")] pub Vec<u8>);

/// What the verifier has against a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum TrustFault {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// Anything else.
    Other {
        /// In the verifier's words.
        text: String,
    },
    /// It was revoked.
    Revoked,
    /// Nobody trusted signed it: self-signed, incomplete, intercepted or of a private authority.
    UnknownIssuer,
    /// It is for other names.
    WrongName,
}

/// How the HTTP request went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpEvidence {
    /// The request, such as `GET / HTTP/1.1`.
    pub request: String,
    /// Octets of the answer that came.
    pub received: u64,
    /// The answer, if its head was complete.
    pub answer: Option<HttpAnswer>,
    /// How the connection ended, if that was before the head was complete.
    pub ending: Option<Ending>,
    /// The alert that came instead of an answer: TLS 1.3 rejects clients only then.
    pub alert: Option<Alert>,
    /// Why the answer is none, in a few words.
    pub malformed: Option<String>,
}

/// An answer of HTTP: of a proxy, of a block page, of the service.
///
/// Every text is printable, on one line and cut: whoever answered is not trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// The reason phrase; may be empty.
    pub reason: String,
    /// The header lines, at most 32, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The visible text of the body's beginning, at most 200 characters.
    pub excerpt: String,
}

/// Why octets are no answer of HTTP, in a few words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotHttp(String);

// === impl HttpAnswer ===

impl HttpAnswer {
    /// Reads the final answer at the start of `text`: `None` while its head is not complete. Heads of 1xx are
    /// skipped, but for 101.
    ///
    /// # Errors
    ///
    /// [`NotHttp`], as soon as that is sure.
    pub fn read(text: &[u8]) -> Result<Option<Self>, NotHttp> {
        http::parse(text).map_err(NotHttp)
    }

    /// The first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.iter();
        lines
            .find(|(each, _)| each == name)
            .map(|(_, value)| value.as_str())
    }
}

// === impl Der ===

impl AsRef<[u8]> for Der {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Der {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Der({} octets)", self.0.len())
    }
}
