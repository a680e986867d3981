//! The lab: a server that may reach three names and needs eighteen more, told in five acts.
//!
//! `cargo run --release --example lab`
//!
//! On loopback, in one process: an enterprise proxy, a firewall behind it that reads the name out of each
//! TLS handshake, a gateway and services outside, and this machine's proxy in front of an agent. Every act
//! prints what both logs say; the program fails if one act goes another way than the story. The services
//! stand at 127.0.0.2, which macOS has only after `ifconfig lo0 alias 127.0.0.2`.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

mod agent;
mod enterprise;
mod firewall;
mod machine;
mod names;
mod outside;
mod paper;
mod story;
mod verdict;

use std::error::Error;
use std::time::Duration;

use tokio::time::timeout;

use crate::enterprise::Enterprise;
use crate::machine::Machine;
use crate::names::{BOOTSTRAP, CARRIED};
use crate::outside::Outside;
use crate::story::{Act, Expected, STORY};
use crate::verdict::verdict;

/// No act needs a second.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the lab's parts fail with.
type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let outside = Outside::open().await?;
    let mut failed = Vec::new();
    for (number, act) in (1..).zip(&STORY) {
        println!("== {number}. {}\n", act.title);
        match timeout(PATIENCE, perform(act, &outside)).await?? {
            Ok(verdict) => println!("PASS {number}: {verdict}\n"),
            Err(verdict) => {
                println!("FAIL {number}: {verdict}\n");
                failed.push(number);
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(format!("not as the story says: {failed:?}").into())
}

/// Sets the network up, lets the agent try every name, and compares.
async fn perform(act: &Act, outside: &Outside) -> Result<Result<String, String>, Failure> {
    let enterprise = Enterprise::open(act.proxy, act.firewall, outside).await?;
    let machine = Machine::start(enterprise.address, act.gateway, outside).await?;
    let mut outcomes = Vec::new();
    for name in BOOTSTRAP.into_iter().chain(CARRIED) {
        let target = format!("{name}:{}", outside.port).parse()?;
        outcomes.push((name, agent::ask(machine.address, &target, outside).await));
    }
    let tunnels = machine.stop().await?;
    let access = enterprise.close().await?;
    show("the enterprise proxy's log", &access, act);
    show("arcproxy.log on this machine", &tunnels, act);
    if let Some((name, Err(error))) = outcomes.iter().find(|(_, outcome)| outcome.is_err()) {
        println!("the agent, about {name}:\n  {error}\n");
    }
    Ok(verdict(act, &outcomes, &access, &tunnels, outside))
}

/// Prints a log: all of it where everything works, the beginning where the rest is alike.
fn show(title: &str, lines: &[String], act: &Act) {
    let most = match act.expected {
        Expected::Reach("gatewayh2") => lines.len(),
        _ => lines.len().min(9),
    };
    println!("{title}:");
    for line in &lines[..most] {
        println!("  {line}");
    }
    if most < lines.len() {
        println!("  ... and {} more", lines.len() - most);
    }
    println!();
}
