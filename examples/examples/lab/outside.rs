//! [`Outside`]: what is beyond the firewall, the services with their TLS and the gateway.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use narrows_endpoint::Target;
use narrows_gateway::cli::{Init, Options};
use narrows_gateway::init::init;
use narrows_gateway::serve::Front;
use narrows_gateway::settings::Settings;
use narrows_gateway::state::State;
use narrows_log::{Timestamp, Writer};
use narrows_server::TunnelLog;
use narrows_upstream::{Dialer, StaticResolver};
use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::Failure;
use crate::names::{BOOTSTRAP, CARRIED};

/// Where everything outside is.
pub(crate) const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// The services and the gateway, until the program ends.
pub(crate) struct Outside {
    /// Who signed the services' certificate.
    pub(crate) authorities: RootCertStore,
    /// The gateway's one name, and its port.
    pub(crate) gateway: Target,
    /// Who signed the gateway's certificate, in PEM.
    pub(crate) gateway_authority: Vec<u8>,
    /// The port of every service.
    pub(crate) port: u16,
    /// What the gateway lets this machine in with.
    pub(crate) token: String,
    _files: TempDir,
    _log: Writer,
}

impl Outside {
    /// Starts the services, and a gateway as `narrows-gateway init` sets it up.
    pub(crate) async fn open() -> Result<Self, Failure> {
        let (authorities, port) = serve_services().await?;
        let files = tempfile::tempdir()?;
        std::fs::write(
            files.path().join("gateway.toml"),
            "domain = \"arc.azure.com\"\n",
        )?;
        let dir = Some(files.path().to_owned());
        let settings = Settings::resolve(&Options {
            dir,
            ..Options::default()
        })?;
        // The catalogue's `*` means the real port; loopback is allowed because it is named.
        let features = CARRIED.map(|name| format!("{name}:{port} in 127.0.0.0/8").parse());
        let allowed_features = features.into_iter().collect::<Result<_, _>>()?;
        init(&settings, &Init { allowed_features })?;

        let log = Writer::spawn(std::io::sink(), narrows_log::Options::default())?;
        let clock = Box::new(|| Timestamp::new(0, 0));
        let state = State::read(&settings)?;
        let endpoint = match state.gateways.load().gateways() {
            [gateway] => gateway.definition.gateway_endpoint.name().clone(),
            _ => return Err("init makes one gateway".into()),
        };
        let listener = TcpListener::bind((ADDRESS, 0)).await?;
        let own = listener.local_addr()?;
        let dialer = Dialer::new(names_outside()?, settings.timeouts);
        let tunnel_log = Arc::new(TunnelLog::new(log.handle(), clock));
        let front = Front::new(
            &settings,
            &state,
            false,
            dialer,
            vec![own],
            &tunnel_log,
            None,
        );
        tokio::spawn(serve_gateway(front, listener));
        Ok(Self {
            authorities,
            gateway: format!("{endpoint}:{}", own.port()).parse()?,
            gateway_authority: std::fs::read(files.path().join("tls/ca.pem"))?,
            port,
            token: std::fs::read_to_string(files.path().join("trial.token"))?
                .trim()
                .to_owned(),
            _files: files,
            _log: log,
        })
    }
}

/// Only the gateway knows where the services really are.
fn names_outside() -> Result<StaticResolver, Failure> {
    let mut resolver = StaticResolver::new();
    for name in CARRIED {
        resolver = resolver.with(name.parse()?, [ADDRESS]);
    }
    Ok(resolver)
}

async fn serve_gateway(front: Front, listener: TcpListener) {
    let front = Arc::new(front);
    while let Ok((io, client)) = listener.accept().await {
        let front = Arc::clone(&front);
        tokio::spawn(async move { front.connection(io, client).await });
    }
}

/// Starts services that say the name they were called by.
async fn serve_services() -> Result<(RootCertStore, u16), Failure> {
    let names: Vec<String> = BOOTSTRAP
        .into_iter()
        .chain(CARRIED)
        .map(Into::into)
        .collect();
    let signed = rcgen::generate_simple_self_signed(names)?;
    let certificate = signed.cert.der().clone();
    let mut authorities = RootCertStore::empty();
    authorities.add(certificate.clone())?;
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der())?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(SocketAddr::new(ADDRESS, 0)).await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((io, _)) = listener.accept().await {
            let answer = answer(acceptor.clone(), io);
            tokio::spawn(timeout(Duration::from_secs(10), answer));
        }
    });
    Ok((authorities, port))
}

async fn answer(acceptor: TlsAcceptor, io: TcpStream) -> std::io::Result<()> {
    let mut stream = acceptor.accept(io).await?;
    let name = stream.get_ref().1.server_name().unwrap_or("-").to_owned();
    stream.write_all(name.as_bytes()).await?;
    stream.shutdown().await
}
