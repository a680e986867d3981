//! Reach a target through an upstream proxy that wants a password, and see who is blamed otherwise.
//!
//! Loopback only: the upstream proxy and the echo target are tasks of this program.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;
use std::io;

use narrows_connect::{ESTABLISHED, Limits, Status, parse_request};
use narrows_upstream::{Dialer, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

const CHALLENGE: &[u8] = b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\n\r\n";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let echo = TcpListener::bind("127.0.0.1:0").await?;
    let target = echo.local_addr()?.to_string().parse()?;
    tokio::spawn(serve_echo(echo));
    let proxy = TcpListener::bind("127.0.0.1:0").await?;
    let at = proxy.local_addr()?;
    tokio::spawn(serve_proxy(proxy));

    let dialer = Dialer::default();
    let upstream = Upstream::new(format!("http://agent:secret@{at}").parse()?);
    let mut tunnel = dialer.through(&upstream, &target).await?;
    tunnel.io.write_all(b"hello, narrows").await?;
    tunnel.io.shutdown().await?;
    // What came with the proxy's answer belongs in front of what comes now.
    let mut echoed = tunnel.early.to_vec();
    tunnel.io.read_to_end(&mut echoed).await?;
    println!("through the proxy: {}", String::from_utf8_lossy(&echoed));

    // A wrong password is sent once, and never again.
    let upstream = Upstream::new(format!("http://agent:guess@{at}").parse()?);
    for _ in 0..2 {
        if let Err(error) = dialer.through(&upstream, &target).await {
            println!("{}, {}: {error}", error.hop(), error.step());
        }
    }
    Ok(())
}

async fn serve_echo(listener: TcpListener) -> io::Result<()> {
    loop {
        let (from, to) = listener.accept().await?.0.into_split();
        pump(from, to).await?;
    }
}

/// An enterprise proxy in miniature: Basic `agent:secret`, one tunnel at a time.
async fn serve_proxy(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut client, _) = listener.accept().await?;
        let mut head = Vec::new();
        let request = loop {
            head.push(client.read_u8().await?); // never past the head
            let parsed = parse_request(&head, &Limits::default());
            if let Status::Complete(request) = parsed.map_err(io::Error::other)? {
                break request;
            }
        };
        let login = request.proxy_authorization;
        if login.is_none_or(|login| login.credentials() != "YWdlbnQ6c2VjcmV0") {
            client.write_all(CHALLENGE).await?;
            continue;
        }
        let far = TcpStream::connect(request.target.to_string()).await?;
        client.write_all(ESTABLISHED).await?;
        let ((rx, tx), (far_rx, far_tx)) = (client.into_split(), far.into_split());
        tokio::try_join!(pump(rx, far_tx), pump(far_rx, tx))?;
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
    copy(&mut from, &mut to).await?;
    to.shutdown().await
}
