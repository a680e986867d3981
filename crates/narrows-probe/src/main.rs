//! `narrows-probe`: arguments in, exit code out. Everything else is in the library of this package.

use std::process::ExitCode;

use narrows_probe::cli;
use narrows_probe::commands::run;
use narrows_probe::exit::Exit;
use narrows_probe::fault::Fault;
use narrows_service::say::say;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no failure; clap knows.
            let _ = error.print();
            let failed = error.use_stderr();
            return if failed { Exit::Usage } else { Exit::Clean }.into();
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let done = runtime
        .map_err(|error| Fault::failure(format_args!("cannot start: {error}")))
        .and_then(|runtime| {
            let done = runtime.block_on(run(cli));
            // A name lookup that hangs must not hold up the end.
            runtime.shutdown_background();
            done
        });
    done.unwrap_or_else(|fault| {
        say(format_args!("{fault}"));
        fault.exit()
    })
    .into()
}
