//! `compare`: the same targets directly, through a proxy and through a gateway.

use clap::Args;
use narrows_endpoint::Target;
use narrows_service::signals::End;
use narrows_upstream::ProxyUrl;

use super::check::{PathArgs, ProbeArgs, TellArgs, runner};
use crate::check::targets::Targets;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::output::Output;
use crate::render;
use crate::selection::read_target;
use crate::via::{GatewayArgs, Via};

/// What is compared.
#[derive(Clone, Debug, Args)]
pub struct CompareArgs {
    /// What to test; the port is 443 when absent
    #[arg(value_name = "HOST[:PORT]", required = true)]
    pub hosts: Vec<String>,

    /// Compare with the way through this proxy: `http://[user:password@]host:port`
    #[arg(
        long,
        env = "NARROWS_PROBE_PROXY",
        value_name = "URL",
        hide_env_values = true
    )]
    pub proxy: Option<ProxyUrl>,

    /// Compare with the way through this gateway: `https://host[:port]`
    #[arg(long, env = "NARROWS_PROBE_GATEWAY", value_name = "URL", value_parser = read_target)]
    pub gateway: Option<Target>,

    /// Compare with the way through narrows-proxy on this machine
    #[arg(long)]
    pub local: bool,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it as the help of every flag")]
    pub credentials: GatewayArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it as the help of every flag")]
    pub probe: ProbeArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it as the help of every flag")]
    pub tell: TellArgs,
}

/// Compares the paths.
///
/// # Errors
///
/// Flags that are wrong, and an output that cannot be written.
///
/// # Cancel safety
///
/// As [`check::run`](super::check::run).
pub async fn run(args: CompareArgs) -> Result<Exit, Fault> {
    let mut targets = Targets::default();
    targets.add_named(&args.hosts)?;
    let mut via = vec![Via::Direct];
    via.extend(args.proxy.clone().map(Via::Proxy));
    via.extend(args.gateway.clone().map(Via::Gateway));
    if args.local {
        via.push("local".parse().map_err(Fault::usage)?);
    }
    if via.len() < 2 {
        let fault = Fault::usage("nothing to compare the direct way with");
        return Err(fault.hint("give --proxy, --gateway or --local"));
    }
    let output = Output::new(args.tell.output.as_deref());
    output.check()?;
    let paths = PathArgs {
        via,
        gateway: args.credentials,
    };
    let runner = runner(&paths, &args.probe, &args.tell)?;
    let mut end = End::listen()
        .map_err(|error| Fault::failure(format_args!("cannot wait for signals: {error}")))?;
    let run = runner.run(&targets, end.asked()).await;
    output.write(&render::write(
        &run,
        runner.paths(),
        args.tell.format,
        args.tell.verbose,
    ))?;
    Ok(args.tell.exit(&run))
}
