//! `--watch`: repeats, and prints what has changed.

use narrows_service::clock::LocalClock;
use narrows_service::signals::End;

use super::{CheckArgs, Output};
use crate::check::runner::Runner;
use crate::check::targets::Targets;
use crate::check::{Run, diff};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::render::{self, Format};

/// The first round as a whole, then changes alone, until a signal. The exit code is that of the last
/// complete round.
pub(super) async fn run(
    runner: &Runner,
    targets: &Targets,
    args: &CheckArgs,
    end: &mut End,
) -> Result<Exit, Fault> {
    let clock = LocalClock::system();
    let mut before: Option<Run> = None;
    loop {
        let mut ended = false;
        let run = runner
            .run(targets, async {
                end.asked().await;
                ended = true;
            })
            .await;
        if ended && before.is_some() {
            break;
        }
        let text = before.as_ref().map_or_else(
            || render::write(&run, runner.paths(), Format::Text, args.tell.verbose),
            |before| changes(before, &run, &clock),
        );
        Output::Stdout.write(&text)?;
        if let Some(save) = &args.save {
            let text = render::write(&run, runner.paths(), Format::Json, false);
            Output::File(save.clone()).write(&text)?;
        }
        before = Some(run);
        if ended {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(args.interval) => {}
            () = end.asked() => break,
        }
    }
    Ok(before.map_or(Exit::Nothing, |run| args.tell.exit(&run)))
}

/// One line for each change, with the time.
fn changes(before: &Run, after: &Run, clock: &LocalClock) -> String {
    diff::changes(before, after)
        .iter()
        .map(|line| format!("{} {line}\n", clock.now()))
        .collect()
}
