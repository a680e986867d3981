//! `narrows-gateway`: arguments in, exit code out. Everything else is in the library of this package.

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser as _;
use narrows_gateway::cli::{Cli, Command};
use narrows_gateway::exit::Exit;
use narrows_gateway::run::run;
use narrows_gateway::settings::Settings;
use narrows_gateway::{commands, init};
use narrows_service::say::say;
use tracing_subscriber::EnvFilter;

/// Does not mix what is long kept with what passes, so that memory grows less over time.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no failure; clap knows.
            let _ = error.print();
            let failed = error.use_stderr();
            return if failed { Exit::Usage } else { Exit::Clean }.into();
        }
    };
    let settings = match Settings::resolve(&cli.options) {
        Ok(settings) => settings,
        Err(problems) => {
            say(format_args!("{problems}"));
            return Exit::Usage.into();
        }
    };
    match cli.command.unwrap_or(Command::Run) {
        Command::Run => serve(&settings),
        Command::Create(create) => print(commands::create(&settings, &create)),
        Command::List => print(commands::list(&settings)),
        Command::Show { name } => print(commands::show(&settings, &name)),
        Command::Delete { name } => print(commands::delete(&settings, &name)),
        Command::Token { command } => print(commands::token(&settings, &command)),
        Command::Init(wanted) => print(init::init(&settings, &wanted)),
    }
    .into()
}

fn serve(settings: &Settings) -> Exit {
    start_diagnostics();
    run(settings).unwrap_or_else(|error| {
        fail(&error);
        if let Some(hint) = error.hint() {
            say(format_args!("hint: {hint}"));
        }
        error.exit()
    })
}

fn fail(error: &dyn Error) -> Exit {
    say(format_args!("error: {error}"));
    Exit::Failure
}

/// Data for standard output. A reader that has seen enough (`| head`) is no failure.
fn print<E: Error>(text: Result<String, E>) -> Exit {
    let text = match text {
        Ok(text) => text,
        Err(error) => return fail(&error),
    };
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(&error),
        _ => Exit::Clean,
    }
}

/// What the libraries say to people goes to standard error, from level warn on; NARROWS_TRACE asks for
/// more, in the words of tracing-subscriber's `EnvFilter`.
fn start_diagnostics() {
    let filter =
        EnvFilter::try_from_env("NARROWS_TRACE").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .without_time()
        .init();
}
