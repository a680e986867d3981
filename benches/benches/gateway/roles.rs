//! What this program is when another copy of it says so: one of the processes that are measured.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional_with_sizes};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::Failure;

/// `narrows-proxy`; the rest of the command line is its own.
pub(crate) const PROXY: &str = "as-proxy";
/// `narrows-gateway`, likewise.
pub(crate) const GATEWAY: &str = "as-gateway";
/// The bare relay's near side, TCP to TLS: address to connect to, file with authorities.
pub(crate) const NEAR: &str = "as-near";
/// The bare relay's far side, TLS to TCP: address to connect to, certificate's and key's file.
pub(crate) const FAR: &str = "as-far";

/// Octets that the bare relay copies at once: as many as ours.
const CHUNK: usize = 64 * 1024;

/// Plays a role to its end, if it is one.
pub(crate) fn play(role: &str, arguments: &[String]) -> Option<ExitCode> {
    let outcome = match role {
        PROXY => proxy(arguments),
        GATEWAY => gateway(arguments),
        NEAR => near(arguments),
        FAR => far(arguments),
        _ => return None,
    };
    Some(outcome.unwrap_or_else(|error| {
        say(&error.to_string());
        ExitCode::FAILURE
    }))
}

fn proxy(arguments: &[String]) -> Result<ExitCode, Failure> {
    let arguments = [PROXY]
        .into_iter()
        .chain(arguments.iter().map(String::as_str));
    let (cli, origins) = narrows_proxy::cli::parse(arguments)?;
    let nothing = Box::new(|_: &str| None);
    let sources = narrows_proxy::reload::Sources::new(cli.options, origins, nothing);
    let settings = sources.settings();
    let settings = settings.map_err(|problems| problems.to_string())?;
    Ok(narrows_proxy::run::run(settings, sources)?.into())
}

fn gateway(arguments: &[String]) -> Result<ExitCode, Failure> {
    use narrows_gateway::cli::{Cli, Command};
    let arguments = [GATEWAY]
        .into_iter()
        .chain(arguments.iter().map(String::as_str));
    let cli = Cli::try_parse_from(arguments)?;
    let settings = narrows_gateway::settings::Settings::resolve(&cli.options);
    let settings = settings.map_err(|problems| problems.to_string())?;
    match cli.command {
        Some(Command::Init(wanted)) => {
            narrows_gateway::init::init(&settings, &wanted)?;
            Ok(ExitCode::SUCCESS)
        }
        _ => Ok(narrows_gateway::run::run(&settings)?.into()),
    }
}

#[tokio::main]
async fn near(arguments: &[String]) -> Result<ExitCode, Failure> {
    let [to, authorities] = arguments else {
        return Err("ADDRESS AUTHORITIES".into());
    };
    let to: SocketAddr = to.parse()?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authorities)? {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let listener = listen().await?;
    loop {
        let (plain, _) = listener.accept().await?;
        let connector = connector.clone();
        tokio::spawn(async move {
            let far = connect(to).await?;
            let secured = connector
                .connect(ServerName::try_from("localhost")?, far)
                .await?;
            relay(plain, secured).await
        });
    }
}

#[tokio::main]
async fn far(arguments: &[String]) -> Result<ExitCode, Failure> {
    let [to, certificate, key] = arguments else {
        return Err("ADDRESS CERTIFICATE KEY".into());
    };
    let to: SocketAddr = to.parse()?;
    let chain = CertificateDer::pem_file_iter(Path::new(certificate))?;
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            chain.collect::<Result<_, _>>()?,
            PrivateKeyDer::from_pem_file(key)?,
        )?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = listen().await?;
    loop {
        let (near, _) = listener.accept().await?;
        near.set_nodelay(true)?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let secured = acceptor.accept(near).await?;
            relay(connect(to).await?, secured).await
        });
    }
}

/// Copies both ways until both have ended.
async fn relay<S>(mut plain: TcpStream, mut secured: S) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    plain.set_nodelay(true)?;
    copy_bidirectional_with_sizes(&mut plain, &mut secured, CHUNK, CHUNK).await?;
    Ok(())
}

async fn connect(to: SocketAddr) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn listen() -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    say(&format!("listening on {}", listener.local_addr()?));
    Ok(listener)
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

#[expect(
    clippy::print_stderr,
    reason = "the copy that started this one reads it"
)]
fn say(line: &str) {
    eprintln!("{line}");
}
