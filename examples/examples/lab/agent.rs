//! The agent: a TLS client that goes through this machine's proxy.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use narrows_endpoint::Target;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::outside::Outside;

/// Asks the service at `target` who it is, in TLS in a tunnel.
///
/// The error is what an administrator would read.
pub(crate) async fn ask(
    proxy: SocketAddr,
    target: &Target,
    outside: &Outside,
) -> Result<(), String> {
    let tunnel = connect(proxy, target).await?;
    let name = target.host().to_string();
    let server = ServerName::try_from(name.clone()).map_err(|error| error.to_string())?;
    let config = ClientConfig::builder()
        .with_root_certificates(outside.authorities.clone())
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let mut stream =
        connector
            .connect(server, tunnel)
            .await
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                    format!("target, tls: closed after ClientHello ({error})")
                }
                _ => format!("target, tls: {error}"),
            })?;
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer).await;
    read.map_err(|error| format!("target, read: {error}"))?;
    match answer == name {
        true => Ok(()),
        false => Err(format!("target, read: {answer} answered")),
    }
}

/// Opens a tunnel; a refusal's body is one line for people.
async fn connect(proxy: SocketAddr, target: &Target) -> Result<TcpStream, String> {
    let exchange = async {
        let mut stream = TcpStream::connect(proxy).await?;
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?); // never past the head
        }
        if head.starts_with(b"HTTP/1.1 200 ") {
            return Ok(Ok(stream));
        }
        let mut body = String::new();
        stream.read_to_string(&mut body).await?;
        Ok(Err(body.trim_end().to_owned()))
    };
    let exchange: io::Result<_> = exchange.await;
    exchange.map_err(|error| format!("this machine's proxy: {error}"))?
}
