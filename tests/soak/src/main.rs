//! Mixed traffic through everything for a while, and then the books: `scripts/soak.sh`.
//!
//! Clients and origins are here; `narrows-proxy` (twice), `narrows-gateway` and an enterprise proxy stand
//! between them. Each request has a number, which is its target's address, so that what its client, its
//! origin and the logs know of it can be held against each other. Meanwhile the services are weighed.
#![allow(clippy::print_stdout, reason = "a program that prints its result")]

mod content;
mod dice;
mod end;
mod journal;
mod ledger;
mod options;
mod party;
mod plan;
mod report;
mod samples;
mod script;
mod stage;
mod traffic;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::ledger::Ledger;
use crate::options::Options;
use crate::party::Weight;
use crate::plan::{Book, Route};
use crate::report::{Report, Rest};
use crate::samples::Samples;
use crate::stage::{Place, Stage};
use crate::traffic::World;

/// Why there is no result.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// So many times the clients come in the first minute: what fills with use (the last requests, names, sessions) is
/// to be as full in it as it ever gets.
const RUSH: usize = 3;
/// How long the last requests may take to end and to be logged.
const SETTLE: Duration = Duration::from_secs(150);
/// How long the services are left alone before they are weighed at rest.
const REST: Duration = Duration::from_secs(3);
/// The longest that memory under load is looked at, at either end of the run.
const WINDOW: Duration = Duration::from_secs(300);

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Options::read(std::env::args().skip(1)) {
        Ok(options) => soak(&options).await,
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("soak: FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn soak(options: &Options) -> Result<bool, Failure> {
    let ledger = Ledger::default();
    let book = Book {
        seed: options.seed,
        half_closes: options.squid.is_none(),
    };
    let place = Place {
        binaries: &options.binaries,
        directory: &options.directory,
        squid: options.squid.as_deref(),
    };
    let mut run = Run {
        world: World::start(book, ledger.clone())?,
        stage: Stage::start(place, &ledger)?,
        samples: Samples::new(&options.directory.join("samples.csv"))?,
        start: Instant::now(),
    };
    let fresh = run.weigh()?;
    let rush = if options.judges_memory() { RUSH } else { 1 };
    let (busy, idle) = options.clients;
    let warm = run
        .load(options.warm_up(), (rush * busy, rush * idle))
        .await?;
    let begun = run.start.elapsed();
    let rest = options.length - options.warm_up();
    let after = run.load(rest, options.clients).await?;
    let window = (rest / 4).min(WINDOW);
    let report = Report {
        options,
        enterprise: run.stage.enterprise(),
        ledger: &ledger,
        rest: Rest { fresh, warm, after },
        early: run.samples.median(begun, begun + window),
        late: run.samples.median(begun + rest - window, begun + rest),
    };
    Ok(report.judge(&mut run.stage.services))
}

/// A run that goes on.
#[derive(Debug)]
struct Run {
    world: World,
    stage: Stage,
    samples: Samples,
    start: Instant,
}

// === impl Run ===

impl Run {
    /// Lets clients come for a while; gives what the services weigh when all have gone.
    async fn load(
        &mut self,
        length: Duration,
        clients: (usize, usize),
    ) -> Result<Vec<Weight>, Failure> {
        let (stop, stopped) = watch::channel(false);
        let clients = Route::ALL.map(|route| {
            let (world, entry) = (self.world.clone(), self.stage.entry(route));
            let stopped = stopped.clone();
            tokio::spawn(async move { world.load(route, entry, clients, stopped).await })
        });
        self.watch(length).await?;
        stop.send(true)?;
        for clients in clients {
            clients.await?;
        }
        let last = Instant::now();
        while self.world.ledger.open() > 0 && last.elapsed() < SETTLE {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.watch(REST).await?;
        self.weigh()
    }

    /// Weighs the services each second.
    async fn watch(&mut self, length: Duration) -> Result<(), Failure> {
        let begun = Instant::now();
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        while begun.elapsed() < length {
            seconds.tick().await;
            self.weigh()?;
        }
        Ok(())
    }

    fn weigh(&mut self) -> Result<Vec<Weight>, Failure> {
        self.samples
            .take(self.start.elapsed(), &self.stage.services)
    }
}
