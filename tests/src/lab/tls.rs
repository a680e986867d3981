//! Servers that speak TLS, by rustls: in order, or wrong in one way.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, ServerConnection, Stream, SupportedProtocolVersion};

use super::hello;
use super::pki::{Chain, Pki};
use super::wire::{drain, finish, reset};
use crate::raw::Raw;

/// A server that speaks TLS, unless it does not want to.
#[derive(Clone, Copy, Debug)]
pub struct TlsServer {
    /// What it presents.
    pub chain: Chain,
    /// What it says inside.
    pub page: Page,
    /// What it does to whom before or during the handshake.
    pub filter: Filter,
    /// Its highest version: 13 or 12.
    pub version: u8,
    /// The application protocol that it insists on.
    pub alpn: Option<&'static str>,
    /// Whether clients must have a certificate.
    pub asks_for_certificate: bool,
}

/// What is said inside TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// 200 and a page.
    Good,
    /// 403 and a device's page.
    Blocked,
    /// FIN instead of an answer.
    Empty,
    /// RST instead of an answer.
    Reset,
    /// 404, as many services answer at `/`.
    Missing,
    /// Nothing, ever.
    Silent,
}

/// Whom a server does not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Serves everybody.
    Nobody,
    /// FIN in the middle of its first flight.
    CloseMidFlight,
    /// RST for a ClientHello of more than one segment.
    LargeHello,
    /// RST for a ClientHello with this name.
    Name(&'static str),
    /// RST in the middle of its first flight.
    ResetMidFlight,
    /// Serves everybody, after a while.
    Slow,
    /// Silence in the middle of its first flight.
    StallMidFlight,
}

/// A server with its configuration.
#[derive(Debug)]
pub(super) struct Ready {
    server: TlsServer,
    config: Arc<ServerConfig>,
}

// === impl TlsServer ===

impl TlsServer {
    /// A server in order, but for what it presents.
    pub const fn with(chain: Chain) -> Self {
        Self {
            chain,
            page: Page::Good,
            filter: Filter::Nobody,
            version: 13,
            alpn: None,
            asks_for_certificate: false,
        }
    }

    /// The same, with another page.
    #[must_use]
    pub const fn saying(mut self, page: Page) -> Self {
        self.page = page;
        self
    }

    /// The same, with a filter.
    #[must_use]
    pub const fn except(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// The same, at this version at most: 12 or 13.
    #[must_use]
    pub const fn at_most(mut self, version: u8) -> Self {
        self.version = version;
        self
    }

    /// The same, insisting on an application protocol.
    #[must_use]
    pub const fn speaking(mut self, alpn: &'static str) -> Self {
        self.alpn = Some(alpn);
        self
    }

    /// The same, asking clients for certificates.
    #[must_use]
    pub const fn for_known_clients(mut self) -> Self {
        self.asks_for_certificate = true;
        self
    }

    pub(super) fn ready(self, pki: &Pki) -> Ready {
        let versions: &[&SupportedProtocolVersion] = if self.version == 13 {
            &[&TLS13, &TLS12]
        } else {
            &[&TLS12]
        };
        let builder = ServerConfig::builder_with_protocol_versions(versions);
        let builder = if self.asks_for_certificate {
            let verifier = WebPkiClientVerifier::builder(Arc::new(pki.roots())).build();
            builder.with_client_cert_verifier(verifier.expect("our own root"))
        } else {
            builder.with_no_client_auth()
        };
        let (chain, key) = pki.identity(self.chain);
        let mut config = builder
            .with_single_cert(chain, key)
            .expect("a key that fits");
        config.alpn_protocols = Vec::from_iter(self.alpn.map(|alpn| alpn.as_bytes().to_vec()));
        Ready {
            server: self,
            config: Arc::new(config),
        }
    }
}

// === impl Ready ===

impl Ready {
    pub(super) fn serve(&self, raw: Raw) {
        let mut stream = raw.into_inner();
        let hello = hello::peek(&stream);
        match self.server.filter {
            Filter::LargeHello if hello.len() > SEGMENT => return reset(&stream),
            Filter::Name(name) if hello::names(&hello, name) => return reset(&stream),
            Filter::Slow => std::thread::sleep(SLOW),
            filter @ (Filter::CloseMidFlight | Filter::ResetMidFlight | Filter::StallMidFlight) => {
                return self.half_a_flight(&stream, filter);
            }
            _ => {}
        }
        let mut connection =
            ServerConnection::new(Arc::clone(&self.config)).expect("a configuration of ours");
        self.page(&mut connection, &mut stream);
        if self.server.page == Page::Reset {
            // A FIN before it would be all that is seen.
            return reset(&stream);
        }
        finish(&stream);
    }

    /// Takes a request and answers it. Who asks may leave at any point.
    fn page(&self, connection: &mut ServerConnection, stream: &mut TcpStream) {
        let mut request = Vec::new();
        let mut tls = Stream::new(connection, stream);
        while !request.ends_with(b"\r\n\r\n") {
            let mut buffer = [0; 1024];
            match tls.read(&mut buffer) {
                Ok(length) if length > 0 => request.extend_from_slice(&buffer[..length]),
                _ => return,
            }
        }
        let (status, body) = match self.server.page {
            Page::Good => ("200 OK", "in order\n"),
            Page::Blocked => ("403 Forbidden", BLOCKED),
            Page::Missing => ("404 Not Found", "no such page\n"),
            Page::Empty | Page::Reset => return,
            Page::Silent => return drain(stream),
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        let _ = tls.write_all(answer.as_bytes());
        connection.send_close_notify();
        let _ = connection.write_tls(stream);
    }

    /// Sends the beginning of the real first flight: a part of the ServerHello, and no more.
    fn half_a_flight(&self, stream: &TcpStream, filter: Filter) {
        let mut connection =
            ServerConnection::new(Arc::clone(&self.config)).expect("a configuration of ours");
        let mut hello = hello::peek(stream);
        let _ = connection.read_tls(&mut hello.as_slice());
        let _ = connection.process_new_packets();
        hello.clear();
        let _ = connection.write_tls(&mut hello);
        let _ = { stream }.write_all(&hello[..hello.len().min(40)]);
        match filter {
            Filter::CloseMidFlight => {
                // The hello is read, so that this is FIN and no RST.
                finish(stream);
            }
            Filter::StallMidFlight => drain(stream),
            _ => reset(stream),
        }
    }
}

/// The usual maximum segment size of Ethernet with IPv4, in octets.
const SEGMENT: usize = 1460;
/// What a satellite link takes; the delay is what is tested, not a way to wait.
const SLOW: Duration = Duration::from_millis(400);
const BLOCKED: &str = "<html><head><title>Web Page Blocked!</title></head><body>\
    <h1>FortiGuard Intrusion Prevention - Access Blocked</h1></body></html>";
