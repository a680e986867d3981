//! A gateway in a directory of its own, its clients, and what it logs.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use narrows_gateway::cli::{Init, Options};
use narrows_gateway::init::init;
use narrows_gateway::serve::Front;
use narrows_gateway::settings::Settings;
use narrows_gateway::state::State;
use narrows_gateway::tokens::TokenFile;
use narrows_log::{Timestamp, Writer};
use narrows_server::TunnelLog;
use narrows_service::log_file::LogFile;
use narrows_upstream::{Dialer, Resolve, StaticResolver};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A gateway that serves until it is dropped.
pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) dir: TempDir,
    pub(crate) state: Arc<State>,
    pub(crate) token: String,
    writer: Writer,
}

/// What a client sends to say who it is.
#[derive(Clone, Default)]
pub(crate) struct Client {
    pub(crate) authorization: Option<String>,
    pub(crate) certificate: Option<(Vec<CertificateDer<'static>>, Arc<PrivateKeyDer<'static>>)>,
    pub(crate) h2: bool,
    pub(crate) sni: Option<&'static str>,
}

impl House {
    /// A gateway named `trial` with these features, and more settings from `toml`; `prepare` may put
    /// more files into the directory before it starts.
    pub(crate) async fn build(
        features: &[&str],
        toml: &str,
        names: &[(&str, &[&str])],
        prepare: impl FnOnce(&Path),
    ) -> Self {
        Self::build_with(features, toml, resolver(names), prepare).await
    }

    /// As `build`, with a resolver of the test's own.
    pub(crate) async fn resolving(features: &[&str], resolver: impl Resolve + 'static) -> Self {
        Self::build_with(features, "", resolver, |_| {}).await
    }

    async fn build_with(
        features: &[&str],
        toml: &str,
        resolver: impl Resolve + 'static,
        prepare: impl FnOnce(&Path),
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("gateway.toml"), toml).unwrap();
        prepare(dir.path());
        let (settings, token) = furnish(dir.path(), features);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = LogFile::open(dir.path().join("access.log")).unwrap();
        let writer = Writer::spawn(log, narrows_log::Options::default()).unwrap();
        let clock = || Timestamp::new(0, 0);
        let log = Arc::new(TunnelLog::new(writer.handle(), Box::new(clock)));
        let state = Arc::new(State::read(&settings).unwrap());
        let dialer = Dialer::new(resolver, settings.timeouts);
        let front = Front::new(&settings, &state, false, dialer, vec![address], &log, None);
        let front = Arc::new(front);
        tokio::spawn(async move {
            while let Ok((io, client)) = listener.accept().await {
                let front = Arc::clone(&front);
                tokio::spawn(async move { front.connection(io, client).await });
            }
        });
        Self {
            address,
            dir,
            state,
            token,
            writer,
        }
    }

    pub(crate) async fn new(features: &[&str], names: &[(&str, &[&str])]) -> Self {
        Self::build(features, "", names, |_| {}).await
    }

    /// A client with the token.
    pub(crate) fn alice(&self) -> Client {
        Client::bearer(&self.token)
    }

    /// TLS with the gateway.
    pub(crate) async fn connect(&self, client: &Client) -> std::io::Result<TlsStream<TcpStream>> {
        connect(self.address, self.dir.path(), client).await
    }

    /// Asks for a tunnel to `target`: the stream, and the head of the answer.
    pub(crate) async fn ask(
        &self,
        client: &Client,
        target: &str,
    ) -> (TlsStream<TcpStream>, String) {
        ask(self.address, self.dir.path(), client, target).await
    }

    /// Asks for a tunnel that must be refused: the head of the answer.
    #[track_caller]
    pub(crate) fn refused<'a>(
        &'a self,
        client: &'a Client,
        target: &'a str,
        status: u16,
    ) -> impl Future<Output = String> + 'a {
        let place = std::panic::Location::caller();
        async move {
            let (_, head) = self.ask(client, target).await;
            let line = format!("HTTP/1.1 {status} ");
            assert!(head.starts_with(&line), "{place}: {target}: {head}");
            assert!(
                head.contains("\r\nProxy-Status: narrows-gateway; error="),
                "{place}: {head}"
            );
            assert!(
                head.contains("\r\nConnection: close\r\n"),
                "{place}: {head}"
            );
            head
        }
    }

    /// What was logged about requests, one line each. Ends the log.
    pub(crate) fn records(self) -> Vec<String> {
        self.writer.shutdown(Duration::from_secs(5)).unwrap();
        let log = std::fs::read_to_string(self.dir.path().join("access.log")).unwrap();
        log.lines().map(ToOwned::to_owned).collect()
    }

    /// The one line that was logged.
    #[track_caller]
    pub(crate) fn record(self) -> String {
        let records = self.records();
        assert_eq!(records.len(), 1, "{records:#?}");
        records.concat()
    }
}

impl Client {
    /// With a token.
    pub(crate) fn bearer(token: &str) -> Self {
        Self {
            authorization: Some(format!("Bearer {token}")),
            ..Self::default()
        }
    }
}

/// Makes a gateway named `trial` with these features in a directory: its settings, and the token of alice.
pub(crate) fn furnish(directory: &Path, features: &[&str]) -> (Settings, String) {
    let options = Options {
        dir: Some(directory.to_owned()),
        ..Options::default()
    };
    let settings = Settings::resolve(&options).unwrap();
    let allowed_features = features.iter().map(|text| text.parse().unwrap());
    let wanted = Init {
        allowed_features: allowed_features.collect(),
    };
    init(&settings, &wanted).unwrap();
    let tokens = TokenFile::new(settings.tokens());
    let token = tokens.issue("alice", None, String::new()).unwrap();
    (settings, token.expose().to_owned())
}

/// TLS with the gateway at an address, whose files are in a directory.
pub(crate) async fn connect(
    address: SocketAddr,
    directory: &Path,
    client: &Client,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(directory.join("tls/ca.pem"));
    roots.add(authority.unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match client.certificate.clone() {
        None => config.with_no_client_auth(),
        Some((chain, key)) => config
            .with_client_auth_cert(chain, key.clone_key())
            .unwrap(),
    };
    if client.h2 {
        config.alpn_protocols = vec![b"h2".to_vec()];
    }
    let io = TcpStream::connect(address).await?;
    let name = ServerName::try_from(client.sni.unwrap_or("localhost")).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, io).await
}

/// Asks that gateway for a tunnel to `target`: the stream, and the head of the answer.
pub(crate) async fn ask(
    address: SocketAddr,
    directory: &Path,
    client: &Client,
    target: &str,
) -> (TlsStream<TcpStream>, String) {
    let mut stream = connect(address, directory, client).await.unwrap();
    let authorization = client.authorization.as_ref();
    let authorization = authorization.map_or_else(String::new, |value| {
        format!("Proxy-Authorization: {value}\r\n")
    });
    let head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{authorization}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let head = read_head(&mut stream).await;
    (stream, head)
}

/// Reads up to the blank line.
pub(crate) async fn read_head(stream: &mut TlsStream<TcpStream>) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(octet) => head.push(octet),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// A server that sends back what it gets.
pub(crate) async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut io, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = io.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
                let _ = write.shutdown().await;
            });
        }
    });
    address
}

fn resolver(names: &[(&str, &[&str])]) -> StaticResolver {
    names
        .iter()
        .fold(StaticResolver::new(), |resolver, (name, addresses)| {
            let addresses = addresses.iter().map(|text| text.parse::<IpAddr>().unwrap());
            resolver.with(name.parse().unwrap(), addresses)
        })
}
