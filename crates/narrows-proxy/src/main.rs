//! `narrows-proxy`: arguments in, exit code out. Everything else is in the library of this package.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use narrows_proxy::cli::{self, Command};
use narrows_proxy::configure::{self, ConfigCommand, ConfigureError};
use narrows_proxy::exit::Exit;
use narrows_proxy::logs::{ConvertArgs, FollowArgs, LogsCommand, Output};
use narrows_proxy::reload::Sources;
use narrows_proxy::run::run;
use narrows_proxy::settings::Settings;
use narrows_proxy::{explain, logs, rules, show};
use narrows_service::problem::Problems;
use narrows_service::say::say;
use narrows_service::signals::End;
use tracing_subscriber::EnvFilter;

/// Does not mix what is long kept with what passes, so that memory grows less over time.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let (cli, origins) = match cli::parse(std::env::args_os()) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version go to standard output and are no failure; clap knows.
            let _ = error.print();
            let failed = error.use_stderr();
            return if failed { Exit::Usage } else { Exit::Clean }.into();
        }
    };
    match cli.command {
        Some(Command::Logs(LogsCommand::Report(args))) => finish(logs::report(&args)),
        Some(Command::Logs(LogsCommand::Convert(args))) => convert(&args),
        Some(Command::Logs(LogsCommand::Follow(args))) => follow(&args),
        command => {
            let lookup = |name: &str| std::env::var(name).ok();
            let sources = Sources::new(cli.options, origins, Box::new(lookup));
            if let Some(Command::Config(command)) = &command {
                return configure(command, &sources).into();
            }
            match sources.settings() {
                Ok(settings) => obey(command, settings, sources),
                Err(problems) => refuse(&problems),
            }
        }
    }
    .into()
}

/// Looks at the configuration file, or changes it.
fn configure(command: &ConfigCommand, sources: &Sources) -> Exit {
    match configure::obey(command, sources) {
        Ok(said) => {
            for warning in &said.warnings {
                say(format_args!("warning: {warning}"));
            }
            match print(&said.text) {
                Exit::Clean => said.exit,
                exit => exit,
            }
        }
        Err(ConfigureError::Problems(problems)) => refuse(&problems),
        Err(error) => {
            fail(&error, error.hint());
            error.exit()
        }
    }
}

/// Does what needs settings.
fn obey(command: Option<Command>, settings: Settings, sources: Sources) -> Exit {
    for warning in &settings.warnings {
        say(format_args!("warning: {warning}"));
    }
    match command {
        Some(Command::Explain { format, targets }) => match rules::rule_set(&settings) {
            Ok(rules) => print(&explain::report(&rules, &settings, &targets, format)),
            Err(error) => fail(&error, None),
        },
        Some(Command::Logs(LogsCommand::Report(args))) => finish(logs::report(&args)),
        Some(Command::Logs(LogsCommand::Convert(args))) => convert(&args),
        Some(Command::Logs(LogsCommand::Follow(args))) => follow(&args),
        Some(Command::Logs(LogsCommand::Learn(args))) => match logs::learn(&args, &settings) {
            Ok(output) => finish(output),
            Err(error) => fail(&error, None),
        },
        Some(Command::Config(command)) => configure(&command, &sources),
        Some(Command::Show { json }) => match show::show(&settings, json) {
            Ok(text) => print(&text),
            Err(error) => fail(&error, error.hint()),
        },
        Some(Command::Run) | None => {
            start_diagnostics();
            run(settings, sources).unwrap_or_else(|error| {
                fail(&error, error.hint());
                error.exit()
            })
        }
    }
}

fn refuse(problems: &Problems) -> Exit {
    say(format_args!("{problems}"));
    Exit::Usage
}

fn fail(error: &dyn std::error::Error, hint: Option<&str>) -> Exit {
    say(format_args!("error: {error}"));
    if let Some(hint) = hint {
        say(format_args!("hint: {hint}"));
    }
    Exit::Failure
}

/// Prints what was read, if only in part.
fn finish(output: Output) -> Exit {
    for problem in &output.problems {
        fail(problem, None);
    }
    match print(&output.text) {
        Exit::Clean if !output.problems.is_empty() => Exit::Failure,
        exit => exit,
    }
}

/// Converts logs, and says what was left out.
fn convert(args: &ConvertArgs) -> Exit {
    let converted = match logs::convert(args, io::stdout().lock()) {
        Ok(converted) => converted,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Exit::Clean,
        Err(error) => return fail(&error, None),
    };
    for note in &converted.notes {
        say(format_args!("note: {note}"));
    }
    finish(Output {
        text: String::new(),
        problems: converted.problems,
    })
}

/// Follows logs until a signal asks for the end, or nobody reads any more.
fn follow(args: &FollowArgs) -> Exit {
    let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let followed = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| {
            let mut end = runtime.block_on(async { End::listen() })?;
            let wait = || {
                runtime.block_on(async {
                    tokio::select! {
                        () = end.asked() => false,
                        () = tokio::time::sleep(logs::PAUSE) => true,
                    }
                })
            };
            logs::follow(args, &mut io::stdout().lock(), colour, wait)
        });
    match followed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(&error, None),
        _ => Exit::Clean,
    }
}

/// Data for standard output. A reader that has seen enough (`| head`) is no failure.
fn print(text: &str) -> Exit {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(&error, None),
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
