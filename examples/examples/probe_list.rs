//! Probe a list: one server is good, one is reset by whoever reads its ClientHello, one is not there.
//!
//! Loopback only: the servers are tasks of this program.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;

use narrows_endpoint::Target;
use narrows_examples::servers::{Authority, cut_after_hello, serve_tls};
use narrows_probe::check::runner::Runner;
use narrows_probe::check::targets::Targets;
use narrows_probe::render::{self, Format};
use narrows_tls_probe::{Options, Path, Prober, Trust};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new()?;
    let [good, cut, gone] = [listen().await?, listen().await?, listen().await?];
    let mut targets = Targets::default();
    for (name, listener) in [("good", &good), ("cut", &cut), ("gone", &gone)] {
        let target: Target = listener.local_addr()?.to_string().parse()?;
        targets.add(name, target);
    }
    tokio::spawn(serve_tls(good, authority.acceptor()?));
    tokio::spawn(cut_after_hello(cut));
    drop(gone);

    let mut options = Options::default();
    options.trust = Trust::Roots(authority.roots()?);
    options.expect_private = true;
    let runner = Runner::new(Prober::new(options)?, vec![Path::direct()], 16);
    // Ctrl-C, or whatever else ends a program, goes in the place of `pending`.
    let run = runner.run(&targets, std::future::pending()).await;
    println!(
        "{}",
        render::write(&run, runner.paths(), Format::Text, false)
    );
    Ok(())
}

async fn listen() -> std::io::Result<TcpListener> {
    TcpListener::bind("127.0.0.1:0").await
}
