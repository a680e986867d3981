//! The gateway leg on loopback: time to an open tunnel over a long path, bulk, and set-ups for each CPU
//! second.
//!
//! `cargo bench -p narrows-benches --bench gateway` (`-- --help` lists the flags; `--quick` is a rehearsal).
//!
//! This program is the client, the target and the long path. `narrows-proxy` and `narrows-gateway` run as
//! processes of their own, by the code of the shipped programs and in their default configuration, and so
//! do the peers: a bare rustls relay pair, and a HAProxy pair where it is installed. Whatever is compared
//! takes turns, and every figure is the median of the rounds. Processor time is read from `/proc`.
//!
//! The sockets of this program use reno; those of the others the kernel's default. The first lines say
//! which one that is, and benches/README.md how to have reno everywhere.
#![expect(clippy::print_stdout, reason = "a bench talks to its reader")]

mod bed;
mod bulk;
mod delay;
mod haproxy;
mod leg;
mod opening;
mod options;
mod party;
mod roles;
mod setups;
mod sockets;
mod target;

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use crate::bed::Bed;
use crate::options::{Options, Wanted};

/// What a bench fails with: nothing could be measured.
type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((role, rest)) = arguments.split_first()
        && let Some(code) = roles::play(role, rest)
    {
        return code;
    }
    let options = match Options::read(&arguments) {
        Ok(Wanted::Run(options)) => options,
        Ok(Wanted::Text(text)) => {
            println!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(text) => {
            println!("{text}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cannot measure: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(options: &Options) -> Result<(), Failure> {
    let start = Instant::now();
    let bed = Bed::start(options.path).await?;
    bed.introduce();
    if options.wants("open") {
        opening::measure(&bed, options).await?;
    }
    if options.wants("burst") {
        opening::measure_bursts(&bed, options).await?;
    }
    if options.wants("bulk") {
        bulk::measure(&bed, options).await?;
    }
    if options.wants("setups") {
        setups::measure(&bed, options).await?;
    }
    println!("\n{} s in all", start.elapsed().as_secs());
    Ok(())
}
