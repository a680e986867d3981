//! What the command line asks for.

use std::time::Duration;

/// How much is measured.
#[derive(Debug)]
pub(crate) struct Options {
    /// Octets of one bulk transfer.
    pub(crate) bulk: u64,
    /// One way along the long path.
    pub(crate) path: Duration,
    /// How often everything that is compared takes its turn.
    pub(crate) rounds: usize,
    /// Tunnels opened and closed in one round of the set-ups.
    pub(crate) setups: usize,
    /// Tunnels of one burst.
    pub(crate) burst: usize,
    /// Only whoever's name contains this takes part.
    pub(crate) leg: String,
    /// The parts to measure; all of them when empty.
    only: Vec<String>,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Wanted {
    Run(Options),
    /// Nothing but to say this.
    Text(&'static str),
}

impl Options {
    /// Reads the arguments.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub(crate) fn read(arguments: &[String]) -> Result<Wanted, String> {
        let mut options = Self {
            bulk: 1_000_000_000,
            path: Duration::from_millis(50),
            rounds: 3,
            setups: 2000,
            burst: 200,
            leg: String::new(),
            only: Vec::new(),
        };
        let mut benched = false;
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| format!("{argument} of what?"));
            let mut number = || -> Result<u64, String> {
                let text = value()?;
                text.parse().map_err(|error| format!("{text}: {error}"))
            };
            match argument.as_str() {
                // What `cargo bench` adds; `cargo test --benches` does not, and wants no figures.
                "--bench" => benched = true,
                "--help" => return Ok(Wanted::Text(HELP)),
                "--quick" => {
                    (options.bulk, options.rounds) = (20_000_000, 1);
                    (options.setups, options.burst) = (100, 20);
                }
                "--size" => options.bulk = number()? * 1_000_000,
                "--one-way" => options.path = Duration::from_millis(number()?),
                "--leg" => options.leg.clone_from(value()?),
                "--rounds" => options.rounds = usize::try_from(number()?).unwrap_or(1).max(1),
                part if PARTS.contains(&part) => options.only.push(part.to_owned()),
                other => return Err(format!("{other}: no such flag\n{HELP}")),
            }
        }
        Ok(if benched {
            Wanted::Run(options)
        } else {
            Wanted::Text("nothing to test here; `cargo bench` measures")
        })
    }

    pub(crate) fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|one| one == part)
    }
}

const PARTS: [&str; 4] = ["open", "burst", "bulk", "setups"];
const HELP: &str = "\
cargo bench -p narrows-benches --bench gateway -- [open] [burst] [bulk] [setups] [flags]

  --size MB        octets of one bulk transfer [1000]
  --one-way MS     delay of the long path, each way [50]
  --rounds N       turns of everything that is compared [3]
  --leg NAME       bulk and set-ups of one contender alone, for a profile
  --quick          a rehearsal: little of everything, figures of no worth";
