//! A health check that tells a working service from one whose TLS is cut on the way: embed the probe,
//! and answer 200 or 503 with the reason.
//!
//! Loopback only: the service and its clients are tasks of this program.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;
use std::io;
use std::time::Duration;

use narrows_endpoint::Target;
use narrows_examples::servers::{Authority, cut_after_hello, serve_tls};
use narrows_tls_probe::{Deadlines, Options, Path, Prober, Trust};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new()?;
    let mut options = Options::default();
    options.deadlines = Deadlines::uniform(Duration::from_secs(2));
    options.trust = Trust::Roots(authority.roots()?);
    options.expect_private = true;
    let prober = Prober::new(options)?;

    let service = TcpListener::bind("127.0.0.1:0").await?;
    let behind_filter = TcpListener::bind("127.0.0.1:0").await?;
    let targets = [&service, &behind_filter].map(TcpListener::local_addr);
    tokio::spawn(serve_tls(service, authority.acceptor()?));
    tokio::spawn(cut_after_hello(behind_filter));

    for address in targets {
        let target: Target = address?.to_string().parse()?;
        let health = TcpListener::bind("127.0.0.1:0").await?;
        let at = health.local_addr()?;
        tokio::spawn(serve_health(health, prober.clone(), target));
        println!("GET /health: {}", get(at).await?);
    }
    Ok(())
}

/// One answer for each request. A real one would keep an answer for some seconds.
async fn serve_health(listener: TcpListener, prober: Prober, target: Target) -> io::Result<()> {
    loop {
        let (mut client, _) = listener.accept().await?;
        let mut request = [0; 1024];
        let _ = client.read(&mut request).await?;
        let report = prober.probe(&target, &Path::direct()).await;
        let verdict = &report.verdict;
        let (status, body) = match report.is_reachable() {
            true => ("200 OK", "reachable\n".to_owned()),
            false => (
                "503 Service Unavailable",
                format!("{}: {verdict}\n", verdict.id),
            ),
        };
        let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n{body}");
        client.write_all(answer.as_bytes()).await?;
    }
}

/// What a load balancer would see: the status, and the reason.
async fn get(at: std::net::SocketAddr) -> io::Result<String> {
    let mut io = TcpStream::connect(at).await?;
    io.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await?;
    let mut answer = String::new();
    io.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    Ok(format!(
        "{}: {}",
        head.lines().next().unwrap_or_default(),
        body.trim_end()
    ))
}
