//! The proxy as a whole, beside the bare relays that mark the limit and whichever peers are installed.
//!
//! `cargo bench -p narrows-benches --bench proxies` (`-- --help` lists the flags; `--quick` is a rehearsal).
//!
//! This program is the clients and the targets, on one core. Whatever is measured runs on another one, as
//! a process of its own in its default configuration or, for peers, in one that leaves out what was not
//! asked for. Everybody takes turns, and every figure is the median of the rounds. Processor time and
//! memory are read from `/proc`, which only Linux has.
#![expect(clippy::print_stdout, reason = "a bench talks to its reader")]

#[cfg(target_os = "linux")]
mod bed;
#[cfg(target_os = "linux")]
mod bulk;
#[cfg(target_os = "linux")]
mod configurations;
#[cfg(target_os = "linux")]
mod cores;
#[cfg(target_os = "linux")]
mod idle;
#[cfg(target_os = "linux")]
mod manners;
#[cfg(target_os = "linux")]
mod network;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod peers;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod relay;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod rounds;
#[cfg(target_os = "linux")]
mod setups;
#[cfg(target_os = "linux")]
mod sockets;
#[cfg(target_os = "linux")]
mod trips;
#[cfg(target_os = "linux")]
mod tunnel;

use std::process::ExitCode;

/// What a bench fails with: nothing could be measured.
#[cfg(target_os = "linux")]
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    println!("this bench needs Linux: processor time and memory of others are read from /proc");
    ExitCode::SUCCESS
}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use crate::options::{Options, Wanted};

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = arguments.first().and_then(|role| relay::play(role)) {
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
    match run(options, &arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cannot measure: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(target_os = "linux")]
fn run(options: options::Options, arguments: &[String]) -> Result<(), Failure> {
    let narrows = match &options.proxy {
        Some(program) => program.clone(),
        // The copy inside is told what was built outside, where the network is.
        None if network::inside() => return Err("--proxy is missing".into()),
        None => peers::build()?,
    };
    if !options.here && !network::inside() {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--proxy".to_owned(), narrows.display().to_string()]);
        network::enter(&arguments)?;
    }
    let start = std::time::Instant::now();
    rounds::run(&options, narrows)?;
    println!("\n{} s in all", start.elapsed().as_secs());
    Ok(())
}
