//! Compare two paths: the direct way is cut after ClientHello, the way through a proxy is not.
//!
//! Loopback only: the firewall, the proxy and the service are tasks of this program. The firewall stands
//! on the service's address; the proxy knows the way round it.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;
use std::net::SocketAddr;

use narrows_endpoint::Target;
use narrows_examples::servers::{Authority, cut_after_hello, serve_tls, serve_tunnels_to};
use narrows_probe::check::runner::Runner;
use narrows_probe::check::targets::Targets;
use narrows_probe::render;
use narrows_tls_probe::{Hop, Options, Path, Prober, Trust};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new()?;
    let service = TcpListener::bind("127.0.0.1:0").await?;
    let firewall = TcpListener::bind("127.0.0.1:0").await?;
    let proxy = TcpListener::bind("127.0.0.1:0").await?;
    let target: Target = firewall.local_addr()?.to_string().parse()?;
    let proxy_at: Target = proxy.local_addr()?.to_string().parse()?;
    let service_at: SocketAddr = service.local_addr()?;
    tokio::spawn(serve_tls(service, authority.acceptor()?));
    tokio::spawn(cut_after_hello(firewall));
    tokio::spawn(serve_tunnels_to(proxy, service_at));

    let mut options = Options::default();
    options.trust = Trust::Roots(authority.roots()?);
    options.expect_private = true;
    let paths = vec![
        Path::direct(),
        Path::through(Hop::proxy(proxy_at)).with_label("proxy"),
    ];
    let runner = Runner::new(Prober::new(options)?, paths, 16);
    let mut targets = Targets::default();
    targets.add("service", target);
    let run = runner.run(&targets, std::future::pending()).await;
    println!("{}", render::side_by_side(&run));
    Ok(())
}
