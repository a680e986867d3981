//! `--watch`: asks again and again, and replaces the file when the list has changed.

use std::path::Path;
use std::time::Duration;

use narrows_service::say::say;
use narrows_service::signals::End;

use super::{Job, WatchArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::output;

/// How long the command may take. What it does is a reload.
const COMMAND_DEADLINE: Duration = Duration::from_secs(300);

/// Goes on until SIGINT or SIGTERM. A failure is said, changes nothing, and is tried again.
pub(super) async fn run(job: &Job, file: &Path, args: &WatchArgs) -> Result<Exit, Fault> {
    let mut end = End::listen()
        .map_err(|error| Fault::failure(format_args!("cannot wait for signals: {error}")))?;
    let mut said = Vec::new();
    loop {
        let round = async {
            match job.names(Duration::ZERO).await {
                Ok(names) => {
                    let written = job.write(names.as_deref());
                    if written.warnings != said {
                        said.clone_from(&written.warnings);
                        said.iter()
                            .for_each(|line| say(format_args!("warning: {line}")));
                    }
                    update(file, &written.text, args).await;
                }
                Err(fault) => say(format_args!(
                    "warning: {}; {} is as it was",
                    fault.message(),
                    file.display()
                )),
            }
            tokio::time::sleep(args.interval).await;
        };
        tokio::select! {
            () = round => {}
            () = end.asked() => return Ok(Exit::Clean),
        }
    }
}

/// Replaces the file if the text is another one, and runs the command then.
async fn update(file: &Path, text: &str, args: &WatchArgs) {
    if std::fs::read(file).is_ok_and(|old| old == text.as_bytes()) {
        return;
    }
    if let Err(error) = output::replace(file, text) {
        say(format_args!(
            "warning: cannot write {}: {error}; it is as it was",
            file.display()
        ));
        return;
    }
    say(format_args!("{}: changed", file.display()));
    if let Some(command) = &args.exec {
        execute(command, file).await;
    }
}

async fn execute(command: &str, file: &Path) {
    let status = tokio::process::Command::new("sh")
        .arg("-c")
        .arg(command)
        .env("NARROWS_ALLOWLIST", file)
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .status();
    match tokio::time::timeout(COMMAND_DEADLINE, status).await {
        Ok(Ok(status)) if status.success() => {}
        Ok(Ok(status)) => say(format_args!(
            "warning: --exec: the command ended with {status}"
        )),
        Ok(Err(error)) => say(format_args!("warning: --exec: cannot run sh: {error}")),
        Err(_) => say(format_args!(
            "warning: --exec: the command took longer than {COMMAND_DEADLINE:?} and was ended"
        )),
    }
}
