//! Embeds the whole proxy in a program: an own policy, counted tunnels, a clean end.
//!
//! `cargo run --example embed_proxy`
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;
use std::sync::Arc;

use narrows_connect::{ProxyError, Refusal};
use narrows_endpoint::{Route, Target};
use narrows_server::{Action, Counters, Egress, Server, Settings};
use narrows_upstream::{Dialer, SystemResolver, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// Names are reached, addresses only on this machine.
fn policy(target: &Target) -> Action {
    match target.host().ip() {
        Some(ip) if !ip.is_loopback() => Action::Refuse(Refusal {
            error: Some(ProxyError::HttpRequestDenied),
            ..Refusal::new(403, format!("{target}: use a name"))
        }),
        _ => Action::forward(Route::Direct),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let counters = Arc::new(Counters::default());
    let egress = Egress::new(Dialer::new(SystemResolver::default(), Timeouts::default()));
    let server = Server::new(policy, egress, Arc::clone(&counters), Settings::default());

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let proxy = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(async move {
        server
            .serve(vec![listener], async { drop(stopped.await) })
            .await
    });

    // A target on this machine that answers in capitals.
    let target = TcpListener::bind("127.0.0.1:0").await?;
    let address = target.local_addr()?;
    let answering = tokio::spawn(async move {
        let (mut stream, _) = target.accept().await?;
        let mut words = String::new();
        stream.read_to_string(&mut words).await?;
        stream.write_all(words.to_uppercase().as_bytes()).await
    });

    println!(
        "{}",
        through(proxy, &format!("{address}"), "narrow is the way").await?
    );
    println!("{}", through(proxy, "203.0.113.1:443", "").await?);

    answering.await??;
    drop(stop);
    let drained = serving.await?;
    println!("{:?}, {:?}", counters.totals(), drained);
    Ok(())
}

/// Opens a tunnel, says something, and gives all that comes back.
async fn through(
    proxy: std::net::SocketAddr,
    target: &str,
    words: &str,
) -> Result<String, Box<dyn Error>> {
    let mut tunnel = TcpStream::connect(proxy).await?;
    let head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n{words}");
    tunnel.write_all(head.as_bytes()).await?;
    tunnel.shutdown().await?;
    let mut answer = String::new();
    tunnel.read_to_string(&mut answer).await?;
    Ok(answer.lines().last().unwrap_or_default().to_owned())
}
